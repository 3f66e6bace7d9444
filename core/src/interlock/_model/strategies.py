"""Strategies: when to snapshot, what to cache, how fresh a load has to be.

A strategy is any object with the one method; these are the ones that come along.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, get_args, runtime_checkable

from pydantic import BaseModel

from interlock._model.aggregate import Aggregate
from interlock._model.routes import type_name
from interlock.errors import ConfigurationError


class SnapshotMoment(NamedTuple):
    """The facts for a snapshot strategy, of a state just read from the stream or just committed.

    `state` is private to the core: look, don't touch. On a commit `version_before` is the version
    that the successful attempt was built on and `event_names` are those it appended; on a read the
    two versions are equal and there are no names. `events_folded` counts what the load had to
    replay. `anchor_at` is the event time of the newest snapshot, else of the first event.
    """

    state: Aggregate
    version_before: int
    version: int
    event_names: tuple[str, ...]
    events_folded: int
    last_event_at: datetime
    anchor_at: datetime
    is_commit: bool


class CacheMoment(NamedTuple):
    """The facts for a cache strategy; the fields are those of `SnapshotMoment`."""

    state: Aggregate
    version_before: int
    version: int
    event_names: tuple[str, ...]
    events_folded: int
    last_event_at: datetime
    is_commit: bool


@runtime_checkable
class SnapshotStrategy(Protocol):
    """Decides when a snapshot is taken. Synchronous and pure."""

    def should_snapshot(self, moment: SnapshotMoment) -> bool:
        """Decide whether to take a snapshot of the moment's state."""
        ...


@runtime_checkable
class CacheStrategy(Protocol):
    """Decides whether a state is kept in the cache. Synchronous and pure."""

    def should_cache(self, moment: CacheMoment) -> bool:
        """Decide whether to cache the moment's state; False removes the aggregate's entry."""
        ...


@dataclass(frozen=True, slots=True)
class NeverSnapshot:
    """No snapshots."""

    def should_snapshot(self, moment: SnapshotMoment) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class SnapshotAfterN:
    """Take a snapshot each `n` events: when a commit reaches or passes a multiple of `n`.

    Also on a commit whose load had to fold `n` events or more, which makes good a failed write and
    follows a change of revision.
    """

    n: int

    def __post_init__(self) -> None:
        """Check the bound."""
        _require_count("SnapshotAfterN.n", self.n)

    def should_snapshot(self, moment: SnapshotMoment) -> bool:
        return moment.is_commit and (
            moment.version // self.n > moment.version_before // self.n
            or moment.events_folded >= self.n
        )


@dataclass(frozen=True, slots=True)
class SnapshotAfterTime:
    """Take a snapshot on a commit more than `delta` after the newest, else after the first event.

    Measured on the times of the events.
    """

    delta: timedelta

    def __post_init__(self) -> None:
        """Check the bound."""
        _require_duration("SnapshotAfterTime.delta", self.delta)

    def should_snapshot(self, moment: SnapshotMoment) -> bool:
        return moment.is_commit and moment.last_event_at - moment.anchor_at > self.delta


@dataclass(frozen=True, slots=True)
class SnapshotWhenReplayed:
    """Take a snapshot when a load, also one that only reads, folded `n` events or more."""

    n: int

    def __post_init__(self) -> None:
        """Check the bound."""
        _require_count("SnapshotWhenReplayed.n", self.n)

    def should_snapshot(self, moment: SnapshotMoment) -> bool:
        return moment.events_folded >= self.n


class SnapshotOnEvent:
    """Take a snapshot on a commit that appends one of these events: classes or stored names."""

    def __init__(self, *events: type[BaseModel] | str) -> None:
        if not events:
            raise ConfigurationError("SnapshotOnEvent: wanted one event or more, found none")
        self._names = frozenset(e if isinstance(e, str) else type_name(e) for e in events)

    def should_snapshot(self, moment: SnapshotMoment) -> bool:
        return moment.is_commit and not self._names.isdisjoint(moment.event_names)

    def __repr__(self) -> str:
        return f"SnapshotOnEvent({', '.join(map(repr, sorted(self._names)))})"


@dataclass(frozen=True, slots=True)
class SnapshotWhen:
    """Take a snapshot when the predicate returns True."""

    predicate: Callable[[SnapshotMoment], bool]

    def should_snapshot(self, moment: SnapshotMoment) -> bool:
        return self.predicate(moment)


class _Combination:
    def __init__(self, *strategies: SnapshotStrategy) -> None:
        name = type(self).__name__
        if not strategies:
            raise ConfigurationError(f"{name}: wanted one snapshot strategy or more, found none")
        for strategy in strategies:
            if not isinstance(strategy, SnapshotStrategy):
                raise ConfigurationError(f"{name}: {strategy!r} is no snapshot strategy")
        self._strategies = strategies

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._strategies))})"


class AnyOf(_Combination):
    """Take a snapshot when one of the strategies decides so."""

    def should_snapshot(self, moment: SnapshotMoment) -> bool:
        return any(strategy.should_snapshot(moment) for strategy in self._strategies)


class AllOf(_Combination):
    """Take a snapshot when all of the strategies decide so."""

    def should_snapshot(self, moment: SnapshotMoment) -> bool:
        return all(strategy.should_snapshot(moment) for strategy in self._strategies)


@dataclass(frozen=True, slots=True)
class NeverCache:
    """No caching: the cache isn't even asked."""

    def should_cache(self, moment: CacheMoment) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class AlwaysCache:
    """Cache every state that is loaded or committed."""

    def should_cache(self, moment: CacheMoment) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class CacheAfterVersion:
    """Cache aggregates with `version` events or more: short streams replay as fast."""

    version: int

    def __post_init__(self) -> None:
        """Check the bound."""
        _require_count("CacheAfterVersion.version", self.version)

    def should_cache(self, moment: CacheMoment) -> bool:
        return moment.version >= self.version


@dataclass(frozen=True, slots=True)
class CacheWhen:
    """Cache a state when the predicate returns True."""

    predicate: Callable[[CacheMoment], bool]

    def should_cache(self, moment: CacheMoment) -> bool:
        return self.predicate(moment)


@dataclass(frozen=True, slots=True)
class Trust:
    """A cached state is returned as it is: one cache read, and perhaps an earlier state."""


@dataclass(frozen=True, slots=True)
class MaxAge:
    """A cached state is returned if it was known to be the head less than `delta` ago."""

    delta: timedelta

    def __post_init__(self) -> None:
        """Check the bound."""
        _require_duration("MaxAge.delta", self.delta)


@dataclass(frozen=True, slots=True)
class FastForward:
    """A cached state is a baseline: the events after it are read, and the head is returned."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Neither cache nor snapshot: every event is read."""


Freshness = Trust | MaxAge | FastForward | Replay


FRESHNESSES = get_args(Freshness)
"""The classes of `Freshness`; to look among them is quicker than in the union."""


def wrong_freshness(given: object) -> str | None:
    """Say what is wrong with a value given as a freshness; None if nothing is."""
    if given is None or isinstance(given, FRESHNESSES):
        return None
    return f"freshness is {given!r}; wanted Trust(), MaxAge(...), FastForward() or Replay()"


def _require_count(what: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"{what} is {value!r}; wanted an integer from 1")


def _require_duration(what: str, value: object) -> None:
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise ConfigurationError(f"{what} is {value!r}; wanted a timedelta above 0")
