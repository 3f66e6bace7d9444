"""Servers that are stopped, and that crash, while commands run."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sql_bank import grown
from sql_rig import Place
from sql_servers import OwnMariaDB, OwnPostgreSQL, own_mariadb, own_postgresql
from tellers import Tellers, bank_on

pytestmark = pytest.mark.faults

PROCESSES, COMMANDS, ACCOUNTS = 2, 200, 10


@pytest.mark.parametrize(
    ("kind", "own"), [("postgresql", own_postgresql), ("mariadb", own_mariadb)]
)
async def test_commands_go_on_once_their_server_is_back(
    kind: str,
    own: Callable[[], AbstractContextManager[OwnPostgreSQL | OwnMariaDB]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with own() as server:
        place = Place(kind, server.url)
        tellers = Tellers(bank_on(place, tmp_path), accounts=ACCOUNTS)
        await tellers.create()
        work = asyncio.create_task(tellers.work(PROCESSES, COMMANDS))
        for events, end in ((50, server.stop), (100, server.crash)):
            await grown(place, events, work)
            await asyncio.to_thread(end)
            assert not work.done()  # the rest is done when the server is back
            await asyncio.to_thread(server.start)
        counts = await tellers.check(await work)
    with capsys.disabled():
        sys.stdout.write(f"\n{dict(counts)}\n")
