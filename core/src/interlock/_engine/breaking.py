"""Stores that calls have to wait for, behind a circuit breaker."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from interlock._engine.guard import ANSWERS, call_through
from interlock._engine.settling import Settler
from interlock._storage.breaker import Breaker, StoreRestsError
from interlock._storage.protocols import CacheStore, Forgetful, SnapshotStore
from interlock._storage.records import AggregateRecord, RecordKey, Scope, Stamp
from interlock.errors import ConfigurationError

T = TypeVar("T")


class CacheWithBreaker:
    """A cache that rests while it is down. Calls that are refused raise `StoreRestsError`.

    An entry whose put or removal was refused, or failed, is removed before it is read or put again,
    and else by the settler.
    """

    is_local = False

    def __init__(self, store: CacheStore, settler: Settler) -> None:
        self.store = store
        self._settler = settler
        self.breaker = settler.breaker
        self._unsettled = settler.unsettled

    @property
    def timeout(self) -> timedelta | None:
        """That of the store."""
        return self.store.timeout

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        if self._unsettled.noted(key) is not None:
            await self._remove(key)
            return None
        record = await self._call(lambda: self.store.read(key))
        if record is not None and self._unsettled.is_outdated(key, record):
            await self._remove(key, record.stamp)
            return None
        return record

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        settled = [key for key in keys if self._unsettled.noted(key) is None]
        if not settled:
            return {}
        found = await self._call(lambda: self.store.read_many(settled))
        return {
            key: record
            for key, record in found.items()
            if not self._unsettled.is_outdated(key, record)
        }

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        try:
            if self._settler.removing is not None and not self.breaker.is_open:
                await self._settler.removal_ended(key)
            if self._unsettled.noted(key) is not None:
                await self._remove(key)
            await self._call(lambda: self.store.put(key, record, supersedes))
        except ANSWERS:
            raise
        except BaseException as error:
            self._missed("cache.put_skipped", key, error)
            raise
        self._unsettled.put(key)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        try:
            await self._remove(key, stamp)
        except BaseException as error:
            self._missed("cache.remove_skipped", key, error)
            raise

    async def remove_anyway(self, key: RecordKey) -> None:
        await self.store.remove(key)

    def refusal(self) -> str | None:
        return self.breaker.refusal()

    def leaves_out(self, key: RecordKey) -> bool:
        if not self.breaker.is_open or not self.breaker.rest():
            return False
        self._settler.note(key, self.store)
        self._settler.reporting.of(key.aggregate_type).count("cache.put_skipped")
        return True

    def note_outdated(self, key: RecordKey) -> bool:
        self._settler.note(key, self.store)
        return True

    async def _remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        noted = self._unsettled.noted(key)
        await self._call(lambda: self.store.remove(key, stamp))
        if stamp is None:
            self._unsettled.removed(key, noted)

    def _call(self, make: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        return call_through(self.breaker, self.store.timeout, make)

    def _missed(self, counter: str, key: RecordKey, error: BaseException) -> None:
        if isinstance(error, GeneratorExit):  # the loop has ended, and with it all tasks
            self._unsettled.note(key, self.store)
            return
        self._settler.note(key, self.store)
        if isinstance(error, StoreRestsError):
            self._settler.reporting.of(key.aggregate_type).count(counter)


class SnapshotsWithBreaker:
    """A snapshot store that rests while it is down; for `prune` and `forget` it is asked."""

    is_local = False

    def __init__(self, store: SnapshotStore, breaker: Breaker) -> None:
        self.store = store
        self.breaker = breaker

    @property
    def timeout(self) -> timedelta | None:
        """That of the store."""
        return self.store.timeout

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        return await self._call(lambda: self.store.read(key, at_or_below))

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        return await self._call(lambda: self.store.read_many(keys))

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self._call(lambda: self.store.put(key, record, supersedes))

    async def revisions(self, key: RecordKey) -> Collection[str]:
        return await self._call(lambda: self.store.revisions(key))

    async def prune(self, scope: Scope) -> int:
        return await self.store.prune(scope)

    async def forget(self, key: RecordKey) -> int:
        if not isinstance(self.store, Forgetful):
            raise ConfigurationError(
                f"{type(self.store).__name__} can't forget: it has no `forget`"
            )
        return await self.store.forget(key)

    def _call(self, make: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        return call_through(self.breaker, self.store.timeout, make)


def without_breaker(store: SnapshotStore) -> SnapshotStore:
    """The store itself, which an event store knows."""
    return store.store if isinstance(store, SnapshotsWithBreaker) else store
