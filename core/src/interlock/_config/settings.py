"""The settings of an application, as frozen values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from interlock._model.strategies import (
    CacheStrategy,
    Freshness,
    NeverCache,
    NeverSnapshot,
    SnapshotStrategy,
    Trust,
)
from interlock._plugins.durations import Duration
from interlock._plugins.sources import CacheBackendSource, SnapshotBackendSource
from interlock._plugins.specs import BackendKind, BackendReference, StrategyKind
from interlock._storage.codecs import Codec, JsonCodec
from interlock._storage.memory import (
    NullAggregateCacheBackend,
    NullAggregateSnapshotStorageBackend,
)

Count = Annotated[int, Field(ge=1, le=2**63 - 1, strict=True)]


CALLABLE = r"^\w+(\.\w+)*:\w+(\.\w+)*$"
"""How a callable is named that makes an application, as in "shop.main:application"."""


def is_callable_name(text: str) -> bool:
    """Whether a text is of the form "module:callable"."""
    return re.fullmatch(CALLABLE, text) is not None


class ApplicationSettings(BaseModel):
    """The settings of the whole application: the table `[application]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    namespace: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$")] = "default"
    """Keeps apart what shares event stores, snapshot stores and caches; no control characters."""

    epoch: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)] = 0
    """Part of every cache key: raise it after the event store was restored from a backup."""

    floor_size: Count = 10_000
    """For how many ids of an aggregate type the process keeps what it committed or returned."""

    max_attempts: Count = 10
    """How often a command is tried while other writers are faster."""

    queue_size: Count = 1_000
    """How many commands may wait for one id."""

    snapshot_queue_size: Count = 1_000
    """How many ids of an aggregate type may have a snapshot that waits to be written."""

    replay_slots: Count = 2
    """How many long replays the process makes at once; the others wait, loads behind commands."""

    replay_long: Count = 10_000
    """How many events a replay folds before it counts as long."""

    breaker_failures: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)] = 3
    """After how many failures in a row a cache or snapshot store isn't asked for a while; 0: never.

    Only those count that were waited for.
    """

    breaker_rest_max: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    """How long it isn't asked at most; then one call at a time tries it."""

    archive: Annotated[str, Field(min_length=1)] | None = None
    """The folder to which first events of streams are archived, and from which they are read."""

    close_timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    """How long closing waits for what is under way."""


OptionKind = BackendKind | StrategyKind | Literal["codec", "freshness"]


@dataclass(frozen=True, slots=True)
class Named:
    """Marks an option whose value TOML names: of what kind it is, and its default's name.

    pydantic leaves such a value alone: it was checked by whoever made it.
    """

    kind: OptionKind
    default: str

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        """Take any value."""
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Tell the kind and the name of the default, in the terms of TOML."""
        return {"title": self._title(), "default": self.default}

    def _title(self) -> str:
        if isinstance(self.kind, BackendKind):
            return "name of a backend"
        return f"{self.kind} strategy" if isinstance(self.kind, StrategyKind) else self.kind


class AggregateOptions(BaseModel):
    """How one aggregate is loaded: the one table of these options (ADR 0014).

    The keywords of `register_aggregate`, the tables `[aggregates.*]`, their JSON Schema,
    `interlock config show` and the reference follow from it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    snapshot_strategy: Annotated[SnapshotStrategy, Named(StrategyKind.SNAPSHOT, "never")] = (
        NeverSnapshot()
    )
    """When a snapshot is taken."""

    snapshot_backend: Annotated[
        SnapshotBackendSource, Named(BackendKind.SNAPSHOTS, "null-snapshots")
    ] = NullAggregateSnapshotStorageBackend
    """The snapshot store: a backend that the file names, or one that needs no options."""

    cache_strategy: Annotated[CacheStrategy, Named(StrategyKind.CACHE, "never")] = NeverCache()
    """Which states are cached."""

    cache_backend: Annotated[CacheBackendSource, Named(BackendKind.CACHE, "null-cache")] = (
        NullAggregateCacheBackend
    )
    """The cache: a backend that the file names, or one that needs no options."""

    freshness: Annotated[Freshness, Named("freshness", "trust")] = Trust()
    """How fresh a cached state has to be for a load to return it."""

    codec: Annotated[Codec | str, Named("codec", "json")] = JsonCodec()
    """How a state becomes a record's bytes."""

    on_unavailable: Literal["replay", "fail"] = "replay"
    """What loads do while the snapshot store is down; to fail is a `BackendUnavailableError`."""

    replay_limit: Count | None = None
    """How many events a load replays at most while it is down; any number unless given."""

    replay_limit_holds: Literal["outage", "always"] = "outage"
    """When `replay_limit` holds: while the snapshot store is down, or at all times."""

    snapshot_long_replays: bool = True
    """Whether a long replay leaves a snapshot, whatever the strategy says but `NeverSnapshot`."""

    shadow: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Which share of the cache's hits is replayed behind the answers, and compared; 0.001, say.

    An entry that isn't what its events give is counted, logged and removed.
    """

    @classmethod
    def kinds(cls) -> Mapping[str, OptionKind]:
        """The options whose values TOML names, and of what kind these are."""
        return {
            name: mark.kind
            for name, option in cls.model_fields.items()
            for mark in option.metadata
            if isinstance(mark, Named)
        }

    def over(self, other: Self | None) -> Self:
        """These, and the other's where these are unset."""
        if other is None:
            return self
        return other.model_copy(
            update={name: getattr(self, name) for name in self.model_fields_set}
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. `source` is the file that it came from, `profile` the profile that was chosen.

    `app` says where the application is made, as "module:callable". `table` is what stood in the
    file, the profile merged and everything filled in.
    """

    application: ApplicationSettings = field(default_factory=ApplicationSettings, repr=False)
    app: str | None = None
    extensions: tuple[str, ...] = ()
    event_store: BackendReference | None = None
    snapshot_backends: Mapping[str, BackendReference] = field(default_factory=dict)
    cache_backends: Mapping[str, BackendReference] = field(default_factory=dict)
    default: AggregateOptions = field(default_factory=AggregateOptions)
    aggregates: Mapping[str, AggregateOptions] = field(default_factory=dict)
    source: str | None = None
    profile: str | None = None
    table: Mapping[str, Any] = field(default_factory=dict, repr=False)  # Any: TOML values

    def named(self, kind: BackendKind) -> Mapping[str, BackendReference]:
        """The instances of the kind that have a name of their own."""
        if kind is BackendKind.SNAPSHOTS:
            return self.snapshot_backends
        return self.cache_backends if kind is BackendKind.CACHE else {}

    def backends(self) -> Iterator[tuple[str, BackendKind, BackendReference]]:
        """Every backend that is configured, with its place in the TOML."""
        if self.event_store is not None:
            yield "event_store", BackendKind.EVENTS, self.event_store
        for kind, section in (
            (BackendKind.SNAPSHOTS, "snapshot_backends"),
            (BackendKind.CACHE, "cache_backends"),
        ):
            named = self.named(kind)
            for name, reference in named.items():
                yield f"{section}.{name}", kind, reference
            for aggregate, options in {"default": self.default, **self.aggregates}.items():
                for key, of in options.kinds().items():
                    used = getattr(options, key)
                    if of is kind and isinstance(used, str) and used not in named:
                        yield f"aggregates.{aggregate}.{key}", kind, BackendReference(used)
