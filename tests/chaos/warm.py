"""What the fork server does once, so that processes begin with their work and not with imports."""

import asyncio
import gc
import importlib
import tempfile
from pathlib import Path
from uuid import uuid4

import clients  # noqa: F401 what processes run
import extremes  # noqa: F401 likewise
import operations  # noqa: F401 likewise
from chaos_log import CallLog
from chaos_site import Client, Site

_MODULES = (
    "sqlalchemy.dialects.mysql.asyncmy",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "asyncmy",
    "asyncpg",
    "interlock_memcached_cache.backend",
    "interlock_redis_cache.backend",
)


async def _work() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        client = Client(
            Site(f"sqlite:///{folder / 'test.db'}", folder).application(),
            CallLog(folder / "0.log", 0),
        )
        async with client.application:
            await client.move(uuid4(), 5)


for _module in _MODULES:
    importlib.import_module(_module)
asyncio.run(_work())
gc.freeze()
