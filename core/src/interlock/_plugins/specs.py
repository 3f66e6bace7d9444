"""The specs that plugins register, and the hooks by which they do so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pluggy

from interlock._engine.reports import Observer

PLUGIN_API = 1
"""The version of this module's contract. It is raised when a plugin has to change."""

hookspec = pluggy.HookspecMarker("interlock")
hookimpl = pluggy.HookimplMarker("interlock")


class BackendKind(StrEnum):
    """The kind of data that a backend keeps."""

    EVENTS = "events"
    SNAPSHOTS = "snapshots"
    CACHE = "cache"


class Capability(StrEnum):
    """What a backend may promise beside what it has to do; a promise is checked."""

    BOUNDED = "bounded"
    """It forgets when it is full."""

    DURABLE = "durable"
    """What was put is there after closing and after a kill."""

    HISTORY = "history"
    """Several versions of an aggregate are kept, and read at or below a bound."""

    NETWORK = "network"
    """It speaks to a server."""

    NOTIFIES = "notifies"
    """It tells of what others change."""

    READ_MANY = "read_many"
    """Many keys, or many streams, cost one round trip."""

    ROUND_TRIPS = "round_trips"
    """An attribute `round_trips` counts them."""

    SHARED = "shared"
    """Connections, threads and processes see the same records."""

    TTL = "ttl"
    """An entry lives for a time that is configured."""


class StrategyKind(StrEnum):
    """The kind of decision that a strategy makes."""

    SNAPSHOT = "snapshot"
    CACHE = "cache"


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """A backend, described without importing its driver.

    `factory` and `config` are import strings, "module:attribute": the factory is called with the
    validated instance of the config model, a pydantic model with `extra="forbid"`; without a model
    it is called with nothing. `parts` is the option that names other backends of the same kind, of
    which this one is made: the factory gets them too, in that order. `capabilities` are members of
    `Capability`, or names of one's own that begin with x-.
    """

    name: str
    kind: BackendKind
    factory: str
    config: str | None = None
    parts: str | None = None
    capabilities: frozenset[str] = field(default_factory=frozenset)
    plugin_api: int = PLUGIN_API
    summary: str = ""


@dataclass(frozen=True, slots=True)
class StrategySpec:
    """A strategy. `factory` is called with the options as keywords, validated by its annotations.

    An option `of` is a list of strategies of the same kind.
    """

    name: str
    kind: StrategyKind
    factory: str
    plugin_api: int = PLUGIN_API
    summary: str = ""


@dataclass(frozen=True, slots=True)
class CodecSpec:
    """A codec. `factory` is called with the options as keywords, validated by its annotations."""

    name: str
    factory: str
    plugin_api: int = PLUGIN_API
    summary: str = ""


@dataclass(frozen=True, slots=True)
class ExtensionSpec:
    """An extension: an object that implements hooks and registers no spec."""

    name: str
    plugin: object
    summary: str = ""


Spec = BackendSpec | StrategySpec | CodecSpec | ExtensionSpec


@dataclass(frozen=True, slots=True)
class BackendReference:
    """A backend by name, with its options. Which are secret its plugin knows; no text is shown."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)  # Any: what the plugin's model takes

    def __repr__(self) -> str:
        shown = {
            name: repr(value) if isinstance(value, bool | int | float) else "..."
            for name, value in self.options.items()
        }
        return f"backend({', '.join([repr(self.name), *(f'{n}={v}' for n, v in shown.items())])})"


def backend(name: str, /, **options: Any) -> BackendReference:
    """A backend by name, with its options, wherever a backend is registered."""
    return BackendReference(name, options)


class Hooks:
    """The hooks. Each is called when one of the names it may register is asked for."""

    @hookspec
    def interlock_register_backends(self) -> Iterable[BackendSpec]:  # type: ignore[empty-body] # a hookspec
        """Yield the plugin's backends."""

    @hookspec
    def interlock_register_strategies(self) -> Iterable[StrategySpec]:  # type: ignore[empty-body] # as above
        """Yield the plugin's strategies."""

    @hookspec
    def interlock_register_codecs(self) -> Iterable[CodecSpec]:  # type: ignore[empty-body] # as above
        """Yield the plugin's codecs."""

    @hookspec(firstresult=True)
    def interlock_resolve_secret(self, name: str) -> str | None:
        """Look up the secret of `{ secret = "..." }` in the configuration; None if unknown.

        The first extension that knows it, in the order in which they are listed, has the say.
        """

    @hookspec
    def interlock_register_observers(self) -> Iterable[Observer]:  # type: ignore[empty-body] # as above
        """Yield instances of subclasses of `interlock.application.Observer`."""

    @hookspec
    def interlock_register_commands(self) -> Iterable[Any]:  # type: ignore[empty-body] # as above
        """Yield `typer.Typer` applications; each is a command under the name it has."""
