"""The wiring of one application out of what was registered."""

import asyncio
import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from interlock._app.aggregate_checks import check_defaults, check_state
from interlock._app.application import Application
from interlock._app.breakers import Breakers
from interlock._app.dependencies import Dependencies
from interlock._config.settings import AggregateOptions, Settings
from interlock._engine.context import Clock, TypeContext
from interlock._engine.known_heads import KnownHeads
from interlock._engine.observed import ObservedStream
from interlock._engine.registration import Registration
from interlock._engine.replay_slots import ReplaySlots
from interlock._engine.reporting import Reporting
from interlock._engine.reports import Observer, OperationKind
from interlock._engine.services import TypeServices
from interlock._engine.stream import EventStream
from interlock._model.aggregate import Aggregate, routes_of
from interlock._model.command import Command
from interlock._model.routes import Handler
from interlock._model.strategies import (
    NeverCache,
)
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.specs import BackendKind, BackendReference
from interlock._storage.adapters import as_cache_store, as_snapshot_store
from interlock._storage.archive import Archive
from interlock._storage.codecs import Codec
from interlock._storage.event_protocols import EventStore
from interlock._storage.memory import (
    InMemoryEventStore,
    NullAggregateCacheBackend,
    NullAggregateSnapshotStorageBackend,
)
from interlock._storage.record_mapper import AggregateMapper
from interlock._storage.records import Scope
from interlock._storage.revision import compute_revision, own_revision, revision_of
from interlock.errors import ConfigurationError

_EVENT_STORE_METHODS = ("append", "read", "head", "delete")


class Assembly:
    """Resolves names, makes backends, checks aggregates, and wires them. Opens nothing."""

    def __init__(
        self,
        settings: Settings,
        dependencies: Dependencies,
        observers: Sequence[Observer],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._dependencies = dependencies
        self._clock = clock
        self._catalogue = Catalogue.installed()
        extensions = self._catalogue.extensions(settings.extensions)
        self._reporting = Reporting([*observers, *extensions.observers()], self._catalogue.masking)
        self._breakers = Breakers(settings.application, self._reporting, clock)
        self._late_writes: set[asyncio.Task[None]] = set()
        self._replay_slots = ReplaySlots(
            settings.application.replay_slots, settings.application.replay_long
        )
        self._named: dict[tuple[BackendKind, str], object] = {}
        self._backends: list[tuple[object, bool]] = []  # each once, in the order of opening

    def application(
        self, event_store: object, aggregates: Mapping[type[Aggregate], AggregateOptions]
    ) -> Application:
        """The wired application. Raises `ConfigurationError`."""
        self._check_names(aggregates)
        events = self._events(event_store)
        services = {
            cls: TypeServices(self._context(cls, given, events))
            for cls, given in aggregates.items()
        }
        return Application(
            services=services,
            handlers=_handlers(services),
            backends=self._backends,
            breakers=self._breakers,
            reporting=self._reporting,
            close_timeout=self._settings.application.close_timeout,
        )

    def _check_names(self, aggregates: Mapping[type[Aggregate], AggregateOptions]) -> None:
        by_name: dict[str, type[Aggregate]] = {}
        for cls in aggregates:
            name = routes_of(cls).name
            if name in by_name:
                raise ConfigurationError(
                    f"two aggregates are stored as {name!r}: {by_name[name].__qualname__} and "
                    f"{cls.__qualname__}; give one another type_name"
                )
            by_name[name] = cls
        for name in self._settings.aggregates:
            if name not in by_name:
                near = difflib.get_close_matches(name, by_name, 1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise ConfigurationError(
                    f"[aggregates.{name}] in {self._settings.source}: no such aggregate is "
                    f"registered; {hint}Registered are: {', '.join(by_name) or 'none'}"
                )

    def _events(self, given: object) -> EventStore:
        source = given if given is not None else self._settings.event_store
        if source is None:
            source = InMemoryEventStore()
        store = self._made(BackendKind.EVENTS, source, None)
        missing = [
            name for name in _EVENT_STORE_METHODS if not callable(getattr(store, name, None))
        ]
        if missing:
            raise ConfigurationError(
                f"{type(store).__name__} is no event store: it lacks {', '.join(missing)}"
            )
        return cast("EventStore", store)

    def _context(
        self, cls: type[Aggregate], given: AggregateOptions, events: EventStore
    ) -> TypeContext:
        application, name = self._settings.application, routes_of(cls).name
        settings = given.over(self._settings.aggregates.get(name)).over(self._settings.default)
        check_defaults(cls)
        snapshots = self._made(BackendKind.SNAPSHOTS, settings.snapshot_backend, cls)
        cache = self._made(BackendKind.CACHE, settings.cache_backend, cls)
        keeps_snapshots = type(snapshots) is not NullAggregateSnapshotStorageBackend
        keeps_cache = type(cache) is not NullAggregateCacheBackend and not isinstance(
            settings.cache_strategy, NeverCache
        )
        codec = self._codec(settings.codec)
        revision = _revision(cls, codec, is_needed=keeps_snapshots or keeps_cache)
        mapper = AggregateMapper(
            cls, Scope(application.namespace, application.epoch, name, revision), codec
        )
        snapshot_scope = Scope(application.namespace, 0, name, revision)
        if keeps_snapshots or keeps_cache:
            check_state(cls, mapper)
        reporting = self._reporting.of(name, events=events, snapshot=snapshots, cache=cache)
        of_stream = ObservedStream if reporting.tells(OperationKind.APPEND) else EventStream
        return TypeContext(
            registration=Registration(
                aggregate_type=cls,
                routes=routes_of(cls),
                mapper=mapper,
                snapshot_scope=snapshot_scope,
                reads_revisions=tuple(cls.__dict__.get("reads_revisions", ())),
                snapshot_strategy=settings.snapshot_strategy,
                cache_strategy=settings.cache_strategy,
                freshness=settings.freshness,
                fails_without_snapshots=settings.on_unavailable == "fail",
                replay_limit=settings.replay_limit,
                is_always_limited=settings.replay_limit_holds == "always",
                snapshots_long_replays=settings.snapshot_long_replays,
                shadow=settings.shadow,
            ),
            stream=of_stream(name, events, reporting),
            cache=(
                self._breakers.before_cache(name, cache, as_cache_store(cache, mapper))
                if keeps_cache
                else None
            ),
            snapshots=(
                self._breakers.before_snapshots(
                    name,
                    snapshots,
                    as_snapshot_store(snapshots, AggregateMapper(cls, snapshot_scope, codec)),
                )
                if keeps_snapshots
                else None
            ),
            heads=KnownHeads(application.floor_size),
            reporting=reporting,
            clock=self._clock,
            max_attempts=application.max_attempts,
            queue_size=application.queue_size,
            snapshot_queue_size=application.snapshot_queue_size,
            late_writes=self._late_writes,
            replay_slots=self._replay_slots,
            archive=(
                None
                if application.archive is None
                else Archive(Path(application.archive), application.namespace)
            ),
        )

    def _codec(self, given: Codec | str) -> Codec:
        if isinstance(given, str):
            return self._catalogue.codec(given)
        has_all = all(hasattr(given, name) for name in ("name", "encode", "decode"))
        if isinstance(given, type) or not has_all:
            raise ConfigurationError(
                f"codec is {given!r}; wanted a name, or an object with name, encode and decode"
            )
        return given

    def _made(self, kind: BackendKind, source: object, cls: type[Aggregate] | None) -> object:
        """The backend of a source; a named instance is made once, everything else at each call."""
        match source:
            case str(name) if name in (named := self._settings.named(kind)):
                if (kind, name) not in self._named:
                    self._named[kind, name] = self._made(kind, named[name], cls)
                return self._named[kind, name]
            case str(name):
                return self._made(kind, BackendReference(name, {}), cls)
            case BackendReference() as reference:
                backend = self._catalogue.build(
                    reference,
                    kind,
                    namespace=self._settings.application.namespace,
                    part=lambda name: self._made(kind, name, cls),
                )
            case made if isinstance(made, type) or (callable(made) and not _looks_like(made, kind)):
                backend = self._dependencies.construct(made, cls)
            case backend:
                pass
        for opened in (*getattr(backend, "tiers", ()), backend):
            self._add(opened, kind)
        return backend

    def _add(self, backend: object, kind: BackendKind) -> None:
        if all(backend is not other for other, _ in self._backends):
            is_required = kind is not BackendKind.CACHE or getattr(backend, "required", False)
            self._backends.append((backend, is_required))


_MARKS = {
    BackendKind.EVENTS: "append",
    BackendKind.SNAPSHOTS: "load_snapshot",
    BackendKind.CACHE: "get_aggregate",
}


def _looks_like(source: object, kind: BackendKind) -> bool:
    return hasattr(source, _MARKS[kind])


def _revision(cls: type[Aggregate], codec: Codec, *, is_needed: bool) -> str:
    revision = own_revision(cls)
    if revision is not None:
        return revision
    if is_needed:
        return compute_revision(cls, codec)
    try:
        return revision_of(cls, codec).value
    except ConfigurationError:
        return "unknown"  # nothing is kept, so nothing is compared


def _handlers(
    services: Mapping[type[Aggregate], TypeServices],
) -> dict[type[Command[Any]], tuple[TypeServices, Handler]]:
    handlers: dict[type[Command[Any]], tuple[TypeServices, Handler]] = {}
    owners: dict[type, type[Aggregate]] = {}
    for cls, service in services.items():
        for command, handler in service.context.registration.routes.handlers.items():
            if command in owners:
                raise ConfigurationError(
                    f"{owners[command].__name__} and {cls.__name__} both handle "
                    f"{command.__name__}; a command has one handler"
                )
            owners[command] = cls
            handlers[cast("type[Command[Any]]", command)] = (service, handler)
    return handlers
