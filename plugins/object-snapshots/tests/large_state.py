"""`python large_state.py URL put|read`: how many times the state's size a call takes at most."""

import asyncio
import resource
import sys
from datetime import UTC, datetime
from uuid import UUID

from interlock.backends import AggregateRecord, RecordKey
from interlock_object_snapshots.backend import ObjectSnapshotBackend
from interlock_object_snapshots.config import ObjectSnapshotsConfig

SIZE = 100 * 2**20


def _highest() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def main(url: str, call: str) -> None:
    """Put or read one record, and print the growth of what the process holds at its highest."""
    now, key = datetime.now(UTC), RecordKey("shop", 0, "Order", UUID(int=1), "r1")
    backend = ObjectSnapshotBackend(ObjectSnapshotsConfig(url=url, timeout="600s"))
    await backend.open()
    if call == "put":
        payload = b"x" * SIZE
        before = _highest()
        await backend.put(
            key,
            AggregateRecord(
                "shop",
                0,
                "Order",
                key.aggregate_id,
                "r1",
                1,
                UUID(int=2),
                now,
                now,
                now,
                now,
                "json",
                payload,
            ),
        )
    else:
        before = _highest()
        assert await backend.read(key) is not None
    sys.stdout.write(f"{(_highest() - before) / SIZE}")
    await backend.close()


asyncio.run(main(*sys.argv[1:]))
