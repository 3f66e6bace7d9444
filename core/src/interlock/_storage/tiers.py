"""A small cache in this process in front of a shared one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from interlock._storage.breaker import NotesOutdated, RemovesAnyway, StoreRestsError
from interlock._storage.memory import InMemoryAggregateCacheBackend
from interlock._storage.protocols import CacheStore, ChangeNotifier
from interlock._storage.record_backends import RecordCacheBackend
from interlock._storage.records import AggregateRecord, RecordKey, Stamp
from interlock.errors import ConfigurationError

LOCAL_TTL = timedelta(seconds=30)

_LONGEST_KEY = 250
"""Characters of what `RecordKey.text()` gives; a longer message is about no key."""
_CHANGES_BYTES = 16 * 1024 * 1024
_ENTRY_BYTES = 200
"""Bytes of a change besides its text: the two objects, and their place in the dictionary."""


class TieredAggregateCacheBackend(RecordCacheBackend):
    """Reads the local tier, then the shared one; the shared one alone is shared with others.

    What others put reaches the local tier as soon as the shared one tells of it, if it is a
    `ChangeNotifier`, and at the latest after the local tier's `ttl`, which is set to 30 s if it has
    none. A record that was read, or was known to be the head, before a change of its key was told
    isn't kept locally: an invalidation that arrives during a fill voids the fill.
    """

    def __init__(
        self,
        local: object,
        shared: object,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if not isinstance(local, InMemoryAggregateCacheBackend):
            raise ConfigurationError(
                f"the first of the tiers is a {type(local).__name__}; wanted a memory-cache, which "
                "can be emptied when the channel of changes breaks"
            )
        if not isinstance(shared, RecordCacheBackend):
            raise ConfigurationError(
                f"the second of the tiers is a {type(shared).__name__}; wanted a backend of records"
            )
        local.ttl = local.ttl or LOCAL_TTL
        self.tiers = (local, shared)  # opened before this and closed after it
        self.timeout = shared.timeout
        self._local = local
        self._shared: CacheStore = shared
        self._clock = clock
        self._keys: dict[str, RecordKey] = {}  # by `RecordKey.text()`, at least of what is kept
        self._changed_at: dict[str, datetime] = {}  # likewise, the latest last
        self._changes_bytes = 0  # about what the dictionary takes
        self._forgotten = clock()  # changes up to here aren't in the dictionary

    async def open(self) -> None:
        """Subscribe to the shared tier's changes; both tiers are open already."""
        self._reset()
        shared = self.tiers[1]
        if isinstance(shared, ChangeNotifier):
            await shared.watch(self._changed, self._reset)

    @property
    def shared(self) -> CacheStore:
        """The shared tier, as it is asked."""
        return self._shared

    def use_shared(self, shared: CacheStore) -> None:
        """Take this for the shared tier from now on: the same, behind a circuit breaker."""
        self._shared = shared

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        record = await self._local.read(key)
        if record is None:
            began = self._clock()
            record = await self._shared.read(key)
            await self._fill(key, record, began)
        return record

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        found = dict(await self._local.read_many(keys))
        began = self._clock()
        absent = [key for key in keys if key not in found]
        if absent:
            for key, record in (await self._shared.read_many(absent)).items():
                found[key] = record
                await self._fill(key, record, began)
        return found

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        try:
            await self._shared.put(key, record, supersedes)
        except StoreRestsError:
            pass  # what stands there is removed before it is used again
        except BaseException:
            self._changed(key.text())
            raise
        await self._local.remove(key)
        await self._fill(key, record, record.verified_at)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        # The local entry goes in any case, and so does a fill that is under way.
        try:
            await self._shared.remove(key, stamp)
        finally:
            self._changed(key.text())

    async def remove_anyway(self, key: RecordKey) -> None:
        """Remove the entry, also while the shared tier rests."""
        shared = self._shared
        try:
            if isinstance(shared, RemovesAnyway):
                await shared.remove_anyway(key)
            else:
                await shared.remove(key)
        finally:
            self._changed(key.text())

    def note_outdated(self, key: RecordKey) -> bool:
        """Note it for the shared tier, and remove the local entry."""
        self._changed(key.text())
        return isinstance(self._shared, NotesOutdated) and self._shared.note_outdated(key)

    async def _fill(self, key: RecordKey, record: AggregateRecord | None, known: datetime) -> None:
        """Store the record locally unless its key changed since the time `known`."""
        if record is None:
            return
        text = key.text()
        if known <= self._changed_at.get(text, self._forgotten):
            return
        await self._local.put(key, record)
        self._keys[text] = key
        if len(self._keys) > 2 * self._local.size:
            kept = self._local.keys()
            self._keys = {key.text(): key for key in kept}

    def _changed(self, text: str) -> None:
        if len(text) > _LONGEST_KEY:
            return
        if self._changed_at.pop(text, None) is None:
            self._changes_bytes += len(text) + _ENTRY_BYTES
        self._changed_at[text] = self._clock()
        while len(self._changed_at) > 2 * self._local.size or self._changes_bytes > _CHANGES_BYTES:
            oldest = next(iter(self._changed_at))
            self._changes_bytes -= len(oldest) + _ENTRY_BYTES
            self._forgotten = self._changed_at.pop(oldest)
        key = self._keys.pop(text, None)
        if key is not None:
            self._local.discard(key)

    def _reset(self) -> None:
        self._local.clear()
        self._keys.clear()
        self._changed_at.clear()
        self._changes_bytes = 0
        self._forgotten = self._clock()
