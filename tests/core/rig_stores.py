"""Stores that do what a test says at each of their calls: wait at a gate, fail, go on."""

import asyncio
from collections import defaultdict, deque
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from typing import Any, Self
from uuid import UUID, uuid4

from interlock._storage.memory import InMemoryEventStore
from interlock.application.aggregates import (
    AggregateCacheBackend,
    AggregateSnapshotStorageBackend,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
)
from interlock.backends import AggregateRecord, EventRow, RecordKey, Stamp, StoredEvent
from interlock.domain import Aggregate
from rig_domain import ID, Deposited

Step = BaseException | Callable[[], Awaitable[object]] | None


class Gate:
    """Where a call waits until the test opens it; as a block, until that ends, however it does."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.opened.set()

    async def __call__(self) -> None:
        self.reached.set()
        await self.opened.wait()


class Scripted:
    """Notes its calls, and takes the step that the test put down for the next one of a kind."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.calls: list[str] = []
        self.down: set[str] = set()
        self._steps: defaultdict[str, deque[Step]] = defaultdict(deque)

    def then(self, call: str, *steps: Step) -> None:
        """The next calls of this kind raise these exceptions, or await these callables first."""
        self._steps[call].extend(steps)

    def hold(self, call: str) -> Gate:
        """The next call of this kind waits at the gate."""
        gate = Gate()
        self.then(call, gate)
        return gate

    async def at(self, call: str) -> None:
        """Do what was put down for this call."""
        self.calls.append(call)
        if call in self.down:
            raise OSError(f"{call}: the server is down")
        step = self._steps[call].popleft() if self._steps[call] else None
        if isinstance(step, BaseException):
            raise step
        if step is not None:
            await step()


class Events(Scripted, InMemoryEventStore):
    """Calls: `append`, `appended` once it is stored, `read`, `read_many`, `head`, `delete`.

    `reading` comes for each chunk of either read.
    """

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        await self.at("append")
        await super().append(events, after=after)
        await self.at("appended")

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        await self.at("read")
        async for rows in super().read(aggregate_type, aggregate_id, first=first, last=last):
            await self.at("reading")
            yield rows

    async def read_many(
        self, aggregate_type: str, first: Mapping[UUID, int]
    ) -> AsyncIterator[tuple[UUID, Sequence[EventRow]]]:
        await self.at("read_many")
        async for chunk in super().read_many(aggregate_type, first):
            await self.at("reading")
            yield chunk

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        await self.at("head")
        return await super().head(aggregate_type, aggregate_id)

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        await self.at("delete")
        return await super().delete(aggregate_type, aggregate_id, below=below)

    def rows(self, aggregate_id: UUID = ID) -> list[EventRow]:
        """What is stored."""
        return list(self._streams.get(("Account", aggregate_id), []))

    def roll_back(self, to: int, aggregate_id: UUID = ID) -> None:
        """As if restored from a backup."""
        self._streams["Account", aggregate_id] = self.rows(aggregate_id)[:to]
        if to == 0:
            del self._streams["Account", aggregate_id]

    def restore(self, row: EventRow, aggregate_id: UUID = ID) -> None:
        """As another process appended it."""
        self._streams["Account", aggregate_id].append(row)

    def drop_below(self, version: int, aggregate_id: UUID = ID) -> None:
        """As if archived."""
        stream = self.rows(aggregate_id)
        self._streams["Account", aggregate_id] = [row for row in stream if row.version >= version]

    def write(self, *amounts: int, aggregate_id: UUID = ID) -> list[UUID]:
        """As another process appends."""
        stream = self._streams.setdefault(("Account", aggregate_id), [])
        ids = [uuid4() for _ in amounts]
        for event_id, amount in zip(ids, amounts, strict=True):
            payload = Deposited(amount=amount).model_dump_json().encode()
            version = stream[-1].version + 1 if stream else 1
            row = EventRow(
                version, event_id.bytes, "Deposited", 1, 1_900_000_000_000_000, b"{}", payload
            )
            stream.append(row)
        return ids


class Cache(Scripted, InMemoryAggregateCacheBackend):
    """Calls: `read`, `read_many` and its reads, `put`, `remove`."""

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        await self.at("read")
        return await super().read(key)

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        await self.at("read_many")
        return await super().read_many(keys)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self.at("put")
        await super().put(key, record, supersedes)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        await self.at("remove")
        await super().remove(key, stamp)

    @property
    def record(self) -> AggregateRecord | None:
        """The one entry."""
        return next(iter(self._records.values()), None)

    @property
    def found(self) -> AggregateRecord:
        """The one entry, which there is."""
        assert self.record is not None
        return self.record

    def evict(self) -> None:
        """Forget everything."""
        self._records.clear()

    def plant(self, record: AggregateRecord, **changes: Any) -> AggregateRecord:
        """Put a changed record in the place of what is there."""
        changed = record._replace(**changes)
        key = RecordKey("default", 0, "Account", changed.aggregate_id, "1")
        self._records[key] = changed
        return changed


class Snapshots(Scripted, InMemoryAggregateSnapshotStorageBackend):
    """Calls: `read`, `read_many` and its reads, `put`, `remove`, `revisions`, `forget`."""

    def __init__(self, *, keep: int = 10, **options: Any) -> None:
        super().__init__(keep=keep, **options)

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        await self.at("read")
        return await super().read(key, at_or_below)

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        await self.at("read_many")
        return await super().read_many(keys)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self.at("put")
        await super().put(key, record, supersedes)

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        await self.at("remove")
        await super().remove(key, stamp)

    async def revisions(self, key: RecordKey) -> Collection[str]:
        await self.at("revisions")
        return await super().revisions(key)

    async def forget(self, key: RecordKey) -> int:
        await self.at("forget")
        return await super().forget(key)

    def records(self, revision: str = "1") -> dict[int, AggregateRecord]:
        """What is stored of the one aggregate, by version."""
        return dict(
            self._revisions(RecordKey("default", 0, "Account", ID, revision)).get(revision, {})
        )

    async def plant(self, record: AggregateRecord, **changes: Any) -> AggregateRecord:
        """Store a changed record."""
        changed = record._replace(**changes)
        key = RecordKey("default", 0, "Account", changed.aggregate_id, changed.revision)
        await InMemoryAggregateSnapshotStorageBackend.put(self, key, changed)
        return changed


class Sharing(AggregateCacheBackend, AggregateSnapshotStorageBackend):
    """A plain class that keeps and hands out the very object it was given."""

    def __init__(self) -> None:
        self.kept: dict[UUID, Aggregate] = {}

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        return self.kept.get(aggregate_id)

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        self.kept[aggregate.id] = aggregate

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        self.kept.pop(aggregate_id, None)

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        found = self.kept.get(aggregate_id)
        if found is None or (intended_version is not None and found.version > intended_version):
            return None
        return found

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        self.kept[aggregate.id] = aggregate
