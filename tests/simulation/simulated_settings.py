"""How the applications of a run are configured, and what their callers do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import Literal, Self

from choices import Choices
from interlock.application.aggregates import (
    AlwaysCache,
    CacheAfterVersion,
    CacheStrategy,
    FastForward,
    Freshness,
    MaxAge,
    NeverCache,
    NeverSnapshot,
    Replay,
    SnapshotAfterN,
    SnapshotStrategy,
    Trust,
)
from surroundings import ENTRY_FAULTS, Fault

AGE = 0.3  # seconds
FRESHNESS: Sequence[Freshness] = (
    Trust(),
    MaxAge(timedelta(seconds=AGE)),
    FastForward(),
    Replay(),
)
_SNAPSHOTS: Sequence[SnapshotStrategy] = (
    NeverSnapshot(),
    SnapshotAfterN(1),
    SnapshotAfterN(3),
)
_CACHES: Sequence[CacheStrategy] = (
    AlwaysCache(),
    AlwaysCache(),
    CacheAfterVersion(4),
    NeverCache(),
)


_CACHES_OF_MANY: Sequence[CacheStrategy] = (
    *(AlwaysCache(), AlwaysCache(), AlwaysCache()),
    NeverCache(),
)


class Place(Enum):
    """Where a process keeps its cache.

    On its machine the other processes are as well, also where it answers at once; apart there is a
    server for it alone.
    """

    SHARED = auto()
    OWN = auto()
    TIERS = auto()
    MACHINE = auto()
    AT_ONCE = auto()
    APART = auto()


_PLACES = (Place.SHARED, Place.SHARED, Place.OWN, Place.TIERS, Place.MACHINE)


class Action(Enum):
    """What a caller does."""

    MOVE = auto()
    LOOK = auto()
    LOAD_VERSION = auto()
    LOAD = auto()
    LOAD_MANY = auto()
    MAINTAIN = auto()


def _often(**times: int) -> Sequence[Action]:
    return [Action[name.upper()] for name, count in times.items() for _ in range(count)]


_MIXED = _often(move=5, look=2, load_version=1, load=2, load_many=1, maintain=1)
_READS = _often(load=5, look=4, load_many=1)
_WRITES = _often(move=5, maintain=1)
_BOTH = _often(move=2, load=7, look=1, load_many=1, maintain=1)
MISFORTUNES = (Fault.CRASH, Fault.CLOSE, Fault.ROLLBACK, Fault.CLOCK, Fault.SHUTDOWN)
_ROLES: Sequence[tuple[Sequence[Action], Sequence[Action]]] = (
    (_MIXED, _MIXED),
    (_MIXED, _MIXED),
    (_READS, _MIXED),
)


@dataclass(frozen=True)
class Crowd:
    """The callers of a run, and how often one is disturbed: of so many calls of a store one is.

    One of so many calls is for the second account, as `second_one_in` says. After so many
    `failures` in a row a store rests. Faults are so many times `rarer`.
    """

    callers: int
    most_calls: int
    pauses: Sequence[float]
    second_one_in: int
    disturbed_one_in: int
    failures: int
    rarer: int
    entry_faults: Sequence[Fault] = ENTRY_FAULTS


FEW = Crowd(5, 16, (0.0, 0.01, 0.1, 0.5), 3, disturbed_one_in=20, failures=3, rarer=1)
MANY = Crowd(
    14,
    12,
    (0.0, 0.01, 0.1, 0.3),
    6,
    disturbed_one_in=150,
    failures=99,
    rarer=3,
    entry_faults=(Fault.STALE,),
)


@dataclass(frozen=True)
class Settings:
    """How the applications of a run are configured, and the releases of the code that run.

    `roles` are what callers of each process do. Where `is_forgetful` a process knows the head of
    one stream. With `are_events_safe` the event store doesn't fail, with `does_all_answer` no store
    does; `are_stores_slow` tells that every other answer comes late, `are_stores_local` that all
    answer without waiting. An event store that `refuses` says so of an append behind an event that
    is gone, one that `confirms` tells of an event whether it is the head. A process that `is_alone`
    is the only one.
    """

    snapshots: SnapshotStrategy = field(default_factory=NeverSnapshot)
    cache: CacheStrategy = field(default_factory=AlwaysCache)
    place: Place = Place.SHARED
    does_cache_lie: bool = False
    do_clocks_step: bool = False
    freshness: Freshness = field(default_factory=Trust)
    is_one_database: bool = False
    confirms: bool = False
    releases: int = 1
    roles: tuple[Sequence[Action], Sequence[Action]] = _ROLES[0]
    is_forgetful: bool = False
    are_events_safe: bool = False
    does_all_answer: bool = False
    refuses: bool = False
    is_alone: bool = False
    misfortunes: Sequence[Fault] = MISFORTUNES
    are_stores_slow: bool = False
    are_stores_local: bool = False
    crowd: Crowd = FEW
    on_unavailable: Literal["replay", "fail"] = "replay"
    replay_limit: int | None = None
    replay_limit_holds: Literal["outage", "always"] = "outage"
    shadow: float = 0.0

    @classmethod
    def chosen(cls, choices: Choices) -> Self:
        """Choose a configuration: any, or one in which many loads meet many commands."""
        if choices.below(5) > 2:
            return cls(
                snapshots=choices.one_of(_SNAPSHOTS),
                cache=choices.one_of(_CACHES_OF_MANY),
                place=choices.one_of((Place.SHARED, Place.SHARED, Place.MACHINE, Place.TIERS)),
                freshness=choices.one_of(FRESHNESS[:3]),
                is_one_database=choices.one_of((False, True)),
                roles=choices.one_of(((_READS, _WRITES), (_BOTH, _BOTH))),
                misfortunes=choices.one_of(((), (), (Fault.ROLLBACK,))),
                are_stores_slow=choices.one_of((False, True)),
                crowd=MANY,
            )
        are_local = choices.happens(5)
        return cls(
            snapshots=choices.one_of(_SNAPSHOTS),
            cache=choices.one_of(_CACHES),
            place=choices.one_of((Place.OWN, Place.MACHINE) if are_local else _PLACES),
            are_stores_local=are_local,
            does_cache_lie=choices.one_of((False, True)),
            do_clocks_step=choices.one_of((False, False, True)),
            freshness=choices.one_of((*FRESHNESS[:2], *FRESHNESS)),
            is_one_database=choices.one_of((False, True)),
            releases=choices.one_of((1, 1, 2, 3)),
            roles=choices.one_of(_ROLES),
            is_forgetful=choices.happens(4),
            are_events_safe=choices.happens(3),
            misfortunes=choices.one_of((MISFORTUNES, MISFORTUNES, (Fault.ROLLBACK,))),
            on_unavailable=choices.one_of(("replay", "replay", "fail")),
            replay_limit=choices.one_of((None, None, 2)),
            shadow=choices.one_of((0.0, 0.0, 1.0)),
        )

    def limit_of(self, default: int) -> int:
        """Give how much is remembered of a kind: next to nothing by a forgetful process."""
        return 1 if self.is_forgetful else default
