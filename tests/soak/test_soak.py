"""At the highest rate that is answered, a process holds in the end what it held half-way.

`INTERLOCK_SOAK_SECONDS` says how long each load lasts, ten minutes by default. A shorter one proves
less: what is taken once isn't told from what grows. With SQLite that are its caches of pages, up to
2 MiB for a connection, which each commit of another one empties: within some 75,000 calls they take
the heap to the size that it keeps.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest

from redis_rig import Server
from sql_rig import dropped, made

SECONDS = float(os.environ.get("INTERLOCK_SOAK_SECONDS", "600"))
TEN_MINUTES = 600.0
MIB = 1 << 20
_LOAD = Path(__file__).with_name("steady_load.py")
_KINDS = ("descriptors", "sockets", "threads", "tasks")
_UP, _DOWN = 5.0, 3.0  # seconds of a server that comes and goes
_HEAD = """\
# Soaks of {day}

`tox run -e soak-memory` wrote a line for each load, which had {seconds:.0f} s.
Memory is the slope of the resident set in the second half, in MiB in ten minutes: of the load, less
that of calls that go nowhere if that grew. The others are medians of the third quarter and of the
fourth. The machine has {cores} cores, and `busy` is how many processes wanted one in the mean of
the last quarter of an hour: the rate depends on it.

| load | calls/s | failed | MiB in ten minutes | resident | {kinds} | busy |
|---|---|---|---|---|{lines}|---|
"""


class Held(NamedTuple):
    """What a load gave: its calls, and samples of the process."""

    answered: int
    failed: int
    samples: Sequence[Sequence[int]]

    @property
    def slope(self) -> float:
        """The median growth of the resident set in the second half, in MiB in ten minutes."""
        half = [each[0] for each in self.samples[len(self.samples) // 2 :]]
        pairs = combinations(enumerate(half), 2)
        per_sample = median((b - a) / (j - i) for (i, a), (j, b) in pairs)
        return per_sample * len(self.samples) / SECONDS * TEN_MINUTES / MIB

    def quarters(self, kind: str) -> tuple[float, float]:
        """The medians of a kind in the third quarter and in the fourth."""
        values = [each[1 + _KINDS.index(kind)] for each in self.samples]
        quarter = len(values) // 4
        return median(values[2 * quarter : 3 * quarter]), median(values[3 * quarter :])


async def held(places: dict[str, str] | None, seconds: float = SECONDS) -> Held:
    """Run a load in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(_LOAD), str(seconds), json.dumps(places)),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(said)  # Any: JSON values
    answered = found["ends"].pop("answered", 0)
    return Held(answered, sum(found["ends"].values()), found["samples"])


@pytest.fixture(scope="session")
def nowhere() -> Held:
    """What the load takes by itself."""
    found = asyncio.run(held(None))
    _report("calls that go nowhere", found, found.slope)
    return found


@contextmanager
def redis() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.end()


async def flap(server: Server) -> None:
    """Let it come and go: killed, and then hung, and so on."""
    while True:
        for stop, go_on in ((server.kill, server.start), (server.hang, server.go_on)):
            await asyncio.sleep(_UP)  # as an operator would: the load goes on meanwhile
            await asyncio.to_thread(stop)
            await asyncio.sleep(_DOWN)  # likewise
            await asyncio.to_thread(go_on)


@pytest.mark.parametrize(
    "load", ["sqlite", "postgresql and redis", "postgresql and a redis that flaps"]
)
async def test_a_process_holds_no_more_in_the_end(load: str, tmp_path: Path, nowhere: Held) -> None:
    place = await asyncio.to_thread(made, load.partition(" ")[0], tmp_path)
    places = {"url": place.url, "prefix": place.prefix}
    try:
        if load == "sqlite":
            found = await held(places)
        else:
            with redis() as server:
                flapping = asyncio.create_task(flap(server)) if "flaps" in load else None
                found = await held({**places, "redis": server.url})
                if flapping is not None:
                    flapping.cancel()
    finally:
        await asyncio.to_thread(dropped, place)
    slope = found.slope - max(0.0, nowhere.slope)
    _report(load, found, slope)
    assert found.answered > SECONDS
    assert "flaps" in load or not found.failed
    assert slope * min(SECONDS, TEN_MINUTES) / TEN_MINUTES <= 1
    for kind in _KINDS:
        third, fourth = found.quarters(kind)
        assert fourth <= max(third + 1, 1.05 * third), kind


def _report(load: str, found: Held, slope: float) -> None:
    cells = [
        load,
        f"{found.answered / SECONDS:,.0f}",
        f"{found.failed:,}",
        f"{slope:.2f}",
        f"{found.samples[-1][0] / MIB:.1f} MiB",
        *("{:.0f}, {:.0f}".format(*found.quarters(kind)) for kind in _KINDS),
        f"{os.getloadavg()[2]:.1f}",
    ]
    line = f"| {' | '.join(cells)} |\n"
    print(line)  # noqa: T201 a figure for who asks
    folder = os.environ.get("INTERLOCK_SOAK_REPORT")
    if folder:
        path = Path(folder, f"soaks-{datetime.now(UTC):%Y-%m-%d}.md")
        head = _HEAD.format(
            day=f"{datetime.now(UTC):%Y-%m-%d}",
            seconds=SECONDS,
            cores=os.cpu_count(),
            kinds=" | ".join(_KINDS),
            lines="|".join("---" for _ in _KINDS),
        )
        before = path.read_text() if path.exists() else head
        path.write_text(before + line)
