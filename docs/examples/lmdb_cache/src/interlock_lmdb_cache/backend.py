"""Moves records."""

import asyncio
import math
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

import lmdb
from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    RecordCacheBackend,
    RecordKey,
    Stamp,
    replaces,
    translated,
    usable,
)

from interlock_lmdb_cache.config import LmdbCacheConfig
from interlock_lmdb_cache.entries import Entries, Transaction, acquire, release

Work = Callable[[Entries, Transaction], None]


class LmdbCacheBackend(RecordCacheBackend):
    """A cache in an LMDB file, see `interlock.backends.CacheStore`. `clock` is the Unix time.

    Reads take microseconds and wait for nobody: they run on the loop's thread. Writes hop.
    """

    def __init__(self, config: LmdbCacheConfig) -> None:
        self.timeout = config.timeout
        self.clock: Callable[[], float] = time.time
        self._directory = config.directory
        self._name = f"the cache in {config.directory}"
        self._size_limit = config.size_limit
        self._largest = config.size_limit // 32
        self._ttl = math.inf if config.ttl is None else config.ttl.total_seconds()
        self._entries: Entries | None = None
        self._writer: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """Make the file if it is missing. If that fails, each put tries again."""
        self._writer = ThreadPoolExecutor(1, "interlock-lmdb")
        await self._write(lambda *_: None)

    async def close(self) -> None:
        """Close the file, after the writes that were handed over."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.get_running_loop().run_in_executor(writer, self._release)
            writer.shutdown()

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        entries = self._entries
        if entries is None:
            raise BackendUnavailableError(f"{self._name} isn't open")
        with translated(lmdb.Error, where=self._name), entries.reading() as txn:
            return self._found(entries, txn, key)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        blob = record.to_bytes()
        await self.check_size(key, blob, self._largest, advice="a 32nd of size_limit: raise it")

        def put(entries: Entries, txn: Transaction) -> None:
            if replaces(usable(self._found, entries, txn, key), record, supersedes):
                entries.set(txn, _name(key), self.clock() + self._ttl, blob)

        await self._write(put)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        def remove(entries: Entries, txn: Transaction) -> None:
            found = None if stamp is None else usable(self._found, entries, txn, key)
            if stamp is None or (found is not None and found.stamp == stamp):
                entries.delete(txn, _name(key))

        await self._write(remove)

    async def server_version(self) -> str:
        """The version of the LMDB library."""
        return "LMDB " + ".".join(map(str, lmdb.version()))

    async def _write(self, work: Work) -> None:
        """Do the work in the thread, as one transaction."""
        if self._writer is None:
            raise BackendUnavailableError(f"{self._name} isn't open")
        await asyncio.get_running_loop().run_in_executor(self._writer, self._transact, work)

    def _transact(self, work: Work) -> None:
        with translated(lmdb.Error, OSError, where=self._name):
            entries = self._entries
            if entries is None:
                entries = self._entries = acquire(self._directory, self._size_limit)
            try:
                with entries.writing() as txn:
                    work(entries, txn)
            except lmdb.MapFullError as error:
                with entries.writing() as txn:
                    entries.clear(txn)
                raise BackendUnavailableError(
                    f"{self._name} was full and starts anew; raise size_limit"
                ) from error

    def _found(self, entries: Entries, txn: Transaction, key: RecordKey) -> AggregateRecord | None:
        """The record. Raises `RecordUnusableError` for an entry that isn't one of this key."""
        entry = entries.get(txn, _name(key))
        if entry is None or self.clock() >= entry.ends:
            return None
        return AggregateRecord.from_bytes(entry.blob, key=key)

    def _release(self) -> None:
        entries, self._entries = self._entries, None
        if entries is not None:
            release(entries)


def _name(key: RecordKey) -> bytes:
    return key.text().encode()
