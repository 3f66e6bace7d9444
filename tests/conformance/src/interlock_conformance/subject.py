"""The backend under test: how to make one, its capabilities, and the hooks of its test class."""

import inspect
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import import_module
from typing import Any, ClassVar, Protocol

from interlock.application.aggregates import (
    NullAggregateCacheBackend,
    NullAggregateSnapshotStorageBackend,
)
from interlock.backends import (
    BackendKind,
    BackendReference,
    BackendSpec,
    Catalogue,
    ChangeNotifier,
    ConfirmsHead,
    Freezes,
    ListsIds,
    ListsStreams,
    ReadsFromSnapshot,
    ReadsMany,
    ReadsToFold,
    RecordKey,
    RecordSnapshotBackend,
    RemovesOne,
    TellsNewest,
)
from interlock.errors import ConfigurationError
from interlock_conformance.network import Server, server_of

_EVENT_PORTS: Mapping[str, type] = {
    "read_many": ReadsMany,
    "ids": ListsStreams,
    "freeze": Freezes,
    "is_head": ConfirmsHead,
    "read_from_snapshot": ReadsFromSnapshot,
    "read_to_fold": ReadsToFold,
}
OPTIONS = ("keep", "keep_revisions", "namespace", "size", "timeout", "ttl")
"""Options that checks set; a backend that takes one has a capability of that name."""

_SECONDS = 60
"""The least time limit of a named backend: thousands of events in one append may take so long."""

_NULLS = (NullAggregateCacheBackend, NullAggregateSnapshotStorageBackend)

Make = Callable[..., Awaitable[Any]]  # Any: a backend of the kind
Change = Callable[[bytes], bytes]
Tamper = Callable[[object, RecordKey, Change], Awaitable[None]]
Advance = Callable[[object, float], Awaitable[datetime | None]]
AtNode = Callable[[int], Awaitable[None]]
BadDay = Callable[[object], AbstractAsyncContextManager[None]]
HOOKS = ("tamper", "advance", "hold", "break_", "snapshots")
"""Optional methods of a test class; each is a capability too."""
NODE_HOOKS = ("stop", "wake", "replace")
"""Those of one with `backends`, which are told the place of a node among them."""


class Suite(Protocol):
    """The attributes and hooks of a test class."""

    kind: ClassVar[BackendKind]
    capabilities: ClassVar[frozenset[str]]
    is_plain: ClassVar[bool]
    harness: ClassVar[Callable[..., Any]]  # Any: the kind's harness
    backend: Callable[..., object]


@dataclass(frozen=True, slots=True)
class Subject:
    """A backend under test. `make` gives a new one that isn't open."""

    name: str
    kind: BackendKind
    is_plain: bool
    capabilities: frozenset[str]
    make: Make
    reference: BackendReference | None = None
    spec: BackendSpec | None = None
    tamper: Tamper | None = None
    advance: Advance | None = None
    hold: BadDay | None = None
    break_: BadDay | None = None
    server: Server | None = None
    answers: dict[str, str] = field(default_factory=dict)
    doors: tuple[Make, ...] = ()
    """Makes one at each endpoint of the store, where the test class names several."""
    nodes: Mapping[str, AtNode] = field(default_factory=dict)
    """What may be done to a node, by the hook's name."""
    promised: frozenset[str] = frozenset()
    """The capabilities that the registration or the test class names."""
    snapshots: Make | None = None
    """Makes the snapshot store that an event store reads together with its own events."""


async def subject_of(suite: Suite, namespace: str) -> Subject:
    """The subject that a test class describes by its method `backend`."""
    hooks: dict[str, Any] = {name: getattr(suite, name, None) for name in HOOKS}  # Any: see HOOKS
    offered = {name for name, hook in hooks.items() if hook is not None}
    parameters = inspect.signature(suite.backend).parameters
    name = type(suite).__name__
    if suite.is_plain:

        async def make_plain(aggregate_type: type) -> object:
            return await _given(suite.backend(*([aggregate_type] if parameters else [])))

        return Subject(name, suite.kind, True, suite.capabilities, make_plain)
    sample = await _given(suite.backend())
    if isinstance(sample, BackendReference):
        found, options = _named(sample, suite.kind, namespace)
        cls = await _class_of(found)
    else:

        async def make(**options: object) -> object:
            return await _given(suite.backend(**options))

        offered |= {*parameters} & {*OPTIONS}
        options = _defaults(suite, parameters)
        found, cls = Subject(name, suite.kind, False, frozenset(), make), type(sample)
    server = server_of(options)
    doors = await _doors(suite, namespace)
    nodes = {name: getattr(suite, name) for name in NODE_HOOKS if doors and hasattr(suite, name)}
    offered |= {"doors", *nodes} if doors else set()
    hooks["snapshots"] = _snapshots(hooks["snapshots"], namespace)
    return replace(
        found,
        doors=doors,
        nodes=nodes,
        promised=suite.capabilities | (found.spec.capabilities if found.spec else frozenset()),
        capabilities=frozenset(
            {*found.capabilities, *suite.capabilities, *offered, *_shown(cls, suite.kind)}
            | ({"history"} if "keep" in found.capabilities | offered else set())
            | ({"network"} if server is not None else set())
        ),
        server=server,
        **hooks,
    )


def _snapshots(given: Callable[[], object] | None, namespace: str) -> Make | None:
    """How the snapshot store is made that an event store reads together with its own events."""
    if given is None:
        return None

    async def make(**_: object) -> object:
        found = await _given(given())
        if isinstance(found, BackendReference):
            return built(found, BackendKind.SNAPSHOTS, namespace)
        return found

    return make


async def _doors(suite: Suite, namespace: str) -> tuple[Make, ...]:
    """How one is made at each endpoint that the test class gives by `backends`."""
    backends = getattr(suite, "backends", None)
    if backends is None:
        return ()

    def at(place: int) -> Make:
        async def make() -> object:
            given = (await _given(backends()))[place]
            if isinstance(given, BackendReference):
                return built(given, suite.kind, namespace)
            return given

        return make

    return tuple(at(place) for place in range(len(await _given(backends()))))


async def _class_of(subject: Subject) -> type:
    """The class of a named backend; where the factory is a function, one has to be made."""
    assert subject.spec is not None
    module, _, name = subject.spec.factory.partition(":")
    factory = getattr(import_module(module), name)
    return factory if isinstance(factory, type) else type(await subject.make())


def _shown(cls: type, kind: BackendKind) -> Iterator[str]:
    """Capabilities that follow from the class's methods."""
    if cls in _NULLS:
        yield "null"
        return
    if kind is BackendKind.EVENTS:
        yield from (name for name, port in _EVENT_PORTS.items() if issubclass(cls, port))
    if kind is BackendKind.CACHE and issubclass(cls, ChangeNotifier):
        yield "notifies"
    forget = getattr(cls, "forget", RecordSnapshotBackend.forget)
    if kind is BackendKind.SNAPSHOTS and forget is not RecordSnapshotBackend.forget:
        yield "forget"
    if kind is BackendKind.SNAPSHOTS and issubclass(cls, ListsIds):
        yield "ids"
    if kind is BackendKind.SNAPSHOTS and issubclass(cls, RemovesOne):
        yield "remove"
    if kind is BackendKind.SNAPSHOTS and issubclass(cls, TellsNewest):
        yield "newest"


def _defaults(suite: Suite, parameters: Mapping[str, inspect.Parameter]) -> dict[str, object]:
    """Default arguments of `backend`: attributes of the class, or the suite's defaults."""
    return {
        name: getattr(suite, name, None)
        if parameter.default in (None, inspect.Parameter.empty)
        else parameter.default
        for name, parameter in parameters.items()
    }


@lru_cache(maxsize=1)
def _installed(path: tuple[str, ...]) -> Catalogue:
    """What is installed where this path is searched."""
    return Catalogue.installed()


def built(reference: BackendReference, kind: BackendKind, namespace: str) -> object:
    """An installed backend, not open. Raises `ConfigurationError`."""

    def part(name: str) -> object:
        raise ConfigurationError(
            f"{reference.name!r} is made of others, {name!r} among them; make it in the method "
            "`backend` of a test class"
        )

    return _installed(tuple(sys.path)).build(reference, kind, namespace=namespace, part=part)


def _named(
    reference: BackendReference, kind: BackendKind, namespace: str
) -> tuple[Subject, Mapping[str, object]]:
    """An installed backend with its options, validated: those by default are among them."""
    spec, config = _installed(tuple(sys.path)).config(reference, kind, namespace=namespace)
    timeout = getattr(config, "timeout", None)
    if isinstance(timeout, timedelta) and timeout.total_seconds() < _SECONDS:
        ample = {"timeout": f"{_SECONDS}s"}
        reference = BackendReference(reference.name, {**reference.options, **ample})

    async def make(**options: object) -> object:
        merged = BackendReference(reference.name, {**reference.options, **options})
        return built(merged, kind, namespace)

    fields = type(config).model_fields if config is not None else {}
    derived = {name for name in OPTIONS if name in fields}
    capabilities = spec.capabilities | derived
    subject = Subject(reference.name, kind, False, capabilities, make, reference, spec)
    return subject, dict(config) if config is not None else {}


async def _given(result: Any) -> Any:  # Any: what a method of the test class gives
    return await result if inspect.isawaitable(result) else result
