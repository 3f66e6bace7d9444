"""Many processes on few accounts of one server."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sql_rig import Place, dropped, made
from tellers import Tellers, bank_on

PROCESSES, ACCOUNTS = 8, 20
COMMANDS = int(os.environ.get("INTERLOCK_COMMANDS", "1000")) // 2  # of each process
SERVERS = ("postgresql", "mariadb") if "INTERLOCK_COMMANDS" in os.environ else ("postgresql",)


@pytest.fixture(params=SERVERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


async def test_versions_are_contiguous_and_each_accepted_command_is_there_once(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tellers = Tellers(bank_on(place, tmp_path), accounts=ACCOUNTS)
    await tellers.create()
    counts = await tellers.check(await tellers.work(PROCESSES, COMMANDS))
    with capsys.disabled():
        sys.stdout.write(f"\n{dict(counts)}\n")
    assert counts["append.conflict"] > 0, "the processes never met"
    assert counts["outages"] == 0
