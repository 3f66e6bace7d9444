"""A process that appends to shared streams, and prints what was accepted.

Arguments: the URL, the table, the events of a command, the commands (0: until it is killed, -1: one
for each line that it is given), the streams' ids.
"""

import asyncio
import random
import sys
from datetime import UTC, datetime
from uuid import UUID, uuid4

from interlock.backends import ConcurrencyError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig


async def append(store: SQLAlchemyEventStore, aggregate_id: UUID, size: int) -> list[UUID]:
    while True:
        head = await store.head("Account", aggregate_id)
        first = 1 if head is None else head[0] + 1
        events = [
            StoredEvent(
                "Account", aggregate_id, version, uuid4(), "E", 1, datetime.now(UTC), b"{}", b"{}"
            )
            for version in range(first, first + size)
        ]
        try:
            await store.append(events, after=head)
        except ConcurrencyError:
            continue
        return [event.event_id for event in events]


async def main(url: str, table: str, size: int, commands: int, ids: list[UUID]) -> None:
    store = SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=url, table=table))
    await store.open()
    done = 0
    while sys.stdin.readline() if commands < 0 else not commands or done < commands:
        accepted = await append(store, random.choice(ids), size)  # noqa: S311 # no secret
        print(*accepted, flush=True)  # noqa: T201 # what its parent reads
        done += 1
    await store.close()


url, table, size, commands, *ids = sys.argv[1:]
asyncio.run(main(url, table, int(size), int(commands), [UUID(text) for text in ids]))
