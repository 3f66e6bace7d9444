"""The aggregate that users derive from."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, Field
from pydantic_core import from_json, to_json

from interlock._model.routes import EventEntry, Routes, build_routes, type_name
from interlock._model.stamp import (
    STAMP_KEY,
    Origin,
    OriginFields,
    PendingEvent,
    fail,
    proven_origin,
    read_stamp,
    stamp_of,
)
from interlock._values.fidelity import told_of
from interlock._values.ids import PlainUUID, new_id
from interlock.errors import EventApplyError, UnknownEventError

A = TypeVar("A", bound="Aggregate")


class _Slots(BaseModel):
    """The places of what an aggregate has beside its fields."""

    # Slots and not private attributes: those cost every decode, and would take part in ==.
    __slots__ = ("_interlock_origin", "_interlock_pending")


class Aggregate(_Slots, BaseModel):
    """A consistency boundary whose state is the fold of its events.

    Every field needs a default that doesn't vary. `version` is the number of events folded into the
    state. Neither is to be assigned: handlers `emit`, appliers assign.
    """

    if TYPE_CHECKING:  # at run time pydantic would take annotations for private attributes
        _interlock_origin: ClassVar["OriginFields | None"]
        _interlock_pending: ClassVar["list[PendingEvent] | None"]

    type_name: ClassVar[str]
    revision: ClassVar[str]
    reads_revisions: ClassVar[tuple[str, ...]]

    id: PlainUUID = Field(default_factory=new_id)
    version: int = 0

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        """Refuse a field under the stamp's name."""
        super().__pydantic_init_subclass__(**kwargs)
        if STAMP_KEY in cls.model_fields:
            raise TypeError(
                f"{cls.__name__}.{STAMP_KEY}: the name is taken by the stamp in the JSON"
            )

    @property
    def uncommitted_events(self) -> tuple[BaseModel, ...]:
        """Decode the events that were emitted and not yet appended."""
        emits = routes_of(type(self)).events
        return tuple(emits[name].validate(payload) for _, name, _, payload in pending_of(self))

    def emit(self, event: BaseModel) -> None:
        """Record an event and apply it.

        The event is encoded here and now, and it is the decoded copy that is applied: later changes
        to `event` go nowhere. Raises `UnknownEventError` for an event without an applier, or whose
        class is `read_only`; `EventApplyError` if it doesn't come back from its JSON exactly as it
        was given, or its applier raises. The event is then not recorded.
        """
        cls = type(self)
        routes: Routes = cls.__dict__.get("__interlock_routes__") or routes_of(cls)
        entry = routes.emits.get(type(event))
        if entry is None:
            raise UnknownEventError(
                f"{cls.__name__} emitted {type(event).__name__} but has no applier for it; add a "
                "method marked @applies_event with a parameter of that type"
            )
        if entry.is_read_only:
            raise UnknownEventError(
                f"{cls.__name__} emitted {type(event).__name__}, which is read_only; emit an event "
                "of a class that isn't"
            )
        payload, copy = _stored_form(self, entry, event)
        fields = self.__dict__  # an attribute of a model takes several times as long to read
        version = fields["version"]
        try:
            fields["version"] = version + 1
            entry.apply(self, copy)
        except Exception as error:
            self.__dict__["version"] = version
            raise EventApplyError(
                f"{cls.__name__} {self.id} could not apply the emitted {entry.name}: {error}"
            ) from error
        try:
            pending = get_pending(self)
        except AttributeError:
            pending = None
        if pending is None:
            set_pending(self, pending := [])
        pending.append(
            tuple.__new__(PendingEvent, (new_id(), entry.name, entry.schema_version, payload))
        )

    def model_dump_json(self, **options: Any) -> str:  # Any: pydantic's own options
        """Encode as pydantic does, with the stamp under the key `interlock_stamp`."""
        text = super().model_dump_json(**options).removesuffix("}").rstrip()
        separator = "" if text == "{" else ","
        return f'{text}{separator}"{STAMP_KEY}":{to_json(_stamp(self)).decode()}}}'

    def model_dump(
        self, **options: Any
    ) -> dict[str, Any]:  # Any: pydantic's own options and result
        """Dump as pydantic does; `mode="json"` adds the stamp under the key `interlock_stamp`."""
        data = super().model_dump(**options)
        if options.get("mode") == "json":
            data[STAMP_KEY] = _stamp(self)
        return data

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:  # Any: as pydantic's
        """Validate as pydantic does, and check the stamp; on `Aggregate` it chooses the type.

        Raises `ValidationError` if the stamp is of another type or doesn't fit the state.
        """
        if isinstance(obj, Mapping) and STAMP_KEY in obj:
            rest = {key: value for key, value in obj.items() if key != STAMP_KEY}
            stamp = read_stamp(obj[STAMP_KEY])
            target = cls._stamped_type(stamp.get("type"))
            return _checked(super(Aggregate, target).model_validate(rest, **options), stamp)
        cls._require_no_stamp()
        return super().model_validate(obj, **options)

    @classmethod
    def model_validate_json(
        cls, json_data: str | bytes | bytearray, **options: Any
    ) -> Self:  # Any: as above
        """Validate JSON as pydantic does, and the stamp as `model_validate` does."""
        try:
            obj = from_json(json_data)
        except (TypeError, ValueError):
            return super().model_validate_json(json_data, **options)
        if isinstance(obj, dict) and STAMP_KEY in obj:
            stamp = read_stamp(obj.pop(STAMP_KEY))
            target = cls._stamped_type(stamp.get("type"))
            return _checked(
                super(Aggregate, target).model_validate_json(to_json(obj), **options), stamp
            )
        cls._require_no_stamp()
        return super().model_validate_json(json_data, **options)

    @classmethod
    def _stamped_type(cls, name: object) -> type[Self]:
        if cls is Aggregate:
            return _find_type(name)
        if name != type_name(cls):
            fail("stamped as {found}, wanted {wanted}", found=str(name), wanted=type_name(cls))
        return cls

    @classmethod
    def _require_no_stamp(cls) -> None:
        if cls is Aggregate:
            fail("there is no stamp that names the type; validate with the class itself")

    def __copy__(self) -> Self:
        return _carry(self, super().__copy__())

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:  # Any: as copy.deepcopy's
        return _carry(self, super().__deepcopy__(memo))

    def __getstate__(self) -> dict[Any, Any]:  # Any: as pydantic's
        return {**super().__getstate__(), STAMP_KEY: (origin_of(self), pending_of(self))}

    def __setstate__(self, state: dict[Any, Any]) -> None:  # Any: as pydantic's
        origin, pending = state.pop(STAMP_KEY)
        super().__setstate__(state)
        set_origin(self, origin)
        set_pending(self, list(pending))


def _stored_form(state: Aggregate, entry: EventEntry, event: BaseModel) -> tuple[bytes, BaseModel]:
    """Encode an event and decode it again. Raises `EventApplyError` if the two differ."""
    try:
        payload = entry.encode(event, warnings=False)
        copy = entry.validate(payload)
    except Exception as error:  # noqa: BLE001 whatever a serializer or validator raises
        raise EventApplyError(
            f"{type(state).__name__} {state.id} emitted {entry.name}, which doesn't survive its "
            f"JSON ({told_of(event, error)}); nothing was recorded"
        ) from None
    if entry.fidelity.is_exact(event, payload, []):
        return payload, copy
    lost = entry.fidelity.event_difference(event, copy)
    if lost is not None:
        raise EventApplyError(
            f"{type(state).__name__} {state.id} emitted {entry.name}, which doesn't come back from "
            f"its JSON as it was: {lost}; give the field what its type promises, or a type that "
            "keeps it. Nothing was recorded"
        )
    return payload, copy


# The slots' own getters and setters: pydantic's __getattr__ and __setattr__ are for fields.
get_origin = Aggregate._interlock_origin.__get__  # type: ignore[union-attr] # a slot descriptor
get_pending = Aggregate._interlock_pending.__get__  # type: ignore[union-attr] # a slot descriptor
set_origin = Aggregate._interlock_origin.__set__  # type: ignore[union-attr] # a slot descriptor
set_pending = Aggregate._interlock_pending.__set__  # type: ignore[union-attr] # a slot descriptor


def origin_of(aggregate: Aggregate) -> Origin | None:
    """Tell where a state comes from; None if no application loaded it."""
    try:
        origin: OriginFields | None = get_origin(aggregate)
    except AttributeError:
        return None
    return None if origin is None else Origin(*origin)


def pending_of(aggregate: Aggregate) -> list[PendingEvent]:
    """List the encoded events that were emitted and not yet appended, oldest first."""
    try:
        pending: list[PendingEvent] | None = get_pending(aggregate)
    except AttributeError:
        return []
    return [] if pending is None else pending


def routes_of(cls: type[Aggregate]) -> Routes:
    """The routes of an aggregate class, built at the first call."""
    routes: Routes | None = cls.__dict__.get("__interlock_routes__")
    if routes is None:
        routes = build_routes(cls)
        type.__setattr__(cls, "__interlock_routes__", routes)
    return routes


# The types of the running applications, by stored name: where a stamp's type is looked up first.
running_types: list[Mapping[str, type[Aggregate]]] = []


def _find_type(name: object) -> type[Any]:  # Any: a class chosen at run time
    found = [] if not isinstance(name, str) else [t[name] for t in running_types if name in t]
    found = found or [cls for cls in _subclasses(Aggregate) if type_name(cls) == name]
    if len(set(found)) != 1:
        fail(
            "the stamp names the type {name} and {count} aggregate classes have that name; "
            "validate with the class itself",
            name=str(name),
            count=len(set(found)),
        )
    return found[0]


def _subclasses(cls: type[Aggregate]) -> Iterator[type[Aggregate]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _stamp(state: Aggregate) -> dict[str, Any]:  # Any: a JSON object
    return stamp_of(state, origin_of(state), pending_of(state))


def _checked(state: A, stamp: Mapping[str, Any]) -> A:  # Any: JSON values
    origin = proven_origin(state, stamp)
    if origin is not None:
        set_origin(state, origin)
    return state


def _carry(source: Aggregate, copy: A) -> A:
    set_origin(copy, origin_of(source))
    set_pending(copy, list(pending_of(source)))
    return copy
