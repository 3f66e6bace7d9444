"""The observers, counters and log lines of an application."""

import asyncio
import copy
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from time import perf_counter
from uuid import UUID

from interlock._engine.reports import (
    Batch,
    CountReport,
    FailureReport,
    Observer,
    Operation,
    OperationKind,
)
from interlock._storage.log_lines import Limit, LogLines
from interlock._values.masking import Masking
from interlock.errors import ConfigurationError, StateNotKeptError

_TOLD = 1_000  # losses
_OF_EACH_KIND = ("around", "on_failure")
_STORES = {"append": "events", "cache": "cache", "snapshot": "snapshot"}  # by a counter's beginning


def _overridden(observer: object) -> frozenset[str]:
    """The methods of `Observer` that the observer's class overrides."""
    if not isinstance(observer, Observer):
        raise ConfigurationError(
            f"{observer!r} is no observer; wanted an instance of a subclass of "
            "interlock.application.Observer, which overrides what it wants to be told"
        )
    return frozenset(
        name
        for name in vars(Observer)
        if name[0] != "_" and getattr(type(observer), name) is not getattr(Observer, name)
    )


class Reporting:
    """What an application tells of itself, or what it tells of one aggregate type."""

    def __init__(
        self,
        observers: Sequence[Observer] = (),
        masking: Masking | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.masking = masking or Masking()
        """The secrets that no text of an error tells."""
        self._told_of: dict[str, list[Observer]] = {}  # by method
        for observer in observers:
            for method in _overridden(observer):
                self._told_of.setdefault(method, []).append(observer)
        self.is_observed = self.tells(OperationKind.LOAD)
        """Whether anybody is told of loads."""
        self._counts = "on_count" in self._told_of
        self._counters: Counter[tuple[str, str]] = Counter()
        self._lost: set[tuple[str, str]] = set()
        self.log = LogLines("interlock", clock)
        self._type = ""
        self._stores: Mapping[str, object] = {}

    def of(self, aggregate_type: str, **stores: object) -> "Reporting":
        """The same for one aggregate type; its `stores` are `events`, `snapshot` and `cache`."""
        own = copy.copy(self)
        own._type, own._stores = aggregate_type, stores  # noqa: SLF001 of this class
        return own

    def backend(self, store: str) -> str:
        """The class of one of the stores, `events`, `snapshot` or `cache`."""
        return type(self._stores.get(store)).__qualname__

    def tells(self, kind: OperationKind) -> bool:
        """Whether anybody is told of operations of this kind."""
        return any(method in self._told_of for method in (f"on_{kind}", *_OF_EACH_KIND))

    def count(self, name: str) -> None:
        """Add one to a counter."""
        self._counters[name, self._type] += 1
        if self._counts:
            self.tell("on_count", CountReport(name, self._type))

    def failed(
        self,
        name: str,
        error: BaseException,
        aggregate_id: UUID | None = None,
        *,
        backend: object = None,
    ) -> None:
        """Count and log a failure that reaches no caller; `backend` as `warn` has it."""
        self.count(name)
        kind = type(error).__qualname__
        self.warn(name, str(error), aggregate_id, backend=backend, kind=kind)

    def not_kept(self, name: str, error: StateNotKeptError, aggregate_id: UUID) -> None:
        """Count a state that isn't kept; log the first of each type that would lose this."""
        self.count(name)
        lost = self._type, error.where
        if lost not in self._lost and len(self._lost) < _TOLD:
            self._lost.add(lost)
            self.warn(name, str(error), aggregate_id, kind=error.where)

    def warn(
        self,
        name: str,
        text: str,
        aggregate_id: UUID | None = None,
        *,
        backend: object = None,
        kind: Hashable = None,
        limit: Limit = Limit.COUNTED,
    ) -> bool:
        """Log under the counter's name; whether it was, or is counted by the next such line.

        `backend` is the one that it is about, if that isn't the type's own store.
        """
        store = _STORES.get(name.partition(".")[0])
        if backend is None and store is not None:
            backend = self._stores.get(store)
        return self.log.warning(
            name,
            f"{name}: {self.masking.text(text)}",
            plugin=None if backend is None else type(backend).__module__.partition(".")[0],
            store=store,
            aggregate_type=self._type or None,
            aggregate_id=aggregate_id,
            kind=kind,
            limit=limit,
        )

    def counters(self, aggregate_type: str | None = None) -> dict[str, int]:
        """The counters by name: of one type, or the sums of all."""
        found: Counter[str] = Counter()
        for (name, of), count in self._counters.items():
            if aggregate_type in (None, of):
                found[name] += count
        return dict(found)

    def tell(self, method: str, report: object, aggregate_id: UUID | None = None) -> None:
        """Call this method of every observer that has it; what one raises is counted and logged."""
        for observer in self._told_of.get(method, ()):
            try:
                getattr(observer, method)(report)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 it changes no outcome
                self._observer_failed(error, aggregate_id)

    @contextmanager
    def around(self, operation: Operation) -> Iterator[Callable[[], timedelta]]:
        """Tell that an operation begins, and if it fails; gives the time since it began."""
        began = perf_counter()

        def duration() -> timedelta:
            return timedelta(seconds=perf_counter() - began)

        entered = self._entered("around", operation, operation.aggregate_id)
        try:
            yield duration
        except BaseException as error:
            failure = FailureReport(operation, error, duration())
            self.tell("on_failure", failure, operation.aggregate_id)
            self._leave(entered, operation.aggregate_id, error)
            raise
        self._leave(entered, operation.aggregate_id, None)

    @contextmanager
    def around_batch(self, size: int) -> Iterator[None]:
        """Tell that a batch of so many ids begins, and when it ends."""
        entered = self._entered("around_batch", Batch(self._type, size), None)
        try:
            yield
        except BaseException as error:
            self._leave(entered, None, error)
            raise
        self._leave(entered, None, None)

    def _entered(
        self, method: str, begun: Operation | Batch, aggregate_id: UUID | None
    ) -> list[AbstractContextManager[object]]:
        entered = []
        for observer in self._told_of.get(method, ()):
            try:
                context = getattr(observer, method)(begun)
                context.__enter__()
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 as above
                self._observer_failed(error, aggregate_id)
            else:
                entered.append(context)
        return entered

    def _leave(
        self,
        entered: list[AbstractContextManager[object]],
        aggregate_id: UUID | None,
        failure: BaseException | None,
    ) -> None:
        for context in reversed(entered):
            try:
                if failure is None:
                    context.__exit__(None, None, None)
                else:
                    context.__exit__(type(failure), failure, failure.__traceback__)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 as above
                if error is not failure:
                    self._observer_failed(error, aggregate_id)

    def _observer_failed(self, error: BaseException, aggregate_id: UUID | None) -> None:
        """Count and log it; no observer is told, since that might fail likewise."""
        self._counters["observer.failed", self._type] += 1
        self.warn("observer.failed", str(error), aggregate_id, kind=type(error).__qualname__)
