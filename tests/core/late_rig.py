"""Accounts whose cache answers late."""

import asyncio
from datetime import timedelta
from typing import Any

from rig import Rig
from tiers_rig import KEY
from virtual_time import RemoteCache

LONG = {"close_timeout": timedelta(seconds=20)}


def a_rig(**options: Any) -> Rig:
    """Accounts with a cache on a server, and time to close."""
    given: dict[str, Any] = {"cache": RemoteCache(), "settings": LONG}
    return Rig(**given | options)


def version_of(rig: Rig) -> int | None:
    """The version that stands in the cache."""
    record = rig.cache._records.get(KEY)
    return None if record is None else int(record.version)


def wait_at_put(rig: Rig, seconds: float) -> None:
    """The next put takes so long."""
    rig.cache.then("put", lambda: asyncio.sleep(seconds))
