"""The cache backend: reads and writes records in a directory."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from sqlite3 import sqlite_version

from diskcache import Cache  # type: ignore[import-untyped] # it ships no types

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    RecordCacheBackend,
    RecordKey,
    Stamp,
    replaces,
    usable,
)
from interlock_diskcache_cache.client import Client, read_value
from interlock_diskcache_cache.config import DiskCacheConfig
from interlock_diskcache_cache.size import largest_entry

_MANY = 100  # reads between two turns of the loop


class DiskCacheAggregateCacheBackend(RecordCacheBackend):
    """Caches in a directory of one machine's processes, see `interlock.backends.CacheStore`."""

    def __init__(self, config: DiskCacheConfig) -> None:
        self.timeout = config.timeout
        self.required = config.required
        self._ttl = None if config.ttl is None else config.ttl.total_seconds()
        self._largest = largest_entry(config.size_limit)
        self._client = Client(
            config.directory,
            size_limit=config.size_limit,
            lock_timeout=config.timeout.total_seconds() / 2,
        )

    async def open(self) -> None:
        """Make the directory if it is missing, and connect."""
        try:
            await self._client.open()
        except BackendUnavailableError:
            if self.required:
                await self._client.close()
            raise
        except BaseException:
            await self._client.close()
            raise

    async def close(self) -> None:
        """Disconnect once running writes have ended."""
        await self._client.close()

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        return await self._client.read(partial(_read_entry, key=key))

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        found = {}
        for start in range(0, len(keys), _MANY):
            if start:
                await asyncio.sleep(0)
            batch = keys[start : start + _MANY]
            found.update(await self._client.read(partial(_read_usable_many, keys=batch)))
        return found

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        blob = record.to_bytes()
        await self.check_size(key, blob, self._largest, advice="a tenth of size_limit: raise it")

        def put(cache: Cache) -> None:
            if replaces(usable(_read_entry, cache, key), record, supersedes):
                cache.set(key.text(), blob, expire=self._ttl)

        await self._client.write(put)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        def remove(cache: Cache) -> None:
            found = None if stamp is None else usable(_read_entry, cache, key)
            if stamp is None or (found is not None and found.stamp == stamp):
                cache.delete(key.text())

        await self._client.write(remove)

    async def server_version(self) -> str:
        """Name the versions of diskcache and SQLite."""
        return f"diskcache {version('diskcache')}, SQLite {sqlite_version}"


def _read_entry(cache: Cache, key: RecordKey) -> AggregateRecord | None:
    """Read the key's entry. Raises `RecordUnusableError` if it is no record of the key."""
    blob = read_value(cache, key.text())
    if blob is None:
        return None
    return AggregateRecord.from_bytes(blob, key=key)


def _read_usable_many(cache: Cache, keys: Sequence[RecordKey]) -> dict[RecordKey, AggregateRecord]:
    entries = ((key, usable(_read_entry, cache, key)) for key in keys)
    return {key: record for key, record in entries if record is not None}
