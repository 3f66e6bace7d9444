"""The cache backend: reads and writes records on the servers."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from uuid import uuid4

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    RecordCacheBackend,
    RecordKey,
    Stamp,
    usable,
)
from interlock_redis_cache.changes import Changes, channel_name, message_of
from interlock_redis_cache.client import Client
from interlock_redis_cache.config import RedisConfig
from interlock_redis_cache.entries import checksum_of, from_entry, stamp_digest, to_entry
from interlock_redis_cache.scripts import PUT, REMOVE, Outcome


class RedisAggregateCacheBackend(RecordCacheBackend):
    """Keeps records as strings in Redis or Valkey, see `interlock.backends.CacheStore`.

    Also a `ChangeNotifier`: reports other processes' changes to a tier in front of it.
    """

    def __init__(self, config: RedisConfig, *, chance: Callable[[], float] = random.random) -> None:
        self.timeout = config.timeout
        self.required = config.required
        self._config = config
        self._chance = chance
        self._client = Client(config)
        self._changes: Changes | None = None
        self._channel = channel_name(config) if config.notify else b""
        self._origin = b""

    async def open(self) -> None:
        """Connect and send a command, which fails if the configuration is wrong."""
        # Named here and not before: processes that fork from one after this are told apart.
        self._origin = uuid4().hex.encode()
        await self._client.execute("GET", "interlock:")

    async def close(self) -> None:
        """Stop reporting changes, and disconnect."""
        self._client.check_loop()
        if self._changes is not None:
            await self._changes.close()
            self._changes = None
        # Its locks and connections belong to this event loop; the next opening may be another's.
        client, self._client = self._client, Client(self._config)
        await client.close()

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        entry = await self._client.execute("GET", key.text())
        return None if entry is None else from_entry(entry, key)

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        asked = list(dict.fromkeys(keys))
        if not asked:
            return {}
        entries = await self._client.get_many([key.text() for key in asked])
        records = (
            usable(from_entry, entry, key)
            for key, entry in zip(asked, entries, strict=True)
            if entry is not None
        )
        return {record.key: record for record in records if record is not None}

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        entry = to_entry(record)
        largest = self._config.max_value_size
        await self.check_size(key, entry, largest, advice="its max_value_size: raise it")
        text = key.text()
        superseded = [stamp_digest(stamp) for stamp in supersedes]
        put = (entry, self._ttl(), self._channel, message_of(self._origin, text))
        outcome, left = await self._client.run(PUT, text, *put, b"", *superseded)
        if outcome != Outcome.STORED and usable(from_entry, left, key) is None:
            # No reader takes the entry that the script left: it is put over.
            unusable_checksum = checksum_of(left)
            outcome, _ = await self._client.run(PUT, text, *put, unusable_checksum, *superseded)
        if outcome == Outcome.NEWER_STANDS and self._changes is not None:
            # Whoever wrote it told so before; what is put now must not outlive that in a tier.
            self._changes.changed(text)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        text = key.text()
        wanted = b"" if stamp is None else stamp_digest(stamp)
        await self._client.run(REMOVE, text, wanted, self._channel, message_of(self._origin, text))

    async def watch(self, changed: Callable[[str], None], reset: Callable[[], None]) -> None:
        # What the server drops by itself (expired, evicted, flushed) isn't told.
        self._changes = Changes(
            self._config, self._client.primaries, self._origin, changed=changed, reset=reset
        )
        await self._changes.start()

    async def server_version(self) -> str:
        """Ask for the server's product and version."""
        info = await self._client.execute("INFO", "server")
        if "valkey_version" in info:
            return f"Valkey {info['valkey_version']}"
        if "redis_version" not in info:
            raise BackendUnavailableError("the server doesn't tell its version")
        return f"Redis {info['redis_version']}"

    def _ttl(self) -> str:
        if self._config.ttl is None:
            return ""
        milliseconds = self._config.ttl.total_seconds() * 1_000
        return str(max(1, round(milliseconds * (1 - self._config.jitter * self._chance()))))
