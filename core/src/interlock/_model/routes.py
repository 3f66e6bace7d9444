"""The decorators that mark handlers, appliers and upcasters, and the routes built from them.

The routes are built once per class, when it is registered or first emits; loading only looks up.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from interlock._model.annotations import check_answer, parameter_type
from interlock._values.defaults import shared_default
from interlock._values.fidelity import Fidelity, fidelity_of
from interlock._values.losses import declared_losses
from interlock._values.parts import cached_properties
from interlock.errors import ConfigurationError, UnknownEventError

F = TypeVar("F", bound=Callable[..., object])

_HANDLES = "__interlock_handles__"
_APPLIES = "__interlock_applies__"
_UPCASTS = "__interlock_upcasts__"

Payload = dict[str, Any]  # Any: a JSON object of an older schema, of whatever shape it had
Upcaster = Callable[[Payload], Payload]


@overload
def handles_command(function: F, /) -> F: ...
@overload
def handles_command(*, once: bool = False) -> Callable[[F], F]: ...
def handles_command(function: F | None = None, /, *, once: bool = False) -> F | Callable[[F], F]:
    """Mark a method as the handler of the command type that its parameter is annotated with.

    A handler may run several times for one dispatch and must not act on the outside world. One that
    must is marked `once=True`: it sees the stream's head, by `FastForward` or the registered
    `Replay`, runs once, and a conflict is a `ConcurrencyError`.
    """

    def mark(handler: F) -> F:
        _require_annotated_parameter(handler, "@handles_command", "command")
        setattr(handler, _HANDLES, once)
        return handler

    return mark if function is None else mark(function)


def applies_event(function: F, /) -> F:
    """Mark a method as the applier of the event type that its parameter is annotated with.

    An applier is synchronous and depends on nothing but the state and the event. While it runs,
    `self.version` is already the version of the event.
    """
    _require_annotated_parameter(function, "@applies_event", "event")
    if inspect.iscoroutinefunction(function):
        raise ConfigurationError(
            f"@applies_event {function.__qualname__} is async; make it a plain def"
        )
    setattr(function, _APPLIES, True)
    return function


def upcasts(event_type: str, /, *, schema_version: int) -> Callable[[F], F]:
    """Mark a static method that maps a stored payload of `schema_version` to the next version's.

    It gets the payload as a dict of JSON values and returns such a dict, before validation. One
    event stays one event, since versions count stored events.
    """

    def mark(upcaster: F) -> F:
        function = upcaster.__func__ if isinstance(upcaster, staticmethod) else upcaster
        setattr(function, _UPCASTS, (event_type, schema_version))
        return upcaster

    return mark


@dataclass(frozen=True, slots=True)
class Handler:
    """A command handler: an unbound function, called with (aggregate, command)."""

    function: Callable[..., Any]  # Any: whatever the handler returns is dispatch's answer
    is_once: bool


@dataclass(frozen=True, slots=True)
class EventEntry:
    """How events of one class are stored and applied.

    `is_read_only` says that the class is for stored events alone: it may lose data when it is
    written, so it isn't.
    """

    event_class: type[BaseModel]
    name: str
    schema_version: int
    apply: Callable[[Any, Any], object]  # Any: an unbound applier of (aggregate, event)
    validate: Callable[
        [bytes], Any
    ]  # Any: JSON bytes -> the event, by pydantic's bound core validator
    encode: Callable[..., bytes]  # likewise its bound core serializer
    upcasters: Mapping[int, Upcaster]
    fidelity: Fidelity
    is_read_only: bool

    def decode(self, schema_version: int, payload: bytes) -> Any:
        """Decode a stored payload, upcast first if it is of an older schema.

        Raises `UnknownEventError` for a schema that isn't known; what pydantic or an upcaster
        raises passes through.
        """
        if schema_version == self.schema_version:
            return self.validate(payload)
        if schema_version > self.schema_version:
            raise UnknownEventError(
                f"a stored {self.name} has schema version {schema_version}, this code knows up to "
                f"{self.schema_version}; deploy the code that wrote it"
            )
        data = from_json(payload)
        for version in range(schema_version, self.schema_version):
            upcaster = self.upcasters.get(version)
            if upcaster is None:
                raise UnknownEventError(
                    f"a stored {self.name} has schema version {schema_version}, this code has "
                    f"{self.schema_version} and no upcaster from {version}; add a static method "
                    f'@upcasts("{self.name}", schema_version={version}) to the aggregate'
                )
            data = upcaster(data)
        return self.validate(to_json(data))


@dataclass(frozen=True, slots=True)
class Routes:
    """The commands that an aggregate class handles, and the events that it applies.

    `events` is keyed by stored name, former names included; `emits` by event class.
    """

    name: str
    handlers: Mapping[type[BaseModel], Handler]
    events: Mapping[str, EventEntry]
    emits: Mapping[type[BaseModel], EventEntry]


def type_name(cls: type) -> str:
    """Find the name under which a class is stored: its own `type_name`, else the class name."""
    name = cls.__dict__.get("type_name", cls.__name__)
    if not isinstance(name, str) or not name:
        raise ConfigurationError(
            f"{cls.__qualname__}.type_name is {name!r}; a non-empty string is wanted"
        )
    return name


def build_routes(cls: type) -> Routes:
    """The routes of an aggregate class; `ConfigurationError` if declarations contradict."""
    handlers: dict[type[BaseModel], Handler] = {}
    appliers: dict[type[BaseModel], Callable[..., Any]] = {}
    for function, once in _marked(cls, _HANDLES):
        command = _parameter_type(function, cls)
        if command in handlers:
            other = handlers[command].function.__qualname__
            raise ConfigurationError(
                f"{other} and {function.__qualname__} both handle {command.__name__}; one has to go"
            )
        check_answer(function, command)
        handlers[command] = Handler(function, once)
    for function, _ in _marked(cls, _APPLIES):
        event = _parameter_type(function, cls)
        if event in appliers:
            other = appliers[event].__qualname__
            raise ConfigurationError(
                f"{other} and {function.__qualname__} both apply {event.__name__}; one has to go"
            )
        appliers[event] = function
    events = _event_entries(cls, appliers)
    emits = {entry.event_class: entry for entry in events.values()}
    return Routes(type_name(cls), handlers, events, emits)


def _event_entries(
    cls: type, appliers: Mapping[type[BaseModel], Callable[..., Any]]
) -> dict[str, EventEntry]:
    upcasters = {mark: function for function, mark in _marked(cls, _UPCASTS)}
    events: dict[str, EventEntry] = {}
    for event_class, applier in appliers.items():
        _require_own_defaults(event_class)
        current = type_name(event_class)
        names = (current, *event_class.__dict__.get("former_names", ()))
        entry = EventEntry(
            event_class=event_class,
            name=current,
            schema_version=_schema_version(event_class),
            apply=_on_fresh_state(applier, cached_properties(cls)),
            validate=event_class.__pydantic_validator__.validate_json,
            encode=event_class.__pydantic_serializer__.to_json,
            upcasters={
                version: function
                for (name, version), function in upcasters.items()
                if name in names
            },
            fidelity=fidelity_of(event_class),
            is_read_only=_is_read_only(event_class),
        )
        for name in names:
            if name in events:
                raise ConfigurationError(
                    f"{cls.__name__} applies two events stored as {name!r}: "
                    f"{events[name].event_class.__qualname__} and {event_class.__qualname__}; "
                    "give one another type_name"
                )
            events[name] = entry
    for name, version in upcasters:
        if name not in events:
            raise ConfigurationError(
                f"@upcasts({name!r}, schema_version={version}) on {cls.__name__} names an event "
                f"that it doesn't apply; it applies {', '.join(sorted(events)) or 'none'}"
            )
    return events


def _is_read_only(event_class: type[BaseModel]) -> bool:
    """Whether the class declares so. Raises `ConfigurationError` if it doesn't, and loses data."""
    is_read_only = event_class.__dict__.get("read_only", False)
    losses = [] if is_read_only else declared_losses(event_class, is_state=False)
    if losses:
        raise ConfigurationError(
            f"{event_class.__qualname__} would lose data when it is stored as JSON:\n"
            + "".join(f"- {loss}\n" for loss in losses)
            + "If it is only read, and never emitted, say `read_only: ClassVar[bool] = True`"
        )
    return bool(is_read_only)


def _require_own_defaults(event_class: type[BaseModel]) -> None:
    """Raise `ConfigurationError` for a default that events, and what keeps them, would share."""
    problem = shared_default(event_class, fidelity_of(event_class).kinds)
    if problem is not None:
        raise ConfigurationError(problem)


def _on_fresh_state(
    applier: Callable[..., Any], cached: tuple[str, ...]
) -> Callable[[Any, Any], object]:
    """The applier, which never meets a cached property from before the event, nor leaves one."""
    if not cached:
        return applier

    def apply(state: Any, event: Any) -> None:  # Any: as in EventEntry.apply
        _drop(state, cached)
        applier(state, event)
        _drop(state, cached)

    return apply


def _drop(state: Any, names: tuple[str, ...]) -> None:  # Any: an aggregate
    for name in names:
        state.__dict__.pop(name, None)


def _schema_version(event_class: type[BaseModel]) -> int:
    version = getattr(event_class, "schema_version", 1)
    if not isinstance(version, int) or version < 1:
        raise ConfigurationError(
            f"{event_class.__qualname__}.schema_version is {version!r}; an integer from 1 is wanted"
        )
    return version


def _marked(cls: type, mark: str) -> Iterator[tuple[Callable[..., Any], Any]]:
    """The methods that carry a mark on the class or a base, each as the class overrides it."""
    seen: set[str] = set()
    for base in cls.__mro__:
        for name, member in vars(base).items():
            function = member.__func__ if isinstance(member, staticmethod) else member
            if name in seen or not hasattr(function, mark):
                continue
            seen.add(name)
            final = getattr(cls, name)
            yield final, getattr(final, mark, getattr(function, mark))


def _require_annotated_parameter(
    function: Callable[..., object], decorator: str, noun: str
) -> None:
    parameters = list(inspect.signature(function).parameters.values())
    is_pair = len(parameters) == len(("self", noun))
    if not is_pair or parameters[1].annotation is inspect.Parameter.empty:
        raise ConfigurationError(
            f"{decorator} {function.__qualname__}{inspect.signature(function)}: wanted two "
            f"parameters, self and a {noun} annotated with its type, as in `def method(self, "
            f"{noun}: SomeType)`"
        )


def _parameter_type(function: Callable[..., Any], cls: type) -> type[BaseModel]:
    annotation = parameter_type(function)
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        raise ConfigurationError(
            f"{function.__qualname__} of {cls.__name__}: its parameter is annotated "
            f"{annotation!r}; a pydantic model class is wanted"
        )
    return annotation
