"""The removal of cache entries that a put or removal didn't reach, once the cache is back."""

import asyncio
from datetime import timedelta
from functools import partial

from interlock._engine.guard import ALL_ITS_TIME, call_backend, call_through
from interlock._engine.reporting import Reporting
from interlock._storage.breaker import Breaker
from interlock._storage.protocols import CacheStore
from interlock._storage.records import RecordKey
from interlock._storage.unsettled_keys import UnsettledKeys
from interlock.errors import InterlockError

_REMOVE = "the cache's remove"
_PAUSE = 0.5  # seconds, between two attempts at all that is noted
_PATIENCE = timedelta(seconds=1)
"""So long a removal may fail at the end, where the cache has no timeout of its own."""


class Settler:
    """Removes the entries of one cache that are noted, behind the answers, until none is left.

    Nobody waits for its attempts: while the cache rests it is the one that tries it again. Between
    `start` and `end` it works as soon as something is noted.
    """

    def __init__(self, breaker: Breaker, unsettled: UnsettledKeys, reporting: Reporting) -> None:
        self.breaker = breaker
        self.unsettled = unsettled
        self.reporting = reporting
        self.removing: RecordKey | None = None
        """The key whose entry is being removed behind the answers."""
        self._removed_one = asyncio.Event()
        self._is_on = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin a new life, with what an earlier one left."""
        self._is_on, self._task, self.removing = True, None, None
        self._removed_one = asyncio.Event()
        self._work_on()

    def note(self, key: RecordKey, store: CacheStore) -> None:
        """Note that the key's entry in the store may be outdated, and remove it soon."""
        self.unsettled.note(key, store)
        self._work_on()

    async def removal_ended(self, key: RecordKey) -> None:
        """Wait until the key's entry isn't being removed, so that what is put then stays."""
        while self.removing == key:
            await self._removed_one.wait()

    async def settle(self) -> None:
        """Try to remove all that is noted, though the cache rests; one that is down is left."""
        self._is_on = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        loop, failing = asyncio.get_running_loop(), 0.0
        for key, number, store in self.unsettled.notes():
            began = loop.time()
            try:
                await call_backend(_REMOVE, store.timeout, store.remove(key))
            except InterlockError:
                failing += loop.time() - began
                if failing >= ALL_ITS_TIME * (store.timeout or _PATIENCE).total_seconds():
                    return
            else:
                self.unsettled.removed(key, number)

    def end(self) -> None:
        """Stop, and tell of what is left."""
        self._is_on = False
        if self._task is not None:
            self._task.cancel()
        left = self.unsettled.count
        if left:
            self.reporting.count("cache.left_outdated")
            self.reporting.warn(
                "cache.left_outdated",
                f"closing: {left} entries of the cache may be older than what was committed, and "
                "can't be removed now",
            )

    def _work_on(self) -> None:
        if self._is_on and self._task is None and self.unsettled.count:
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self.unsettled.count:
                await asyncio.sleep(max(self.breaker.rest(), _PAUSE))
                for key, number, store in self.unsettled.notes():
                    if self.unsettled.noted(key) != number:
                        continue
                    if not await self._removed(key, number, store) and self.breaker.is_open:
                        break
        finally:
            self._task = None

    async def _removed(self, key: RecordKey, number: int, store: CacheStore) -> bool:
        """Whether the entry is removed; one that can't be is the last to be tried again."""
        self.removing = key
        try:
            await call_backend(_REMOVE, store.timeout, self._remove(key, store))
        except InterlockError:
            self.unsettled.put_off(key)
            return False
        finally:
            self.removing = None
            self._removed_one.set()
            self._removed_one = asyncio.Event()
        self.unsettled.removed(key, number)
        return True

    async def _remove(self, key: RecordKey, store: CacheStore) -> None:
        """Remove it; a closed breaker isn't told, since all that fails may be of one server."""
        if self.breaker.is_open:
            await call_through(self.breaker, store.timeout, partial(store.remove, key))
        else:
            await store.remove(key)
