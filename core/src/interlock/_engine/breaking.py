"""Stores that calls have to wait for, behind a circuit breaker."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from datetime import timedelta
from types import coroutine
from typing import Any, TypeVar

from interlock._engine.guard import go_on
from interlock._engine.reports import Reporting
from interlock._storage.breaker import Breaker, StoreRestsError
from interlock._storage.protocols import CacheStore, Forgetful, SnapshotStore
from interlock._storage.records import AggregateRecord, RecordKey, Scope, Stamp
from interlock._storage.unsettled_keys import UnsettledKeys
from interlock.errors import (
    ConfigurationError,
    RecordTooLargeError,
    RecordUnusableError,
    StateNotKeptError,
)

T = TypeVar("T")

_ANSWERS = (ConfigurationError, RecordTooLargeError, RecordUnusableError, StateNotKeptError)
_ALL_ITS_TIME = 0.9
"""A call that is cancelled after this part of its timeout ran into that: timers may be early."""


@coroutine
def call_through(
    breaker: Breaker, bound: timedelta | None, make: Callable[[], Awaitable[T]]
) -> Generator[Any, Any, T]:  # Any: as in `Steps`
    """The answer of a store, unless it rests. Raises what the store raises, and `StoreRestsError`.

    Whoever calls it bounds it in time. A failure counts if the call waited: one that didn't cost
    nothing.
    """
    ticket = breaker.admit()
    loop = asyncio.get_running_loop()
    began, has_waited = loop.time(), False
    try:
        steps = make().__await__()
        try:
            waits_for = next(steps)
        except StopIteration as stop:
            result: T = stop.value
        else:
            has_waited = True
            result = yield from go_on(steps, waits_for)
    except _ANSWERS:  # the store itself answers
        breaker.answered(ticket)
        raise
    except Exception as error:
        if has_waited:
            breaker.failed(ticket, repr(error), loop.time() - began)
        else:
            breaker.given_up(ticket)
        raise
    except BaseException:
        waited = loop.time() - began
        if bound is not None and waited >= _ALL_ITS_TIME * bound.total_seconds():
            breaker.failed(ticket, f"no answer within {bound}", waited)
        else:
            breaker.given_up(ticket)
        raise
    breaker.answered(ticket)
    return result


class CacheWithBreaker:
    """A cache that rests while it is down. Calls that are refused raise `StoreRestsError`.

    An entry whose put or removal was refused, or failed, is removed before it is read or put again.
    """

    is_local = False

    def __init__(
        self, store: CacheStore, breaker: Breaker, unsettled: UnsettledKeys, reporting: Reporting
    ) -> None:
        self.store = store
        self._breaker = breaker
        self._unsettled = unsettled
        self._reporting = reporting

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
            if self._unsettled.noted(key) is not None:
                await self._remove(key)
            await self._call(lambda: self.store.put(key, record, supersedes))
        except _ANSWERS:
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

    async def _remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        noted = self._unsettled.noted(key)
        await self._call(lambda: self.store.remove(key, stamp))
        if stamp is None:
            self._unsettled.removed(key, noted)

    def _call(self, make: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        return call_through(self._breaker, self.store.timeout, make)

    def _missed(self, counter: str, key: RecordKey, error: BaseException) -> None:
        self._unsettled.note(key)
        if isinstance(error, StoreRestsError):
            self._reporting.count(counter)


class SnapshotsWithBreaker:
    """A snapshot store that rests while it is down; for `prune` and `forget` it is asked."""

    is_local = False

    def __init__(self, store: SnapshotStore, breaker: Breaker) -> None:
        self.store = store
        self._breaker = breaker

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
        return call_through(self._breaker, self.store.timeout, make)


def without_breaker(store: SnapshotStore) -> SnapshotStore:
    """The store itself, which an event store knows."""
    return store.store if isinstance(store, SnapshotsWithBreaker) else store
