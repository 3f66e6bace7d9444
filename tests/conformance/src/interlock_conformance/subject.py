"""What is under test: how to make it, what it says it can, what else may be done to it."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, cast

from interlock.backends import BackendKind, BackendSpec, RecordKey
from interlock.errors import ConfigurationError
from interlock.memory import NullAggregateCacheBackend, NullAggregateSnapshotStorageBackend
from interlock.plugins import Catalogue
from interlock.specs import BackendReference

OPTIONS = ("keep", "keep_revisions", "namespace", "size", "ttl")
"""Options that checks set; a backend that takes one has a capability of that name."""

_NULLS = (NullAggregateCacheBackend, NullAggregateSnapshotStorageBackend)

Change = Callable[[bytes], bytes]
Tamper = Callable[[object, RecordKey, Change], Awaitable[None]]
Advance = Callable[[object, float], Awaitable[None]]


class Suite(Protocol):
    """What a test class gives."""

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
    make: Callable[..., Awaitable[object]]
    reference: BackendReference | None = None
    spec: BackendSpec | None = None
    tamper: Tamper | None = None
    advance: Advance | None = None
    answers: dict[str, str] = field(default_factory=dict)


async def subject_of(suite: Suite, namespace: str) -> Subject:
    """The subject that a test class describes by its method `backend`."""
    hooks = {name: getattr(suite, name, None) for name in ("tamper", "advance")}
    offered = {name for name, hook in hooks.items() if hook is not None}
    parameters = frozenset(inspect.signature(suite.backend).parameters)
    name = type(suite).__name__
    if suite.is_plain:

        async def make_plain(aggregate_type: type) -> object:
            return await _given(suite.backend(*([aggregate_type] if parameters else [])))

        return Subject(name, suite.kind, True, suite.capabilities, make_plain)
    sample = await _given(suite.backend())
    if isinstance(sample, BackendReference):
        found = _named(sample, suite.kind, namespace)
        capabilities = found.capabilities | suite.capabilities | offered
    else:

        async def make(**options: object) -> object:
            return await _given(suite.backend(**options))

        offered |= parameters & {*OPTIONS}
        offered |= {"null"} if isinstance(sample, _NULLS) else set()
        offered |= {"history"} if "keep" in offered else set()
        capabilities = suite.capabilities | offered
        found = Subject(name, suite.kind, False, capabilities, make)
    return Subject(
        found.name,
        found.kind,
        False,
        frozenset(capabilities),
        found.make,
        found.reference,
        found.spec,
        cast("Tamper | None", hooks["tamper"]),
        cast("Advance | None", hooks["advance"]),
    )


def built(reference: BackendReference, kind: BackendKind, namespace: str) -> object:
    """An installed backend, not open. Raises `ConfigurationError`."""

    def part(name: str) -> object:
        raise ConfigurationError(
            f"{reference.name!r} is made of others, {name!r} among them; make it in the method "
            "`backend` of a test class"
        )

    return Catalogue.installed().build(reference, kind, namespace=namespace, part=part)


def _named(reference: BackendReference, kind: BackendKind, namespace: str) -> Subject:
    spec, config = Catalogue.installed().config(reference, kind, namespace=namespace)

    async def make(**options: object) -> object:
        merged = BackendReference(reference.name, {**reference.options, **options})
        return built(merged, kind, namespace)

    fields = type(config).model_fields if config is not None else {}
    derived = {name for name in OPTIONS if name in fields}
    if any(spec.factory == f"{null.__module__}:{null.__name__}" for null in _NULLS):
        derived.add("null")
    if "keep" in derived:
        derived.add("history")
    return Subject(reference.name, kind, False, spec.capabilities | derived, make, reference, spec)


async def _given(result: object) -> object:
    return await result if inspect.isawaitable(result) else result
