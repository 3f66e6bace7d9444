"""The cache backend: reads and writes records on the servers."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    RecordCacheBackend,
    RecordKey,
    Stamp,
    usable,
)
from interlock_memcached_cache import entries
from interlock_memcached_cache.client import Node
from interlock_memcached_cache.config import MemcachedConfig
from interlock_memcached_cache.connection import Connection, tls_context
from interlock_memcached_cache.ring import Ring

_LONGEST_RELATIVE = 60 * 60 * 24 * 30
_LATEST = 2**31 - 1


class MemcachedAggregateCacheBackend(RecordCacheBackend):
    """Caches records on memcached servers, see `interlock.backends.CacheStore`.

    `clock` is the Unix time, by which entries that live more than 30 days expire; `monotonic` is
    for the time for which a server that failed is left alone.
    """

    def __init__(
        self,
        config: MemcachedConfig,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeout = config.timeout
        self.required = config.required
        self.clock = clock
        self._ttl = None if config.ttl is None else int(config.ttl.total_seconds())
        context = tls_context(config.tls)
        self._ring = Ring(
            Node(
                server,
                partial(Connection, server, config, context),
                pool_size=config.pool_size,
                retry_interval=config.retry_interval.total_seconds(),
                clock=monotonic,
            )
            for server in config.servers
        )

    async def open(self) -> None:
        """Ask every server for its version.

        Raises `BackendUnavailableError` if one can't be reached; the others' keys are served then,
        unless the cache is `required`.
        """
        for node in self._ring.nodes:
            node.open()
        try:
            await self._versions()
        except BackendUnavailableError:
            if self.required:
                await self.close()
            raise
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect once running calls have ended."""
        await asyncio.gather(*(node.close() for node in self._ring.nodes))

    async def server_version(self) -> str:
        """Ask the servers for their versions, and list the different ones."""
        return f"memcached {', '.join(sorted(set(await self._versions())))}"

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        text = key.text()
        value = await self._ring.node(text).run(partial(entries.get, key=text))
        return None if value is None else AggregateRecord.from_bytes(value, key=key)

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        shares: defaultdict[Node, dict[str, RecordKey]] = defaultdict(dict)
        for key in keys:
            text = key.text()
            shares[self._ring.node(text)][text] = key
        asked = [node.run(partial(entries.get_many, keys=list(shares[node]))) for node in shares]
        records = (
            usable(AggregateRecord.from_bytes, value, key=share[text])
            for share, values in zip(shares.values(), await _gather_answers(asked), strict=True)
            for text, value in values.items()
        )
        return {record.key: record for record in records if record is not None}

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        node = self._ring.node(key.text())
        expire = self._expire()
        await node.run(lambda at: entries.put(at, key, record, supersedes, expire))

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        await self._ring.node(key.text()).run(lambda at: entries.remove(at, key, stamp))

    def _expire(self) -> int:
        if self._ttl is None:
            return 0
        if self._ttl <= _LONGEST_RELATIVE:
            return self._ttl
        # Beyond 30 days memcached takes the number for a Unix time, of 31 bits.
        return min(int(self.clock()) + self._ttl, _LATEST)

    async def _versions(self) -> Sequence[str]:
        answers = await asyncio.gather(
            *(node.run(entries.version) for node in self._ring.nodes), return_exceptions=True
        )
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        unexpected = [f for f in failures if not isinstance(f, BackendUnavailableError)]
        if unexpected:
            raise unexpected[0]
        if failures:
            raise BackendUnavailableError("; ".join(map(str, failures))) from failures[0]
        return [answer for answer in answers if isinstance(answer, str)]


async def _gather_answers(
    asked: Sequence[Awaitable[Mapping[str, bytes]]],
) -> Sequence[Mapping[str, bytes]]:
    """Wait for the servers' answers; a failed server's is empty, and if all fail that is raised."""
    if len(asked) == 1:
        return [await asked[0]]  # no task is needed
    answers = await asyncio.gather(*asked, return_exceptions=True)
    found: list[Mapping[str, bytes]] = []
    for answer in answers:
        if isinstance(answer, BackendUnavailableError):
            found.append({})
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found.append(answer)
    failures = [answer for answer in answers if isinstance(answer, BackendUnavailableError)]
    if answers and len(failures) == len(answers):
        raise failures[0]
    return found
