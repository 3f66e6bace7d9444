"""Records, events and a mapper for the tests of stores in memory."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from interlock._model.aggregate import Aggregate
from interlock._storage.codecs import JsonCodec
from interlock._storage.record_mapper import AggregateMapper
from interlock._storage.records import AggregateRecord, Scope, StoredEvent

NOW = datetime(2030, 1, 1, tzinfo=UTC)


ID = UUID(int=1)


SCOPE = Scope("bank", 0, "Box", "r1")


KEY = SCOPE.key(ID)


class Box(Aggregate):
    items: list[str] = []


MAPPER = AggregateMapper(Box, SCOPE, JsonCodec())


def record(version: int, event: int | None = None, **changes: Any) -> AggregateRecord:
    made = AggregateRecord(
        namespace="bank",
        epoch=0,
        aggregate_type="Box",
        aggregate_id=ID,
        revision="r1",
        version=version,
        last_event_id=UUID(int=event or version),
        last_event_at=NOW,
        anchor_at=NOW,
        verified_at=NOW,
        taken_at=NOW,
        codec="json",
        payload=JsonCodec().encode(Box(id=ID, version=version, items=["x"])),
    )
    return made._replace(**changes)


def event(version: int, event_id: int | None = None) -> StoredEvent:
    return StoredEvent("Box", ID, version, UUID(int=event_id or version), "E", 1, NOW, b"{}", b"{}")
