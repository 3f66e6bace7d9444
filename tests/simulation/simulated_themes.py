"""What runs are about that draw few kinds of faults and calls, and these often."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from choices import Choices
from interlock.application.aggregates import (
    FastForward,
    MaxAge,
    NeverCache,
    NeverSnapshot,
    SnapshotAfterN,
    SnapshotStrategy,
    Trust,
)
from simulated_settings import AGE, FRESHNESS, Place, Settings
from surroundings import DELAYS, SLOW, Fault


class Act(Enum):
    """What a caller does; the freshness of loads is named."""

    MOVE = auto()
    LOOK = auto()
    TRUST = auto()
    AGED = auto()
    FORWARD = auto()
    REPLAY = auto()
    MANY = auto()
    MANY_FORWARD = auto()
    DELETE = auto()
    FORGET = auto()
    VERSION = auto()


@dataclass(frozen=True)
class Part:
    """What one caller does in a process, as often as `times` at most."""

    process: int
    acts: Sequence[Act]
    times: int


Cast = Sequence[Part]


@dataclass(frozen=True)
class Theme:
    """What a run is about: of each account one of the casts are the callers.

    Of so many calls of a store one fails, of so many entries read something happens to one, and of
    so many calls one is disturbed. With a `beat` callers begin at its multiples. In `many_pauses`
    those wait who load many. An account `begins_with` so many commands before anything fails. Where
    stores are slow, reads are, and writes too if `are_writes_slow`; puts into caches take one of so
    many seconds more. Requests and replies take one of the `delays`, those that are late one of
    `slow`. The event store is `rolled_back_after` one of so many seconds, again and again. After a
    request to append that failed it may be down for a while if it `breaks_down`. Callers give up
    calls `give_up_after` one of so many seconds.
    """

    settings: Settings
    casts: Sequence[Cast]
    faults: Collection[Fault] = ()
    one_in: int = 5
    entry_one_in: int = 3
    disturbed_one_in: int = 1000
    pauses: Sequence[float] = (0.0, 0.01, 0.1, 0.3)
    beat: float = 0.0
    many_pauses: Sequence[float] = (0.0, 0.01, 0.4)
    begins_with: int = 0
    are_writes_slow: bool = True
    puts_take: Sequence[float] = (0.0,)
    delays: Sequence[float] = DELAYS
    slow: Sequence[float] = SLOW
    rolled_back_after: Sequence[float] = ()
    give_up_after: Sequence[float] = ()
    breaks_down: bool = False


def part_of(process: int, times: int, *acts: Act) -> Part:
    return Part(process, acts, times)


_SNAPSHOTS: Sequence[SnapshotStrategy] = (
    *(NeverSnapshot(), SnapshotAfterN(1)),
    SnapshotAfterN(3),
)
WRITER = part_of(1, 8, Act.MOVE)


def ages(choices: Choices) -> Theme:
    """States may be so old, and no store answers fast."""
    settings = Settings(
        snapshots=choices.one_of(_SNAPSHOTS),
        place=choices.one_of((Place.APART, Place.OWN)),
        freshness=MaxAge(timedelta(seconds=AGE)),
        is_one_database=choices.one_of((False, True)),
        are_stores_slow=True,
    )
    reader, many = part_of(0, 8, Act.AGED), part_of(0, 4, Act.MANY)
    casts = (
        (WRITER, reader),
        (WRITER, reader, reader),
        (WRITER, many),
        (WRITER, reader, part_of(0, 4, Act.MOVE)),
    )
    return Theme(settings, casts, (Fault.SLOW, Fault.EVICTED), pauses=(0.0, 0.1, 0.2, 0.3))


def hits(choices: Choices) -> Theme:
    """A process that only reads has what the other wrote from a cache that goes back."""
    settings = Settings(place=choices.one_of((Place.AT_ONCE, Place.SHARED)), freshness=Trust())
    casts: Sequence[Cast] = (
        (WRITER, part_of(0, 8, Act.TRUST)),
        (WRITER, part_of(0, 8, Act.LOOK, Act.TRUST)),
        (WRITER, part_of(0, 8, Act.LOOK, Act.TRUST)),
    )
    if choices.happens(3):
        casts = ((WRITER, part_of(0, 6, Act.MANY)),)
    return Theme(settings, casts, (Fault.STALE,), entry_one_in=2)


def heads(choices: Choices) -> Theme:
    """What a process knows of heads is all that keeps it from earlier states."""
    is_one_database, confirms = choices.one_of(((False, False), (True, False), (False, True)))
    settings = Settings(
        place=choices.one_of((Place.SHARED, Place.AT_ONCE, Place.APART)),
        freshness=Trust(),
        are_stores_slow=choices.one_of((False, True)),
        is_one_database=is_one_database,
        confirms=confirms,
    )
    trusting, both = part_of(0, 8, Act.TRUST), part_of(0, 8, Act.TRUST, Act.FORWARD)
    casts = (
        (WRITER, both, both),
        (part_of(0, 5, Act.MOVE), trusting, part_of(0, 4, Act.FORWARD)),
        (part_of(0, 5, Act.MOVE), part_of(0, 5, Act.MANY, Act.TRUST)),
        (part_of(0, 6, Act.MOVE, Act.FORWARD), WRITER, both),
    )
    mixed = (Fault.STALE, Fault.EVICTED, Fault.MISPLACED, Fault.GARBLED, Fault.SLOW)
    faults = choices.one_of(((Fault.STALE, Fault.SLOW), mixed))
    return Theme(settings, casts, faults, entry_one_in=2)


def joins(choices: Choices) -> Theme:
    """Loads that take long meet loads that may share them, and commits."""
    settings = Settings(
        place=Place.APART,
        freshness=choices.one_of(FRESHNESS[:2]),
        are_stores_slow=True,
    )
    reader = part_of(0, 8, Act.TRUST, Act.AGED, Act.FORWARD)
    aged, trusting = part_of(0, 8, Act.AGED), part_of(0, 8, Act.TRUST, Act.FORWARD)
    casts = (
        (WRITER, aged, aged, aged),
        (WRITER, trusting, trusting, trusting),
        (WRITER, reader, reader, part_of(0, 4, Act.MOVE)),
    )
    faults = (Fault.SLOW, Fault.EVICTED)
    return Theme(settings, casts, faults, entry_one_in=2, pauses=(0.0, 0.05, 0.1, 0.2))


def rollbacks(choices: Choices) -> Theme:
    """The event store is restored from backups, and every store answers."""
    settings = Settings(
        snapshots=choices.one_of(_SNAPSHOTS),
        place=choices.one_of((Place.SHARED, Place.OWN, Place.APART)),
        freshness=choices.one_of((FRESHNESS[0], FRESHNESS[2])),
        are_stores_slow=choices.one_of((False, True)),
        does_all_answer=True,
        refuses=choices.one_of((False, True)),
    )
    casts = (
        (WRITER, part_of(0, 6, Act.LOOK, Act.MOVE)),
        (WRITER, part_of(0, 8, Act.LOOK)),
        (part_of(0, 5, Act.MOVE), part_of(0, 6, Act.TRUST, Act.FORWARD)),
        (WRITER, part_of(0, 5, Act.MOVE, Act.TRUST), part_of(0, 5, Act.FORWARD)),
    )
    faults = (Fault.SLOW, Fault.STALE, Fault.EVICTED)
    return Theme(settings, casts, faults, rolled_back_after=(0.2, 0.5, 1.0))


def snapshots(choices: Choices) -> Theme:
    """Snapshots and events are read at once, and some of the snapshots are damaged."""
    settings = Settings(
        snapshots=choices.one_of(_SNAPSHOTS[1:]),
        cache=NeverCache(),
        freshness=FastForward(),
        is_one_database=True,
        are_stores_slow=choices.one_of((True, False)),
    )
    reader = part_of(0, 6, Act.FORWARD)
    casts = ((WRITER, reader, reader), (WRITER, reader, reader, reader))
    return Theme(settings, casts, (Fault.SLOW, Fault.GARBLED, Fault.DAMAGED), one_in=4)


def forgetting(choices: Choices) -> Theme:
    """One process forgets streams while it loads, commands and keeps."""
    settings = Settings(
        snapshots=choices.one_of(_SNAPSHOTS),
        place=choices.one_of((Place.SHARED, Place.OWN)),
        freshness=Trust(),
        is_forgetful=choices.one_of((False, True)),
        are_stores_slow=True,
        does_all_answer=True,
        is_alone=True,
    )
    writer, forgetter = part_of(0, 4, Act.MOVE), part_of(0, 3, Act.DELETE)
    casts = (
        (writer, forgetter, part_of(0, 6, Act.TRUST, Act.FORWARD)),
        (writer, forgetter, part_of(0, 6, Act.MANY, Act.MANY_FORWARD)),
        (writer, forgetter, part_of(0, 6, Act.TRUST), part_of(0, 6, Act.TRUST)),
        (part_of(0, 6, Act.MOVE, Act.DELETE),),
        (part_of(0, 6, Act.MOVE, Act.DELETE), part_of(0, 6, Act.TRUST, Act.TRUST, Act.DELETE)),
    )
    return Theme(
        settings,
        casts,
        (Fault.SLOW, Fault.EVICTED),
        begins_with=1,
        are_writes_slow=choices.one_of((False, True)),
        puts_take=choices.one_of(((0.0,), (0.0, 0.5, 1.0))),
    )


def appends(choices: Choices) -> Theme:
    """Requests to append are lost, late, done without an answer or refused."""
    settings = Settings(
        cache=NeverCache(),
        freshness=choices.one_of(FRESHNESS[2:]),
    )
    casts = ((part_of(0, 3, Act.MOVE), part_of(1, 3, Act.MOVE)), (part_of(0, 4, Act.MOVE),))
    faults = (
        *(Fault.FAILED, Fault.DRIVER, Fault.LOST, Fault.SWALLOWED),
        *(Fault.LATE, Fault.LATE, Fault.REFUSED, Fault.REFUSED),
    )
    return Theme(settings, casts, faults, one_in=2, breaks_down=True)


def endings(choices: Choices) -> Theme:
    """Little happens before the end, at which one of the stores has something odd."""
    settings = choices.one_of(
        (
            Settings(shadow=1.0, place=choices.one_of((Place.SHARED, Place.MACHINE))),
            Settings(cache=NeverCache(), on_unavailable="fail", snapshots=SnapshotAfterN(1)),
            Settings(cache=NeverCache(), replay_limit=2, snapshots=SnapshotAfterN(3)),
        )
    )
    if choices.happens(3):  # a release goes on from what another one left
        settings = Settings(snapshots=SnapshotAfterN(1), releases=3)
        return Theme(settings, ((part_of(1, 4, Act.MOVE),),))
    return Theme(settings, ((part_of(0, 3, Act.MOVE), part_of(1, 3, Act.MOVE, Act.TRUST)),))


def limits(_: Choices) -> Theme:
    """Nothing is kept, and no replay of more than two events is allowed."""
    settings = Settings(
        cache=NeverCache(),
        freshness=FastForward(),
        replay_limit=2,
        replay_limit_holds="always",
    )
    return Theme(settings, ((part_of(0, 3, Act.MOVE), part_of(1, 3, Act.MOVE)),))


def slots(_: Choices) -> Theme:
    """Every load is a replay, most of them long ones, and callers give up."""
    settings = Settings(cache=NeverCache(), freshness=FastForward(), are_stores_slow=True)
    cast = (
        part_of(0, 4, Act.MOVE),
        part_of(0, 6, Act.FORWARD, Act.REPLAY),
        part_of(0, 5, Act.FORWARD),
    )
    faults = (Fault.SLOW, Fault.FAILED, Fault.BROKEN_OFF, Fault.CANCELLATION, Fault.HUNG)
    return Theme(
        settings,
        (cast,),
        faults,
        one_in=8,
        disturbed_one_in=16,
        begins_with=4,
        give_up_after=(0.2, 0.02),
    )
