"""Loading and rebuilding hold a chunk of events, never the history."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL
from uuid import UUID

import pytest

from long_stream import EVERY
from sql_rig import Place, dropped, made
from sql_streams import store

pytestmark = pytest.mark.faults

IS_SOAK = "INTERLOCK_EVENTS" in os.environ
LENGTH = int(os.environ.get("INTERLOCK_EVENTS", "100000"))
SHORT = 20_000
LIMIT = 5_000_000 if IS_SOAK else 2_500_000  # bytes
SCRIPT = Path(__file__).with_name("long_stream.py")
KINDS = ("sqlite", "postgresql", "mariadb") if IS_SOAK else ("sqlite", "postgresql")


@pytest.fixture(scope="module", params=KINDS)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    place = made(request.param, tmp_path_factory.mktemp("streams"))
    asyncio.run(store(place, ((UUID(int=length), length) for length in (1, SHORT, LENGTH))))
    yield place
    dropped(place)


@pytest.fixture
def without_snapshots(place: Place) -> None:
    """What an earlier test has stored is gone."""
    asyncio.run(place.run("DROP TABLE IF EXISTS AT.interlock_snapshots"))


def told(place: Place, what: str, measure: str, length: int, *, ends: int = 0) -> list[int]:
    """What the script tells: the versions of snapshots, and last the peak."""
    words = [str(SCRIPT), what, measure, place.url, place.prefix, str(length)]
    done = subprocess.run(  # noqa: S603 our own script
        [sys.executable, *words], check=False, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == ends, done.stderr
    return [int(line) for line in done.stdout.split()]


@pytest.mark.parametrize(
    ("what", "measure"), [("load", "tracemalloc"), ("load", "rss"), ("rebuild", "tracemalloc")]
)
@pytest.mark.usefixtures("without_snapshots")
def test_memory_does_not_grow_with_the_stream(
    place: Place, what: str, measure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    *_, short = told(place, what, measure, SHORT)
    began = time.monotonic()
    *_, long = told(place, what, measure, LENGTH)
    took, grown = time.monotonic() - began, (long - short) / 1e6
    with capsys.disabled():
        sys.stdout.write(f"\n{what} of {LENGTH:,} events, {place.kind}, {measure}: ")
        sys.stdout.write(f"{grown:+.1f} MB to {long / 1e6:.1f} MB, {took:.1f} s\n")
    assert long - short <= LIMIT


@pytest.mark.usefixtures("without_snapshots")
def test_a_rebuild_that_was_killed_goes_on_where_it_was(place: Place) -> None:
    assert told(place, "die", "rss", LENGTH, ends=-SIGKILL) == [EVERY, 2 * EVERY]
    *versions, _ = told(place, "rebuild", "rss", LENGTH)
    assert versions == list(range(3 * EVERY, LENGTH + 1, EVERY))
