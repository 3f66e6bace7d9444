"""The circuit breakers of an application's caches and snapshot stores."""

from interlock._config.settings import ApplicationSettings
from interlock._engine.breaking import CacheWithBreaker, SnapshotsWithBreaker
from interlock._engine.context import Clock
from interlock._engine.reporting import Reporting
from interlock._engine.reports import BreakerReport
from interlock._engine.settling import Settler
from interlock._storage.breaker import Breaker
from interlock._storage.log_lines import Limit, OutageLines
from interlock._storage.protocols import CacheStore, SnapshotStore
from interlock._storage.tiers import TieredAggregateCacheBackend
from interlock._storage.unsettled_keys import UnsettledKeys


class Breakers:
    """Puts a circuit breaker before each store; one backend has one, whatever types use it.

    What answers within this process has none. Of tiers it is the shared one that has it, so that
    the local one answers while the other rests.
    """

    def __init__(self, settings: ApplicationSettings, reporting: Reporting, clock: Clock) -> None:
        self._settings = settings
        self._reporting = reporting
        self._clock = clock
        self._guarded: dict[tuple[str, int], _Guarded] = {}  # by identity of the backend
        self._settlers: dict[int, Settler] = {}  # likewise

    def before_cache(self, aggregate_type: str, backend: object, store: CacheStore) -> CacheStore:
        """The store with its breaker; `store` is what the backend is for one aggregate type."""
        if not self._settings.breaker_failures or store.is_local:
            return store
        if isinstance(backend, TieredAggregateCacheBackend):
            shared = backend.tiers[1]
            backend.use_shared(self.before_cache(aggregate_type, shared, shared))
            return store
        breaker = self._breaker("cache", backend, aggregate_type)
        settler = self._settlers.get(id(backend))
        if settler is None:
            settler = Settler(breaker, UnsettledKeys(self._clock), self._reporting)
            self._settlers[id(backend)] = settler
        return CacheWithBreaker(store, settler)

    def before_snapshots(
        self, aggregate_type: str, backend: object, store: SnapshotStore
    ) -> SnapshotStore:
        """The store with its breaker; `store` is what the backend is for one aggregate type."""
        if not self._settings.breaker_failures or store.is_local:
            return store
        return SnapshotsWithBreaker(store, self._breaker("snapshot", backend, aggregate_type))

    def start(self) -> None:
        """Begin a new life: what an earlier one left in the caches is removed."""
        for guarded in self._guarded.values():
            guarded.start()
        for settler in self._settlers.values():
            settler.start()

    async def settle(self) -> None:
        """Remove what is outdated in the caches, as far as they answer."""
        for settler in self._settlers.values():
            await settler.settle()

    def end(self) -> None:
        """Remove nothing any more."""
        for settler in self._settlers.values():
            settler.end()

    def _breaker(self, store: str, backend: object, aggregate_type: str) -> Breaker:
        guarded = self._guarded.get((store, id(backend)))
        if guarded is None:
            guarded = _Guarded(store, backend, self._settings, self._reporting)
            self._guarded[store, id(backend)] = guarded
        guarded.aggregate_types.append(aggregate_type)
        return guarded.breaker


class _Guarded:
    """A backend with a breaker, whose changes are counted, logged and told."""

    def __init__(
        self, store: str, backend: object, settings: ApplicationSettings, reporting: Reporting
    ) -> None:
        self._store = store
        self._backend = backend
        self._reporting = reporting
        self._outage = OutageLines(self._log)
        self.aggregate_types: list[str] = []
        self.breaker = Breaker(
            type(backend).__name__,
            failures=settings.breaker_failures,
            rest_max=settings.breaker_rest_max,
            report=self._note,
        )

    def start(self) -> None:
        """Begin a new life."""
        self.breaker.start()
        if not self.breaker.is_open:
            self._outage.forget()
        self._tell(is_open=self.breaker.is_open)

    def _note(self, change: str, text: str) -> None:
        opened, closed = f"{self._store}.breaker_opened", f"{self._store}.breaker_closed"
        if change == "opened":
            self._reporting.count(opened)
            self._outage.began(opened, text)
            self._tell(is_open=True)
        elif change == "closed":
            self._reporting.count(closed)
            self._outage.ended(closed, text)
            self._tell(is_open=False)
        else:
            self._outage.goes_on(opened, text)

    def _log(self, name: str, text: str, limit: Limit) -> bool:
        return self._reporting.warn(
            name, text, backend=self._backend, kind=id(self._backend), limit=limit
        )

    def _tell(self, *, is_open: bool) -> None:
        backend = type(self._backend).__qualname__
        report = BreakerReport(self._store, backend, tuple(self.aggregate_types), is_open)
        self._reporting.tell("on_breaker", report)
