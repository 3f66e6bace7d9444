"""Backends as a user writes them by hand: one keeps the stamped JSON, one keeps copies."""

from copy import deepcopy
from typing import Any
from uuid import UUID

from interlock.application.aggregates import AggregateCacheBackend, AggregateSnapshotStorageBackend
from interlock.domain import Aggregate


class OfText(AggregateCacheBackend, AggregateSnapshotStorageBackend):
    """Keeps what `model_dump_json` says."""

    def __init__(self) -> None:
        self._kept: dict[UUID, dict[int, Any]] = {}

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        return await self.load_snapshot(aggregate_id)

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        self._kept[aggregate.id] = {}
        await self.save_snapshot(aggregate)

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        self._kept.pop(aggregate_id, None)

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        kept = self._kept.setdefault(aggregate.id, {})
        kept[aggregate.version] = self.written(aggregate)

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        kept = self._kept.get(aggregate_id, {})
        versions = [v for v in kept if intended_version is None or v <= intended_version]
        return self.read(kept[max(versions)]) if versions else None

    def written(self, aggregate: Aggregate) -> Any:
        return aggregate.model_dump_json()

    def read(self, kept: Any) -> Aggregate:
        return Aggregate.model_validate_json(kept)


class OfCopies(OfText):
    """Keeps a copy, and gives copies of it."""

    def written(self, aggregate: Aggregate) -> Any:
        return deepcopy(aggregate)

    def read(self, kept: Any) -> Aggregate:
        found: Aggregate = deepcopy(kept)
        return found
