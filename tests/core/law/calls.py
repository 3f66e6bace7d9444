"""What a run of the law does: a plan, calls of an application, and what goes on outside of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from interlock._model.strategies import Freshness
from interlock.application.aggregates import (
    FastForward,
    MaxAge,
    Trust,
)
from interlock.domain import Aggregate, Command

IDS = (UUID(int=1), UUID(int=2))
Kind = Literal["records", "json", "objects"]
Subject = tuple[type[Aggregate], UUID]
Where = Literal["cache", "snapshots", "events"]
CONSULTING = (Trust(), MaxAge(timedelta(seconds=10)), FastForward(), FastForward())


@dataclass(frozen=True)
class Setup:
    """How one process loads and keeps."""

    snapshot_strategy: Any
    cache_strategy: Any
    freshness: Freshness
    codec: str
    on_unavailable: Literal["replay", "fail"]
    replay_limit: int | None


@dataclass(frozen=True)
class Plan:
    """What two processes consist of."""

    setups: tuple[Setup, Setup]
    cache: Kind
    snapshots: Kind
    is_cache_shared: bool
    timeout: timedelta | None
    turns: int
    chunk: int
    keep: int
    reads_ahead: bool
    confirms_heads: bool


@dataclass(frozen=True)
class Dispatch:
    process: int
    command: Command[Any]


@dataclass(frozen=True)
class Load:
    """`freshness` None is the registered one; `version` counts from the head, which is 0."""

    process: int
    subject: Subject
    freshness: Freshness | None = None
    version: int | None = None


@dataclass(frozen=True)
class LoadMany:
    """Of one type, at once; an id may be named twice."""

    process: int
    cls: type[Aggregate]
    ids: tuple[UUID, ...]
    freshness: Freshness | None = None


@dataclass(frozen=True)
class Events:
    process: int
    subject: Subject


@dataclass(frozen=True)
class Forget:
    """What is derived; nobody notices."""

    process: int
    subject: Subject


Call = Dispatch | Load | LoadMany | Events | Forget


@dataclass(frozen=True)
class Together:
    """Calls that are under way at the same time; each begins so many loop turns late."""

    calls: tuple[Call, ...]
    delays: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outside:
    """A writer that isn't one of the two processes."""

    commands: tuple[Command[Any], ...]


@dataclass(frozen=True)
class Restore:
    """The stream ends this much earlier; then another branch grows."""

    subject: Subject
    loses: int
    commands: tuple[Command[Any], ...]


@dataclass(frozen=True)
class Arm:
    where: Where
    fault: str


@dataclass(frozen=True)
class Wait:
    """The clock goes on, or jumps back by a year."""

    seconds: int
    jumps_back: bool = False


@dataclass(frozen=True)
class Evict:
    where: Literal["cache", "snapshots"]


@dataclass(frozen=True)
class Restart:
    process: int


@dataclass(frozen=True)
class ForgetAll:
    """The events too."""

    process: int
    subject: Subject


Step = Together | Outside | Restore | Arm | Wait | Evict | Restart | ForgetAll
