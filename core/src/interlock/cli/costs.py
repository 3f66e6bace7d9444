"""What the loads of a type cost on this machine."""

import math
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from time import perf_counter, process_time
from uuid import UUID

from interlock._app.application import Application
from interlock._engine.registration import Registration
from interlock._model.strategies import Freshness, Replay
from interlock.cli.long_work import Pace
from interlock.errors import ConfigurationError, StreamTruncatedError

_TIMES = 9
"""So often each load is measured, all of them in turn; the median counts."""
_TAILS = (1, 20, 100, 500, 2_000)
_FEW = 20
"""Events of a short tail."""
_POINTS = 32
_LEAST = 1e-9  # seconds: a clock that saw nothing
_THREADS = Path("/proc/self/task")
ROUND: Sequence[int] = [step * 10**power for power in range(1, 6) for step in (1, 2, 5)]


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of a load that begins with a snapshot, and of each event that it folds onto it.

    `tails` are numbers of events, ascending, with the seconds that such a tail was measured to add:
    long ones are read and folded in another way than short ones. `each` holds behind the last.
    `cached` are the seconds of a load from a cache in the process, checked at the event store.
    """

    alone: float
    each: float
    tails: Sequence[tuple[int, float]] = ()
    cached: float = 0.0

    def load(self, events: float) -> float:
        """Seconds of a load that folds so many events."""
        points = [(0, 0.0), *self.tails]
        place = bisect_right(points, events, key=lambda point: point[0])
        begin, least = points[place - 1]
        each = self.each
        if place < len(points):
            end, most = points[place]
            each = (most - least) / (end - begin)
        return self.alone + least + (events - begin) * each

    def mean_load(self, n: float) -> float:
        """Seconds of a mean load with a snapshot every n events: its tail has 0 to n events."""
        return fmean(self.load(n * (point + 0.5) / _POINTS) for point in range(_POINTS))

    @property
    def n(self) -> int:
        """The `n` from which on folding costs more than all the rest, as a round number.

        Below it a load gains next to nothing, and snapshots are written all the more often.
        """
        return min(
            ROUND, key=lambda n: abs(math.log((self.load(n) - self.alone + _LEAST) / self.alone))
        )


async def costs_of(
    application: Application, registration: Registration, streams: Sequence[UUID]
) -> tuple[Costs, int] | None:
    """The costs, measured on the first of these streams whose first event isn't archived.

    The number is its version. None if all of them are archived.
    """
    cls = registration.aggregate_type
    for aggregate_id in streams:
        with suppress(StreamTruncatedError):
            await application.explain(cls, aggregate_id, version=1, freshness=Replay())
            version = await application.version(cls, aggregate_id)
            return await _measured(application, registration, aggregate_id, version), version
    return None


async def _measured(
    application: Application, registration: Registration, aggregate_id: UUID, version: int
) -> Costs:
    """Measure loads of tails of several lengths, of a snapshot, and the decoding of the state.

    Where the stream has no snapshot, one is taken to cost a read as short as the first event's, and
    the decoding. So does a load from a cache, whose check reads one event.
    """
    cls, mapper = registration.aggregate_type, registration.mapper

    def load(version: int, freshness: Freshness | None = None) -> Callable[[], Awaitable[object]]:
        return lambda: application.explain(cls, aggregate_id, version=version, freshness=freshness)

    lengths = [*(each for each in _TAILS if each < version), version]
    loads = [load(each, Replay()) for each in lengths]
    kept = await _newest(application, registration, aggregate_id)
    payload = mapper.encode(await application.load(cls, aggregate_id))

    async def decode() -> None:
        mapper.codec.decode(cls, payload)

    *replays, decoding, last = await _in_turns([*loads, decode, load(version)])
    first = replays[0]
    each = (replays[-1] - first) / (version - 1) if version > 1 else first
    each = max(each, _LEAST)
    tails: list[tuple[int, float]] = []
    for length, seconds in zip(lengths[1:], replays[1:], strict=True):
        least = tails[-1][1] if tails else 0.0
        tails.append((length, max(seconds - first, least)))
    at_few = Costs(0.0, each, tails).load(_FEW) + first
    read = max(first, at_few - _FEW * each)
    if kept is None:
        alone = first + decoding + read
    elif kept == version:
        alone = last + read  # a load of just this version reads no tail
    else:
        alone = max(last - Costs(0.0, each, tails).load(version - kept), first)
    return Costs(alone, each, tails, first + decoding)


async def _newest(
    application: Application, registration: Registration, aggregate_id: UUID
) -> int | None:
    """The version of the newest snapshot that loads begin with; None if there is none."""
    with suppress(ConfigurationError):  # it keeps none
        for kept in await application.snapshots(registration.aggregate_type, aggregate_id):
            if kept.problem is None:
                return kept.version
    return None


async def _in_turns(calls: Sequence[Callable[[], Awaitable[object]]]) -> list[float]:
    """The median of each call's seconds; in turns, since a machine is faster at some times."""
    spent: list[list[float]] = [[] for _ in calls]
    pace = Pace("loads measured", total=_TIMES * len(calls))
    try:
        for turn in range(_TIMES):
            for place, call in enumerate(calls):
                spent[place].append(await seconds_of(call))
                await pace.reach(turn * len(calls) + place + 1)
    finally:
        pace.end()
    return [median(each) for each in spent]


async def seconds_of(call: Callable[[], Awaitable[object]]) -> float:
    """Seconds of a call, without those in which it was ready to run, and others had the cores.

    Such waits befall long loads and not short ones, so that on a busy machine a load of 100 times
    the events seems to take 300 times as long. Only Linux tells of them. Two threads may have
    waited at the same time: it is no less than what the call took of the cores.
    """
    ready = _ready()
    began, worked = perf_counter(), process_time()
    await call()
    spent, worked = perf_counter() - began, process_time() - worked
    return max(spent - (_ready() - ready), worked, _LEAST)


def _ready() -> float:
    """Seconds that the threads of this process have waited for a core; 0 where nobody tells."""
    waited = 0
    try:
        threads = [*_THREADS.iterdir()]
    except OSError:
        return 0.0
    for thread in threads:
        with suppress(OSError, IndexError, ValueError):  # it has ended
            waited += int((thread / "schedstat").read_text().split()[1])
    return waited / 1e9
