"""The forgetting of one aggregate."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from interlock._engine.calls import bounded
from interlock._engine.command_handling import Saver
from interlock._engine.known_heads import Floor
from interlock._engine.load_context import Registration
from interlock._engine.loading import Loader
from interlock._engine.write_back import Keeper
from interlock._storage.protocols import EventStore, Forgetful, SnapshotStore
from interlock._storage.records import RecordKey
from interlock.errors import (
    BackendUnavailableError,
    ConfigurationError,
    InterlockError,
    StreamTruncatedError,
)

_Step = tuple[str, Callable[[UUID], Awaitable[None]]]


class Forgetting:
    """Forgets aggregates of one registered type.

    What is derived goes first: as long as the events stand, a failure leaves a state that is loaded
    from them, and true; once they are gone there is no record that a load would trust. It goes
    again after the events, for what another process derived from them meanwhile. Snapshots go
    before the cache entry, since loads fill the cache from them.
    """

    def __init__(
        self,
        registration: Registration,
        *,
        events: EventStore,
        loader: Loader,
        saver: Saver,
        keeper: Keeper,
        floor: Floor,
    ) -> None:
        self._registration = registration
        self._events = events
        self._loader = loader
        self._saver = saver
        self._keeper = keeper
        self._floor = floor

    async def forget(self, aggregate_id: UUID, *, events: bool) -> None:
        """Forget it between two commands; no load that has begun keeps anything."""
        async with self._saver.turn(aggregate_id):
            with self._floor.forgets.forgetting(aggregate_id):
                try:
                    await self._keeper.under_way.ended(aggregate_id)
                    await self._keeper.forget(aggregate_id)
                    if not events:
                        await self._check_stands_alone(aggregate_id)
                    await self._take(self._steps(events=events), aggregate_id)
                finally:
                    self._loader.flights.detach(aggregate_id)

    def _steps(self, *, events: bool) -> list[_Step]:
        derived: list[_Step] = [
            ("removing its snapshots", self._remove_snapshots),
            ("removing its cache entry", self._remove_cache_entry),
        ]
        if not events:
            return derived
        again = [(f"{what} that came meanwhile", step) for what, step in derived]
        return [*derived, ("deleting its events", self._delete_events), *again]

    async def _take(self, steps: list[_Step], aggregate_id: UUID) -> None:
        for number, (what, step) in enumerate(steps):
            try:
                await step(aggregate_id)
            except BackendUnavailableError as error:
                done = ", ".join(done for done, _ in steps[:number]) or "nothing"
                left = ", ".join(left for left, _ in steps[number + 1 :]) or "nothing"
                raise BackendUnavailableError(
                    f"{self._registration.tables.name} {aggregate_id} isn't forgotten: {what} "
                    f"failed, as far as is known ({error}); done: {done}; not begun: {left}. "
                    "Forget it again, everything may be done twice"
                ) from error

    async def _check_stands_alone(self, aggregate_id: UUID) -> None:
        """Raise `StreamTruncatedError` if the events don't give the state without a snapshot."""
        if self._registration.snapshots is None:
            return
        name, timeout = self._registration.tables.name, self._events.timeout
        if await self._begins(aggregate_id):
            return
        head = await bounded("the event store", timeout, self._events.head(name, aggregate_id))
        # One that had no events a moment ago may have begun since.
        if head is None or await self._begins(aggregate_id):
            return
        raise StreamTruncatedError(
            f"{name} {aggregate_id} isn't forgotten: its first events are archived, and "
            "without a snapshot it could never be loaded again; forget it with events=True"
        )

    async def _begins(self, aggregate_id: UUID) -> bool:
        """Whether the stream has its first event."""
        name, timeout = self._registration.tables.name, self._events.timeout
        chunks = self._events.read(name, aggregate_id, first=1, last=1)
        return bool(await bounded("the event store's read", timeout, anext(chunks, None)))

    async def _remove_snapshots(self, aggregate_id: UUID) -> None:
        store = self._registration.snapshots
        if store is None:
            return
        key = self._registration.snapshot_scope.key(aggregate_id)
        refusal = await bounded(
            "the snapshot store's forget", store.timeout, _refusal_to_forget(store, key)
        )
        if refusal is not None:
            raise refusal

    async def _remove_cache_entry(self, aggregate_id: UUID) -> None:
        cache = self._registration.cache
        if cache is None:
            return
        key = self._registration.mapper.scope.key(aggregate_id)
        try:
            await bounded("the cache's remove", cache.timeout, cache.remove(key))
        except BackendUnavailableError:
            raise
        except InterlockError as error:
            raise BackendUnavailableError(f"the cache's remove failed: {error}") from error

    async def _delete_events(self, aggregate_id: UUID) -> None:
        name = self._registration.tables.name
        await bounded(
            "the event store's delete",
            self._events.timeout,
            self._events.delete(name, aggregate_id),
        )
        self._floor.forget(aggregate_id)


async def _refusal_to_forget(store: SnapshotStore, key: RecordKey) -> ConfigurationError | None:
    """What the store says that can't forget; it is no failure of the store."""
    if not isinstance(store, Forgetful):
        return ConfigurationError(f"{type(store).__name__} can't forget: it has no `forget`")
    try:
        await store.forget(key)
    except ConfigurationError as refusal:
        return refusal
    return None
