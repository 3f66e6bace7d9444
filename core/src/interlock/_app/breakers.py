"""The circuit breakers of an application's caches and snapshot stores."""

from functools import partial

from interlock._config.settings import ApplicationSettings
from interlock._engine.breaking import CacheWithBreaker, SnapshotsWithBreaker
from interlock._engine.context import Clock
from interlock._engine.reports import Reporting
from interlock._engine.settling import Settler
from interlock._storage.breaker import Breaker
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
        # By identity; the backend is there too, lest another gets its place in memory.
        self._caches: dict[int, tuple[object, Settler]] = {}
        self._snapshots: dict[int, tuple[object, Breaker]] = {}

    def before_cache(self, backend: object, store: CacheStore) -> CacheStore:
        """The store with its breaker; `store` is what the backend is for one aggregate type."""
        if not self._settings.breaker_failures or store.is_local:
            return store
        if isinstance(backend, TieredAggregateCacheBackend):
            shared = backend.tiers[1]
            backend.use_shared(self.before_cache(shared, shared))
            return store
        breaker, keys = self._breaker("cache", backend), UnsettledKeys(self._clock)
        settler = Settler(breaker, keys, self._reporting)
        _, settler = self._caches.setdefault(id(backend), (backend, settler))
        return CacheWithBreaker(store, settler)

    def before_snapshots(self, backend: object, store: SnapshotStore) -> SnapshotStore:
        """The store with its breaker; `store` is what the backend is for one aggregate type."""
        if not self._settings.breaker_failures or store.is_local:
            return store
        _, breaker = self._snapshots.setdefault(
            id(backend), (backend, self._breaker("snapshot", backend))
        )
        return SnapshotsWithBreaker(store, breaker)

    def start(self) -> None:
        """Begin a new life: what an earlier one left in the caches is removed."""
        for _, settler in self._caches.values():
            settler.start()

    async def settle(self) -> None:
        """Remove what is outdated in the caches, as far as they answer."""
        for _, settler in self._caches.values():
            await settler.settle()

    def end(self) -> None:
        """Remove nothing any more."""
        for _, settler in self._caches.values():
            settler.end()

    def _breaker(self, kind: str, backend: object) -> Breaker:
        return Breaker(
            type(backend).__name__,
            failures=self._settings.breaker_failures,
            rest_max=self._settings.breaker_rest_max,
            report=partial(self._tell, kind),
        )

    def _tell(self, kind: str, change: str, text: str) -> None:
        self._reporting.tell_outage(f"{kind}.breaker_{change}", text)
