"""The backends, strategies and codecs of the core, registered like everybody's."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, InstanceOf

from interlock._model.strategies import (
    AllOf,
    AlwaysCache,
    AnyOf,
    CacheAfterVersion,
    NeverCache,
    NeverSnapshot,
    SnapshotAfterN,
    SnapshotAfterTime,
    SnapshotOnEvent,
    SnapshotStrategy,
    SnapshotWhenReplayed,
)
from interlock._plugins.durations import Duration, Ttl
from interlock._plugins.specs import (
    BackendKind,
    BackendSpec,
    Capability,
    CodecSpec,
    StrategyKind,
    StrategySpec,
    hookimpl,
)
from interlock._storage.codecs import JsonCodec, ZlibJsonCodec
from interlock._storage.memory import (
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
)
from interlock._storage.tiers import TieredAggregateCacheBackend

_HERE = __name__
Count = Annotated[int, Field(ge=1, strict=True)]
Strategies = list[InstanceOf[SnapshotStrategy]]


class MemorySnapshotsConfig(BaseModel):
    """The options of `memory-snapshots`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    keep: Count = 1
    """How many snapshots of a revision to keep of each aggregate, the newest."""

    keep_revisions: Count = 2
    """How many revisions to keep snapshots of, of each aggregate, the most recently taken."""


class MemoryCacheConfig(BaseModel):
    """The options of `memory-cache`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    size: Count = 10_000
    """How many states to keep, the most recently used."""

    ttl: Ttl = None
    """How long an entry lives after it was put."""


class TieredConfig(BaseModel):
    """The options of `tiered`."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    tiers: tuple[str, str]
    """The names of a memory-cache and of the cache behind it."""


def memory_snapshots(config: MemorySnapshotsConfig) -> InMemoryAggregateSnapshotStorageBackend:
    """The backend of the options."""
    return InMemoryAggregateSnapshotStorageBackend(
        keep=config.keep, keep_revisions=config.keep_revisions
    )


def memory_cache(config: MemoryCacheConfig) -> InMemoryAggregateCacheBackend:
    """The backend of the options."""
    return InMemoryAggregateCacheBackend(size=config.size, ttl=config.ttl)


def tiered(_: TieredConfig, local: object, shared: object) -> TieredAggregateCacheBackend:
    """The backend of the two tiers that the options name."""
    return TieredAggregateCacheBackend(local, shared)


@hookimpl
def interlock_register_backends() -> Iterable[BackendSpec]:
    """Null and memory."""
    memory, here = "interlock._storage.memory", _HERE
    yield BackendSpec(
        "memory-events",
        BackendKind.EVENTS,
        f"{memory}:InMemoryEventStore",
        capabilities=frozenset({Capability.READ_MANY}),
        summary="Streams of events in this process",
    )
    yield BackendSpec(
        "memory-snapshots",
        BackendKind.SNAPSHOTS,
        f"{here}:memory_snapshots",
        f"{here}:MemorySnapshotsConfig",
        summary="Snapshots in this process",
    )
    yield BackendSpec(
        "memory-cache",
        BackendKind.CACHE,
        f"{here}:memory_cache",
        f"{here}:MemoryCacheConfig",
        summary="The most recently used states, in this process",
    )
    yield BackendSpec(
        "tiered",
        BackendKind.CACHE,
        f"{here}:tiered",
        f"{here}:TieredConfig",
        parts="tiers",
        summary="A cache in this process before a shared one",
    )
    yield BackendSpec(
        "null-snapshots",
        BackendKind.SNAPSHOTS,
        f"{memory}:NullAggregateSnapshotStorageBackend",
        summary="No snapshots",
    )
    yield BackendSpec(
        "null-cache",
        BackendKind.CACHE,
        f"{memory}:NullAggregateCacheBackend",
        summary="No cache",
    )


@hookimpl
def interlock_register_strategies() -> Iterable[StrategySpec]:
    """The strategies that TOML can name."""
    factories = {
        StrategyKind.SNAPSHOT: (
            ("never", "never_snapshot", "No snapshots"),
            ("after-n", "after_n", "When n events have passed since the last one"),
            ("after-time", "after_time", "When a time has passed since the last one"),
            ("when-replayed", "when_replayed", "When a load has folded n events or more"),
            ("on-event", "on_event", "After events of some types"),
            ("any-of", "any_of", "When one of several strategies says so"),
            ("all-of", "all_of", "When each of several strategies says so"),
        ),
        StrategyKind.CACHE: (
            ("never", "never_cache", "No cache"),
            ("always", "always", "Every state"),
            ("after-version", "after_version", "States from a version on"),
        ),
    }
    for kind, names in factories.items():
        for name, factory, summary in names:
            yield StrategySpec(name, kind, f"{_HERE}:{factory}", summary=summary)


@hookimpl
def interlock_register_codecs() -> Iterable[CodecSpec]:
    """JSON, plain and compressed."""
    yield CodecSpec("json", f"{_HERE}:json", summary="JSON")
    yield CodecSpec("json+zlib", f"{_HERE}:json_zlib", summary="JSON, compressed by zlib")


def never_snapshot() -> NeverSnapshot:
    """`never`."""
    return NeverSnapshot()


def after_n(*, n: Annotated[Count, Field(description="How many events.")]) -> SnapshotAfterN:
    """`after-n`."""
    return SnapshotAfterN(n)


def after_time(*, delta: Annotated[Duration, Field(description="How long.")]) -> SnapshotAfterTime:
    """`after-time`."""
    return SnapshotAfterTime(delta)


def when_replayed(
    *, n: Annotated[Count, Field(description="How many events.")]
) -> SnapshotWhenReplayed:
    """`when-replayed`."""
    return SnapshotWhenReplayed(n)


def on_event(
    *, events: Annotated[list[str], Field(description="Their stored names.")]
) -> SnapshotOnEvent:
    """`on-event`."""
    return SnapshotOnEvent(*events)


def any_of(*, of: Annotated[Strategies, Field(description="The strategies.")]) -> AnyOf:
    """`any-of`."""
    return AnyOf(*of)


def all_of(*, of: Annotated[Strategies, Field(description="The strategies.")]) -> AllOf:
    """`all-of`."""
    return AllOf(*of)


def never_cache() -> NeverCache:
    """`never`."""
    return NeverCache()


def always() -> AlwaysCache:
    """`always`."""
    return AlwaysCache()


def after_version(
    *, version: Annotated[Count, Field(description="The first version.")]
) -> CacheAfterVersion:
    """`after-version`."""
    return CacheAfterVersion(version)


def json() -> JsonCodec:
    """`json`."""
    return JsonCodec()


def json_zlib(
    *,
    level: Annotated[int, Field(ge=0, le=9, description="From 0, none, to 9, smallest.")] = 6,
    max_bytes: Annotated[Count, Field(description="The largest state that is decoded.")] = 16
    * 1024
    * 1024,
) -> ZlibJsonCodec:
    """`json+zlib`."""
    return ZlibJsonCodec(level=level, max_bytes=max_bytes)
