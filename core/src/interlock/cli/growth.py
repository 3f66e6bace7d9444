"""How many events a type got of late, from the times with which they are stored."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappush, heappushpop
from random import Random
from uuid import UUID

from interlock._app.application import Application, services_of
from interlock._engine.registration import Registration
from interlock._engine.stream import EventStream
from interlock._storage.records import to_micros
from interlock.cli.long_work import anew, over_all
from interlock.cli.screen import counted

_LONGEST = 50
_DRAWN = 200
"""So many streams are looked at: the longest, where most events are, and some drawn at random."""

Length = tuple[int, UUID]
"""A stream's version, and its id."""


@dataclass(frozen=True, slots=True)
class Growth:
    """The events that were stored within so many days until now.

    `sampled` is of how many streams they were counted: where that isn't all of them, `events` and
    `a_day` are estimates.
    """

    days: int
    events: int
    a_day: float
    sampled: int


@dataclass(slots=True)
class Sample:
    """The longest streams, and others that each stream had the same chance to be among."""

    count: int = 0
    longest: list[Length] = field(default_factory=list)
    drawn: list[Length] = field(default_factory=list)
    _random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 the same each time

    def add(self, of: Length) -> None:
        """See one more stream."""
        self.count += 1
        if len(self.longest) < _LONGEST:
            heappush(self.longest, of)
        else:
            heappushpop(self.longest, of)
        if len(self.drawn) < _DRAWN:
            self.drawn.append(of)
        elif (place := self._random.randrange(self.count)) < _DRAWN:
            self.drawn[place] = of

    def estimate(self, counts: dict[UUID, int], total: int) -> int:
        """What all streams have in sum, of the counts of those that are in the sample.

        The others of their `total` events are taken to be as new as those that were drawn.
        """
        longest = dict(_by_id(self.longest))
        others = {each: n for each, n in _by_id(self.drawn) if each not in longest}
        known = sum(counts[each] for each in longest)
        if not others:
            return known
        share = sum(counts[each] for each in others) / max(sum(others.values()), 1)
        return known + round(share * (total - sum(longest.values())))


def _by_id(lengths: list[Length]) -> list[tuple[UUID, int]]:
    return [(aggregate_id, version) for version, aggregate_id in lengths]


async def growth_of(
    application: Application,
    registration: Registration,
    sample: Sample,
    *,
    total: int,
    days: int,
    at_once: int,
    rate: float | None,
) -> Growth:
    """Count the events of the last days in the streams of the sample; `total` is of all streams.

    A stream of n events costs about log2(n) reads of a single one, since times ascend in it.
    """
    context = services_of(application, registration.aggregate_type).context
    since = to_micros(context.clock() - timedelta(days=days))
    lengths = dict(_by_id(sample.longest + sample.drawn))
    counts: dict[UUID, int] = {}

    async def look(aggregate_id: UUID) -> None:
        version = lengths[aggregate_id]
        counts[aggregate_id] = version - await _older(context.stream, aggregate_id, version, since)

    async def ids() -> AsyncIterator[UUID]:
        for each in lengths:
            yield each

    what = f"streams of {registration.name} sampled"
    await over_all(ids(), look, what=what, at_once=at_once, rate=rate, total=len(lengths), how=anew)
    events = sample.estimate(counts, total)
    return Growth(days, events, events / days, len(lengths))


async def _older(stream: EventStream, aggregate_id: UUID, version: int, since: int) -> int:
    """The last version that was stored before `since`; 0 if none was. Archived ones were."""
    low, high, probed = 0, version, version  # most streams got none: one read
    while low < high:
        at = None
        async for rows in stream.read(aggregate_id, first=probed, last=probed):
            for row in rows:
                at = row[4]
        if at is None or at < since:
            low = probed
        else:
            high = probed - 1
        probed = (low + high + 1) // 2
    return low


def growth_line(of: Growth, streams: int) -> str:
    """The growth for people."""
    about, where = "", ""
    if of.sampled < streams:
        about, where = "about ", f" (by {of.sampled:,} of the streams)"
    events, days = counted(of.events, "event"), counted(of.days, "day")
    return f"  {about}{events} in the last {days}, {of.a_day:,.1f} a day{where}"
