"""Guards around stores: each call is bounded in time, and no driver's error escapes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Generator, Mapping, Sequence
from datetime import timedelta
from types import coroutine
from typing import Any, Generic, TypeVar

from interlock._storage.protocols import CacheStore, Forgetful, SnapshotStore
from interlock._storage.records import AggregateRecord, RecordKey, Scope, Stamp
from interlock.errors import (
    BackendUnavailableError,
    ConcurrencyError,
    ConfigurationError,
    RecordTooLargeError,
    RecordUnusableError,
    StateNotKeptError,
)

T = TypeVar("T")
Steps = Generator[Any, Any, T]  # Any: what an awaitable and the event loop say to each other


class Done(Generic[T]):
    """An awaitable that gave its result in its first step, without waiting."""

    __slots__ = ("result",)

    def __init__(self, result: T) -> None:
        self.result = result


class Waiting(Generic[T]):
    """An awaitable whose first step was taken, and that waits."""

    __slots__ = ("_steps", "_waits_for")

    def __init__(self, steps: Steps[T], waits_for: object) -> None:
        self._steps = steps
        self._waits_for = waits_for

    @coroutine
    def rest(self) -> Steps[T]:
        """Take the other steps; the result."""
        steps, waits_for = self._steps, self._waits_for
        try:
            while True:
                try:
                    sent = yield waits_for
                except BaseException as error:  # noqa: BLE001 a cancellation is its too
                    waits_for = steps.throw(error)
                else:
                    waits_for = steps.send(sent)
        except StopIteration as stop:
            result: T = stop.value
            return result


def first_step(answer: Awaitable[T]) -> Done[T] | Waiting[T]:
    """Take the first step of an awaitable, which tells whether it waits."""
    steps = answer.__await__()
    try:
        waits_for = next(steps)
    except StopIteration as stop:
        return Done(stop.value)
    return Waiting(steps, waits_for)


async def call_backend(what: str, bound: timedelta | None, answer: Awaitable[T]) -> T:
    """The answer of a backend.

    `BackendUnavailableError` if it is late, fails with a foreign error or cancels itself.
    """
    try:
        if bound is None:
            return await answer
        # Many calls are answered without waiting: only one that waits is worth a timer.
        step = first_step(answer)
        if isinstance(step, Done):
            return step.result
        async with asyncio.timeout(bound.total_seconds()):
            return await step.rest()
    except StopAsyncIteration:
        raise
    except asyncio.CancelledError as error:
        caller = asyncio.current_task()
        if caller is None or caller.cancelling():
            raise
        raise BackendUnavailableError(f"{what} cancelled itself") from error
    except (
        BackendUnavailableError,
        ConcurrencyError,
        RecordTooLargeError,
        RecordUnusableError,
        StateNotKeptError,
    ):
        raise
    except TimeoutError as error:
        raise BackendUnavailableError(f"{what} gave no answer within {bound}") from error
    except Exception as error:
        raise BackendUnavailableError(f"{what} failed: {error!r}") from error


class Chunks(Generic[T]):
    """The chunks of a read of events, each waited for as one call."""

    __slots__ = ("_bound", "_chunks")

    def __init__(self, chunks: AsyncIterator[T], bound: timedelta | None) -> None:
        self._chunks = chunks
        self._bound = bound

    def __aiter__(self) -> "Chunks[T]":
        return self

    def __anext__(self) -> Awaitable[T]:
        return call_backend("the event store's read", self._bound, anext(self._chunks))


class GuardedCache:
    """A cache behind its guard. The methods are those of `CacheStore`."""

    def __init__(self, store: CacheStore) -> None:
        self.store = store

    @property
    def is_local(self) -> bool:
        """Whether the store answers within this process, without waiting."""
        return self.store.is_local

    def read(self, key: RecordKey) -> Awaitable[AggregateRecord | None]:
        return call_backend("the cache's read", self.store.timeout, self.store.read(key))

    def read_many(
        self, keys: Sequence[RecordKey]
    ) -> Awaitable[Mapping[RecordKey, AggregateRecord]]:
        return call_backend("the cache's read", self.store.timeout, self.store.read_many(keys))

    def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp]
    ) -> Awaitable[None]:
        return call_backend(
            "the cache's put", self.store.timeout, self.store.put(key, record, supersedes)
        )

    def remove(self, key: RecordKey, stamp: Stamp | None = None) -> Awaitable[None]:
        return call_backend("the cache's remove", self.store.timeout, self.store.remove(key, stamp))


class GuardedSnapshots:
    """A snapshot store behind its guard. The methods are those of `SnapshotStore`."""

    def __init__(self, store: SnapshotStore) -> None:
        self.store = store

    @property
    def is_local(self) -> bool:
        """Whether the store answers within this process, without waiting."""
        return self.store.is_local

    def read(self, key: RecordKey, at_or_below: int | None) -> Awaitable[AggregateRecord | None]:
        return call_backend(
            "the snapshot store's read", self.store.timeout, self.store.read(key, at_or_below)
        )

    def read_many(
        self, keys: Sequence[RecordKey]
    ) -> Awaitable[Mapping[RecordKey, AggregateRecord]]:
        return call_backend(
            "the snapshot store's read", self.store.timeout, self.store.read_many(keys)
        )

    def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp]
    ) -> Awaitable[None]:
        return call_backend(
            "the snapshot store's put", self.store.timeout, self.store.put(key, record, supersedes)
        )

    def revisions(self, key: RecordKey) -> Awaitable[Collection[str]]:
        return call_backend(
            "the snapshot store's revisions", self.store.timeout, self.store.revisions(key)
        )

    def prune(self, scope: Scope) -> Awaitable[int]:
        """Without a bound: it goes through everything that is kept."""
        return call_backend("the snapshot store's prune", None, self.store.prune(scope))

    async def forget(self, key: RecordKey) -> None:
        """Raises `ConfigurationError` if the store can't, which is no failure of it."""
        refusal = await call_backend(
            "the snapshot store's forget", self.store.timeout, self._refusal_to_forget(key)
        )
        if refusal is not None:
            raise refusal

    async def _refusal_to_forget(self, key: RecordKey) -> ConfigurationError | None:
        if not isinstance(self.store, Forgetful):
            return ConfigurationError(
                f"{type(self.store).__name__} can't forget: it has no `forget`"
            )
        try:
            await self.store.forget(key)
        except ConfigurationError as refusal:
            return refusal
        return None
