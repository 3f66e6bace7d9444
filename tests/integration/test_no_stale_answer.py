"""Processes on hot accounts, with cache entries made stale, evicted and flushed all the time.

Whatever the cache: no wrong refusal, no lost update, no overdraft, and each state that was seen is
one that the stream had.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hot_caches import BY_NAME, hot_cache, table
from tellers import Tellers, configuration

pytestmark = pytest.mark.faults

PROCESSES = 4
COMMANDS = int(os.environ.get("INTERLOCK_COMMANDS", "400"))  # of each process
ACCOUNTS = min(50, COMMANDS // 40)  # few, so that few commands meet as often as many would


@pytest.fixture(params=["hand-written", *BY_NAME])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path | None]]:
    """The cache's tables in the TOML, or the folder of the hand-written one."""
    if request.param == "hand-written":
        folder = tmp_path / "cache"
        folder.mkdir()
        yield table("hot", backend="null-cache"), folder
        return
    with hot_cache(request.param, tmp_path) as tables:
        yield tables, None


async def test_every_outcome_is_that_of_plain_replay(
    cache: tuple[str, Path | None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables, folder = cache
    file = {"url": f"sqlite:///{tmp_path / 'bank.db'}", "synchronous": "NORMAL"}
    config = tmp_path / "interlock.toml"
    config.write_text(configuration(file, file, tables))
    tellers = Tellers(config, accounts=ACCOUNTS, folder=folder)
    await tellers.create()
    counts = await tellers.check(await tellers.work(PROCESSES, COMMANDS))
    with capsys.disabled():
        sys.stdout.write(f"\n{dict(counts)}\n")
    assert counts["append.conflict"] > 0, "the processes never met"
    assert counts["stale hits"] >= max(10, PROCESSES * COMMANDS // 400)
    assert counts["outages"] == 0
