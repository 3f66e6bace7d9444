"""A cache that processes share, and as a process sees it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from interlock.application.aggregates import InMemoryAggregateCacheBackend
from interlock.backends import AggregateRecord, RecordCacheBackend, RecordKey, Stamp
from interlock.errors import RecordTooLargeError, RecordUnusableError
from surroundings import CACHE_READ_FAULTS, CACHE_WRITE_FAULTS, Fault, Surroundings, Wire

_CHANNEL_FAULTS = (Fault.UNTOLD, Fault.CHANNEL)
_DELAYS = (0.0, 0.001, 0.2)


@dataclass
class CacheServer:
    """The cache itself, everything that ever was put into it, and who is told of changes."""

    store: InMemoryAggregateCacheBackend
    past: dict[RecordKey, list[AggregateRecord]] = field(default_factory=lambda: defaultdict(list))
    watchers: list["WatchedCache"] = field(default_factory=list)
    _puts: list[AggregateRecord] = field(default_factory=list)

    def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp], by: object
    ) -> None:
        """Put, and tell the others."""
        self.past[key].append(record)
        self._puts.append(record)
        self.store.put_at_once(key, record, supersedes)
        self._tell(key, by)

    async def remove(self, key: RecordKey, stamp: Stamp | None, by: object) -> None:
        """Remove, and tell the others."""
        await self.store.remove(key, stamp)
        self._tell(key, by)

    def read(
        self, around: Surroundings, key: RecordKey, lies: Sequence[Fault] = ()
    ) -> AggregateRecord | None:
        """Read, and perhaps get something else than what stands there."""
        past = self.past[key]
        found = self.store.read_at_once(key)
        faults, one_in = (*around.entry_faults, *lies), around.entry_one_in
        match around.fault(faults, one_in=one_in) if past else Fault.NONE:
            case Fault.EVICTED:
                self.store.discard(key)
                return None
            case Fault.STALE:
                return around.choices.one_of(past)
            case Fault.LYING:
                return around.choices.one_of(past)._replace(verified_at=around.clock())
            case Fault.UNUSABLE:
                raise RecordUnusableError("not a record")
            case Fault.GARBLED:
                return found and found._replace(payload=found.payload[:-1])
            case Fault.MISPLACED:
                return around.choices.one_of(self._puts)
            case _:
                return found

    def _tell(self, key: RecordKey, by: object) -> None:
        for watcher in self.watchers:
            if watcher is not by:
                watcher.hear(key)


class RemoteCache(RecordCacheBackend):
    """The cache as one process sees it; with `lies` it makes entries younger than they are."""

    timeout: timedelta | None = timedelta(seconds=0.5)
    is_local = False

    def __init__(self, wire: Wire, server: CacheServer, *, lies: bool) -> None:
        self._wire = wire
        self._server = server
        self._lies = (Fault.LYING,) if lies else ()

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        around = self._wire.surroundings

        async def read() -> AggregateRecord | None:
            return self._server.read(around, key, self._lies)

        return await self._wire.call(read, CACHE_READ_FAULTS)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        around = self._wire.surroundings

        async def put() -> None:
            await asyncio.sleep(around.choices.one_of(around.puts_take))
            if around.fault([Fault.TOO_LARGE]) is Fault.NONE:
                self._server.put(key, record, supersedes, self)
            else:
                await self._server.remove(key, None, self)
                raise RecordTooLargeError("too large")

        await self._wire.call(put, CACHE_WRITE_FAULTS)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        await self._wire.call(lambda: self._server.remove(key, stamp, self), CACHE_WRITE_FAULTS)


class LocalCache(RecordCacheBackend):
    """The cache as a process sees it that has it on the same machine, and never waits for it."""

    timeout: timedelta | None = None
    is_local = True

    def __init__(self, around: Surroundings, server: CacheServer) -> None:
        self._around = around
        self._server = server

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        return self._server.read(self._around, key)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        self._server.put(key, record, supersedes, self)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        await self._server.remove(key, stamp, self)


class CacheAtOnce(LocalCache):
    """One that answers without a coroutine."""

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        return self.read_at_once(key)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        self.put_at_once(key, record, supersedes)

    def read_at_once(self, key: RecordKey) -> AggregateRecord | None:
        """As `read`."""
        return self._server.read(self._around, key)

    def put_at_once(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """As `put`."""
        self._server.put(key, record, supersedes, self)


class WatchedCache(RemoteCache):
    """One that tells what others change, as long as its channel holds."""

    _changed: Callable[[str], None]
    _reset: Callable[[], None]

    async def watch(self, changed: Callable[[str], None], reset: Callable[[], None]) -> None:
        self._changed, self._reset = changed, reset
        self._server.watchers.append(self)

    def hear(self, key: RecordKey) -> None:
        """Tell of a change, a little later; a channel that breaks is noticed later still."""
        around = self._wire.surroundings
        delay = around.choices.one_of(_DELAYS)
        match around.fault(_CHANNEL_FAULTS):
            case Fault.UNTOLD:
                pass
            case Fault.CHANNEL:
                around.loop.call_later(delay, self._reset)
                around.loop.call_later(2 * delay, self._reset)
            case _:
                around.loop.call_later(delay, self._changed, key.text())
