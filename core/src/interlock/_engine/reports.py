"""What observers are told: a report of each operation, and of what else happens."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from interlock._model.strategies import Freshness


class Source(StrEnum):
    """The source of the state that a load starts from."""

    CACHE = "cache"
    SNAPSHOT = "snapshot"
    EMPTY = "empty"


class Reason(StrEnum):
    """Why a baseline wasn't taken."""

    ABSENT = "absent"
    TOO_LARGE = "too-large"  # absent: the last state was above the store's limit
    NOT_KEPT = "not-kept"  # the last state doesn't come back from its record as it was
    NOT_WRITTEN = "not-written"  # there would be a newer one, but its write failed
    UNAVAILABLE = "unavailable"
    UNUSABLE = "unusable"
    BELOW_FLOOR = "below-floor"  # this process has committed or returned a later version
    NOT_IN_STREAM = "not-in-stream"  # no event stands at its version
    OTHER_BRANCH = "other-branch"  # another event stands at its version


@dataclass(frozen=True, slots=True)
class Miss:
    """A baseline that wasn't taken."""

    source: Source
    reason: Reason
    detail: str = ""


class OperationKind(StrEnum):
    """The kind of an operation that observers are told of."""

    DISPATCH = "dispatch"
    LOAD = "load"
    APPEND = "append"
    SNAPSHOT = "snapshot"
    CACHE = "cache"


class StoreAction(StrEnum):
    """The action of a snapshot store or a cache."""

    READ = "read"
    PUT = "put"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that begins. `name` is a dispatch's command, or the `StoreAction`; else empty.

    `backend` is the class of the store, empty for a dispatch and a load.
    """

    kind: OperationKind
    aggregate_type: str
    aggregate_id: UUID
    name: str = ""
    backend: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """So many ids of a type that `load_many` reads together."""

    aggregate_type: str
    size: int


@dataclass(frozen=True, slots=True)
class DispatchReport:
    """How one command was handled; `events` were appended. `attempts` is 1 without a conflict."""

    aggregate_type: str
    aggregate_id: UUID
    command: str
    attempts: int
    events: int
    duration: timedelta


@dataclass(frozen=True, slots=True)
class LoadReport:
    """How one load went. Loads that share a flight share its report.

    `is_current` tells whether the tail was read; `phases` are the times of the cache, snapshot and
    tail reads that were made (the tail's includes folding), and of the wait for a slot, if any.
    """

    aggregate_type: str
    aggregate_id: UUID
    asked_version: int | None
    freshness: Freshness
    baseline: Source
    baseline_version: int
    version: int
    events_folded: int
    is_current: bool
    misses: Sequence[Miss]
    phases: Mapping[str, timedelta]
    duration: timedelta


@dataclass(frozen=True, slots=True)
class AppendReport:
    """How one append went, with all its attempts; the last event has this version."""

    aggregate_type: str
    aggregate_id: UUID
    backend: str
    events: int
    version: int
    duration: timedelta


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """How one read or put of a snapshot went; `is_done` says that it was found, or is stored.

    `version` is the snapshot's, None where none was found.
    """

    aggregate_type: str
    aggregate_id: UUID
    backend: str
    action: StoreAction
    is_done: bool
    version: int | None
    duration: timedelta


@dataclass(frozen=True, slots=True)
class CacheReport:
    """How one call of the cache went; `is_done` says: a usable entry, stored, removed.

    `reason` tells why a read found no usable entry.
    """

    aggregate_type: str
    aggregate_id: UUID
    backend: str
    action: StoreAction
    is_done: bool
    reason: Reason | None
    duration: timedelta


@dataclass(frozen=True, slots=True)
class FailureReport:
    """An operation that ended with an exception, also a handler's own or a cancellation."""

    operation: Operation
    error: BaseException
    duration: timedelta


@dataclass(frozen=True, slots=True)
class CountReport:
    """A counter that was raised by one; `aggregate_type` is empty for what is of no one type."""

    counter: str
    aggregate_type: str


@dataclass(frozen=True, slots=True)
class BreakerReport:
    """The circuit breaker of a store: "cache" or "snapshot", a backend of that class.

    `aggregate_types` are those that use it.
    """

    store: str
    backend: str
    aggregate_types: tuple[str, ...]
    is_open: bool


class Observer:
    """An observer: a subclass overrides what it wants to be told.

    What isn't overridden is neither timed nor made, and costs nothing; so an observer of today goes
    on with a later version that has more to tell. Everything is called on the event loop, within
    the operation: let it count, and do the rest elsewhere. What it raises is counted as
    `observer.failed`, logged, and changes no outcome.
    """

    def around(self, operation: Operation) -> AbstractContextManager[object]:
        """A context to enter when an operation begins, in its task, and to leave when it ends.

        Its report comes within. It is left with the exception if one ends the operation, which it
        can't suppress.
        """
        raise NotImplementedError

    def around_batch(self, batch: Batch) -> AbstractContextManager[object]:
        """As `around`, for a batch of `load_many`; the reports of the loads it makes come within.

        An id with which something is amiss is left out of it, and gets a load of its own behind.
        """
        raise NotImplementedError

    def on_dispatch(self, report: DispatchReport) -> None:
        """A command was handled."""

    def on_load(self, report: LoadReport) -> None:
        """A state was loaded, for a caller or for a command.

        Of the states that `load_many` reads by the batch nothing else is told, and no `around`;
        `around_batch` is around them all.
        """

    def on_append(self, report: AppendReport) -> None:
        """Events were appended."""

    def on_snapshot(self, report: SnapshotReport) -> None:
        """A snapshot was read or put, perhaps behind the answers."""

    def on_cache(self, report: CacheReport) -> None:
        """A cache entry was read, put or removed, perhaps behind the answers."""

    def on_failure(self, report: FailureReport) -> None:
        """An operation ended with an exception, and has no report of its own."""

    def on_count(self, report: CountReport) -> None:
        """A counter was raised."""

    def on_breaker(self, report: BreakerReport) -> None:
        """A circuit breaker opened or closed; each is told when the application starts, too."""


class OnLoad(Observer):
    """Calls a function with the report of each load."""

    def __init__(self, function: Callable[[LoadReport], object]) -> None:
        self._function = function

    def on_load(self, report: LoadReport) -> None:
        self._function(report)
