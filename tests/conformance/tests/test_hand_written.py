"""Plain classes as one writes them at first, and the verdicts that they deserve."""

from typing import Any
from uuid import UUID

from interlock.domain import Aggregate
from interlock_conformance import PlainCacheConformance, PlainSnapshotConformance
from interlock_conformance.outcomes import Outcome, Result, make_check


class RedisCache:
    """Has the id alone for a key."""

    def __init__(self, entries: dict[str, str]) -> None:
        self.entries = entries

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        data = self.entries.get(f"agg:{aggregate_id}")
        return Aggregate.model_validate_json(data) if data else None

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        self.entries[f"agg:{aggregate.id}"] = aggregate.model_dump_json()

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        self.entries.pop(f"agg:{aggregate_id}", None)


class TypedRedisCache(RedisCache):
    """Has the type in its key too."""

    def __init__(self, entries: dict[str, str], aggregate_type: type[Aggregate]) -> None:
        super().__init__(entries)
        self.name = aggregate_type.__name__

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        data = self.entries.get(f"{self.name}:{aggregate_id}")
        return Aggregate.model_validate_json(data) if data else None

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        self.entries[f"{self.name}:{aggregate.id}"] = aggregate.model_dump_json()

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        self.entries.pop(f"{self.name}:{aggregate_id}", None)


class PostgresSnapshots:
    """One row for an aggregate, in the place of the last."""

    def __init__(self, rows: dict[str, Any], aggregate_type: type[Aggregate]) -> None:
        self.rows = rows
        self.aggregate_type = aggregate_type

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        self.rows[str(aggregate.id)] = (aggregate.version, aggregate.model_dump_json())

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        version, data = self.rows.get(str(aggregate_id), (0, None))
        if data and (intended_version is None or version <= intended_version):
            return self.aggregate_type.model_validate_json(data)
        return None


class CacheSuite(PlainCacheConformance):
    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    def backend(self) -> RedisCache:
        return RedisCache(self.entries)


class TypedCacheSuite(PlainCacheConformance):
    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    def backend(self, aggregate_type: type[Aggregate]) -> RedisCache:
        return TypedRedisCache(self.entries, aggregate_type)


class SnapshotSuite(PlainSnapshotConformance):
    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}

    async def backend(self, aggregate_type: type[Aggregate]) -> PostgresSnapshots:
        return PostgresSnapshots(self.rows, aggregate_type)


def failures(suite: Any) -> dict[str, Result]:
    results = [make_check(check, suite) for check in suite.interlock_checks]
    return {
        result.check.id: result
        for result in results
        if result.outcome not in (Outcome.PASSED, Outcome.NOT_APPLICABLE)
    }


def test_a_cache_with_the_id_alone_for_a_key_mixes_types() -> None:
    found = failures(CacheSuite())
    assert list(found) == ["CACHE-013"]
    assert found["CACHE-013"].outcome is Outcome.FAILED
    assert "the backend returned a Diary" in found["CACHE-013"].reason
    assert "takes `aggregate_type` in its constructor" in found["CACHE-013"].reason


def test_a_cache_with_the_type_in_its_key_fails_nothing() -> None:
    assert failures(TypedCacheSuite()) == {}


def test_snapshots_in_one_row_are_replaced_by_older_ones_and_by_other_types() -> None:
    found = failures(SnapshotSuite())
    assert list(found) == ["SNAP-004", "SNAP-013"]
    assert {result.outcome for result in found.values()} == {Outcome.FAILED}
    assert "happened: version 3 of" in found["SNAP-004"].reason
    assert "keep rows by version and read the newest" in found["SNAP-004"].reason


def test_what_the_plain_protocols_cannot_say_is_listed() -> None:
    carried = {check.id for check in PlainCacheConformance.interlock_checks}
    not_carried = {check.id for check in PlainCacheConformance.interlock_not_carried}
    assert "CACHE-003" in carried
    assert "CACHE-007" in not_carried
    assert not carried & not_carried
