"""A process that works on a cache.

Arguments: the directory, what to do (`write`, `stop-inside`), a seed. Lines come and go by the
standard streams.
"""

import asyncio
import random
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from diskcache import Cache  # type: ignore[import-untyped] # it ships no types

from interlock.backends import AggregateRecord, RecordKey, Scope
from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend
from interlock_diskcache_cache.config import DiskCacheConfig

SCOPE = Scope("default", 0, "Account", "r1")
KEYS = [SCOPE.key(UUID(int=number)) for number in range(8)]
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def record(key: RecordKey, version: int) -> AggregateRecord:
    """A record whose every part follows from key and version."""
    size = (version * 7919 + key.aggregate_id.int) % 50_000
    return AggregateRecord(
        namespace=key.namespace,
        epoch=key.epoch,
        aggregate_type=key.aggregate_type,
        aggregate_id=key.aggregate_id,
        revision=key.revision,
        version=version,
        last_event_id=UUID(int=version),
        last_event_at=_MOMENT,
        anchor_at=_MOMENT,
        verified_at=_MOMENT,
        taken_at=_MOMENT,
        codec="json",
        payload=b"%d " % version + b"x" * size,
    )


async def write(backend: DiskCacheAggregateCacheBackend, seed: str) -> None:
    """Put random versions, 0 of them until killed; tell which were put."""
    randomly = random.Random(seed)  # noqa: S311 # no secret
    left = int(await asyncio.to_thread(sys.stdin.readline))
    while left != 0:
        left -= 1
        number, version = randomly.randrange(len(KEYS)), randomly.randrange(1, 10_000)
        await backend.put(KEYS[number], record(KEYS[number], version))
        print(number, version, flush=True)  # noqa: T201 # what its parent reads


async def stop_inside(backend: DiskCacheAggregateCacheBackend, version: str) -> None:
    """Put, and stop after the row was written, before the commit, until told to go on."""
    thread = threading.get_ident()
    stored = Cache.set

    def set_and_stop(cache: Cache, *args: object, **options: object) -> object:
        result = stored(cache, *args, **options)
        assert threading.get_ident() != thread  # else the loop would stop
        print("inside", flush=True)  # noqa: T201 # as above
        sys.stdin.readline()
        return result

    Cache.set = set_and_stop
    await backend.put(KEYS[0], record(KEYS[0], int(version)))
    print("done", flush=True)  # noqa: T201 # as above


async def main(directory: Path, task: str, argument: str) -> None:
    """Open, do the task, close."""
    config = DiskCacheConfig(directory=directory, timeout=120)
    backend = DiskCacheAggregateCacheBackend(config)
    await backend.open()
    await {"write": write, "stop-inside": stop_inside}[task](backend, argument)
    await backend.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
