"""What configuration says, as frozen values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from interlock._model.strategies import CacheStrategy, Freshness, SnapshotStrategy
from interlock._plugins.durations import Duration
from interlock._plugins.specs import BackendKind, BackendReference
from interlock._storage.codecs import Codec

Count = Annotated[int, Field(ge=1, le=2**63 - 1, strict=True)]


CALLABLE = r"^\w+(\.\w+)*:\w+(\.\w+)*$"
"""How a callable is named that makes an application, as in "shop.main:application"."""


def is_callable_name(text: str) -> bool:
    """Whether a text is of the form "module:callable"."""
    return re.fullmatch(CALLABLE, text) is not None


class ApplicationSettings(BaseModel):
    """What holds for the whole application: the table `[application]`."""

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

    close_timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    """How long closing waits for what is under way."""


class Limits(BaseModel):
    """What a load of an aggregate does while the snapshot store is down."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    on_unavailable: Literal["replay", "fail"] | None = None
    """What loads do meanwhile."""

    replay_limit: Count | None = None
    """How many events they fold at most; any number unless given."""


@dataclass(frozen=True, slots=True)
class AggregateSettings:
    """How one aggregate is loaded: the keyword arguments of `register_aggregate`; None is unset."""

    snapshot_strategy: SnapshotStrategy | None = None
    snapshot_backend: object = None
    cache_strategy: CacheStrategy | None = None
    cache_backend: object = None
    freshness: Freshness | None = None
    codec: Codec | str | None = None
    on_unavailable: Literal["replay", "fail"] | None = None
    replay_limit: int | None = None

    def over(self, other: Self | None) -> Self:
        """These, and the other's where these are unset."""
        if other is None:
            return self
        unset = {f.name for f in fields(self) if getattr(self, f.name) is None}
        return replace(self, **{name: getattr(other, name) for name in unset})


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
    default: AggregateSettings = field(default_factory=AggregateSettings)
    aggregates: Mapping[str, AggregateSettings] = field(default_factory=dict)
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
        for kind, key in (
            (BackendKind.SNAPSHOTS, "snapshot_backend"),
            (BackendKind.CACHE, "cache_backend"),
        ):
            named = self.named(kind)
            for name, reference in named.items():
                yield f"{key}s.{name}", kind, reference
            for aggregate, settings in {"default": self.default, **self.aggregates}.items():
                used = getattr(settings, key)
                if isinstance(used, str) and used not in named:
                    yield f"aggregates.{aggregate}.{key}", kind, BackendReference(used)
