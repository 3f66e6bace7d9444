"""One registered aggregate, as its loads and commands see it."""

from dataclasses import dataclass

from interlock._model.aggregate import Aggregate
from interlock._model.routes import Routes
from interlock._model.strategies import CacheStrategy, Freshness, SnapshotStrategy
from interlock._storage.record_mapper import AggregateMapper
from interlock._storage.records import Scope


@dataclass(frozen=True, slots=True)
class Registration:
    """One registered aggregate, with every option resolved."""

    aggregate_type: type[Aggregate]
    routes: Routes
    mapper: AggregateMapper
    snapshot_scope: Scope
    reads_revisions: tuple[str, ...]
    snapshot_strategy: SnapshotStrategy
    cache_strategy: CacheStrategy
    freshness: Freshness
    fails_without_snapshots: bool
    replay_limit: int | None
    is_always_limited: bool
    snapshots_long_replays: bool
    shadow: float

    @property
    def name(self) -> str:
        """The stored name of the type."""
        return self.routes.name
