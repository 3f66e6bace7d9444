"""`python long_stream.py fill|tracemalloc|rss FOLDER LENGTH`: fill long streams, or load one.

A load prints its peak memory in bytes: what Python allocated, or the process's resident set.
"""

import asyncio
import gc
import resource
import sys
import tracemalloc
from datetime import UTC, datetime
from uuid import UUID, uuid4

from interlock.application import ApplicationBuilder
from interlock.backends import StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from teller import Account, Deposited

_LENGTHS = (1, 20_000, 200_000)
_BATCH = 10_000
_KIBIBYTE = 1_024


def _store(folder: str) -> SQLAlchemyEventStore:
    return SQLAlchemyEventStore(
        SQLAlchemyEventsConfig(
            url=f"sqlite:///{folder}/streams.db", create_schema=True, synchronous="OFF"
        )
    )


def _events(stream: UUID, first: int) -> list[StoredEvent]:
    payload = Deposited(amount=1).model_dump_json().encode()
    now = datetime.now(UTC)
    return [
        StoredEvent("Account", stream, version, uuid4(), "Deposited", 1, now, b"{}", payload)
        for version in range(first, first + _BATCH)
    ]


async def fill(folder: str) -> None:
    """Store a stream of each length, under the length as its id."""
    store = _store(folder)
    await store.open()
    for length in _LENGTHS:
        after = None
        for first in range(1, length + 1, _BATCH):
            events = _events(UUID(int=length), first)[: length - first + 1]
            await store.append(events, after=after)
            after = (events[-1].version, events[-1].event_id)
    await store.close()


async def peak(folder: str, length: int, *, traced: bool) -> int:
    """Load one stream, after a short one has warmed up."""
    app = (
        ApplicationBuilder()
        .register_event_store(_store(folder))
        .register_aggregate(Account)
        .build()
    )
    async with app:
        await app.load(Account, UUID(int=1))
        gc.collect()
        if traced:
            tracemalloc.start()
        account = await app.load(Account, UUID(int=length))
        if account.version != length:
            raise AssertionError(f"loaded version {account.version} of {length}")
        if traced:
            return tracemalloc.get_traced_memory()[1]
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE


if __name__ == "__main__":
    what, where, how_many = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if what == "fill":
        asyncio.run(fill(where))
    else:
        sys.stdout.write(str(asyncio.run(peak(where, how_many, traced=what == "tracemalloc"))))
