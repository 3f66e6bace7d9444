"""Whether two values are the same, type by type, and where they differ.

A user's `__eq__` is never asked. What counts is written down in docs/reference/values.md.
"""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, time
from types import FunctionType
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from interlock._values.atoms import (
    BY_EQUALITY,
    BY_IDENTITY,
    BY_TEXT,
    FLAT,
    IMMUTABLE,
    are_flat,
    counted,
    exact_text,
    zone_name,
)
from interlock._values.differences import Difference, a, other_type, other_value
from interlock._values.parts import beside_fields, cached_properties, reduction, slot_names


class Kinds(dict[type, "Kind"]):
    """The facts of classes that a comparison of their objects needs, found when first asked for."""

    def __missing__(self, cls: type) -> "Kind":
        kind = self[cls] = _kind(cls)
        return kind


def difference(one: object, other: object, kinds: Kinds, *, is_state: bool) -> Difference | None:
    """Find the first difference between a value and its decoded copy; None if there is none.

    Of states it also counts which names of models are unset, which mutable objects are one object,
    and cached properties on objects that can change.
    """
    return _Comparison(one, kinds, is_state=is_state).differs(one, other)


class _Comparison:
    def __init__(self, root: object, kinds: Kinds, *, is_state: bool) -> None:
        self._root = root
        self._kinds = kinds
        self._is_state = is_state
        self._partners: dict[int, object] = {}  # of an original, by its id, what came back
        self._originals: dict[int, object] = {}

    def differs(self, one: Any, other: Any) -> Difference | None:  # Any: whatever a field holds
        cls = type(one)
        if cls is not type(other):
            return other_type(one, other)
        if cls in BY_EQUALITY:
            return None if one == other else other_value(cls)
        if cls in BY_TEXT:
            return None if exact_text(one) == exact_text(other) else other_value(cls)
        kind = self._kinds[cls]
        if kind.can_change and self._is_state:
            partner = self._partners.setdefault(id(one), other)
            original = self._originals.setdefault(id(other), one)
            if partner is not other or original is not one:
                return Difference(
                    "",
                    f"{a(cls)} that stands at two places comes back as another object; make it "
                    "immutable (frozen=True), or copy it",
                )
        return kind.compare(self, one, other)

    def models(self, one: BaseModel, other: BaseModel) -> Difference | None:
        kind = self._kinds[type(one)]
        if self._is_state and one.__pydantic_fields_set__ != other.__pydantic_fields_set__:
            return Difference("", f"{a(type(one))} comes back with other names unset")
        left, right = one.__dict__, other.__dict__
        if kind.cached:
            computed = left.keys() & kind.cached
            if computed and self._is_state and one is not self._root and not self._is_constant(one):
                return Difference(f".{min(computed)}", "a cached property of what can change")
            left = {name: left[name] for name in left if name not in kind.cached}
            right = {name: right[name] for name in right if name not in kind.cached}
        if len(left) != len(right):
            return Difference("", f"{a(type(one))} comes back with other attributes")
        for (name, value), (name_back, back) in zip(left.items(), right.items(), strict=True):
            if name != name_back:
                return Difference("", f"{a(type(one))} comes back with other attributes")
            # The quick way for most fields; `differs` would find the same.
            if type(value) in BY_EQUALITY and type(back) is type(value) and value == back:
                continue
            found = self.differs(value, back)
            if found is not None:
                return found.below(f".{name}")
        if not (one.__pydantic_extra__ or one.__pydantic_private__ or kind.slots) and not (
            other.__pydantic_extra__ or other.__pydantic_private__
        ):
            return None
        return self._attributes(beside_fields(one, kind.slots), beside_fields(other, kind.slots))

    def _attributes(
        self, one: Mapping[str, object], other: Mapping[str, object]
    ) -> Difference | None:
        for name in (*one, *(name for name in other if name not in one)):
            if name not in one or name not in other:
                return Difference(f".{name}", "an attribute that is there only before or after")
            found = self.differs(one[name], other[name])
            if found is not None:
                return found.below(f".{name}")
        return None

    def _is_constant(self, value: object) -> bool:
        """Whether the value can't change, nor anything that it holds."""
        kind = self._kinds[type(value)]
        held: Iterable[object] = ()
        if isinstance(value, BaseModel):
            held = (*value.__dict__.values(), *beside_fields(value, kind.slots).values())
        elif isinstance(value, tuple | frozenset):
            held = value
        elif is_dataclass(value) and not isinstance(value, type):
            held = [getattr(value, each.name, None) for each in fields(value)]
        return not kind.can_change and all(map(self._is_constant, held))

    def items(self, one: Any, other: Any) -> Difference | None:  # Any: sequences of one type
        if len(one) != len(other):
            return Difference("", f"{a(type(one))} comes back with another length")
        if FLAT.issuperset(map(type, one)) and type(one) is not deque and are_flat(one, other):
            return None
        for index, (item, back) in enumerate(zip(one, other, strict=True)):
            found = self.differs(item, back)
            if found is not None:
                return found.below(f"[{index}]")
        return None

    def deques(self, one: deque[object], other: deque[object]) -> Difference | None:
        if one.maxlen != other.maxlen:
            return Difference("", "a deque comes back with another maxlen")
        return self.items(one, other)

    def dicts(self, one: Any, other: Any) -> Difference | None:  # Any: mappings of one type
        if len(one) != len(other):
            return Difference("", f"{a(type(one))} comes back with another length")
        is_flat = FLAT.issuperset(map(type, one)) and FLAT.issuperset(map(type, one.values()))
        if is_flat and type(one) is dict and are_flat(one, other):
            return None
        pairs = zip(one.items(), other.items(), strict=True)
        for index, ((key, value), (key_back, value_back)) in enumerate(pairs):
            # Keys are data: told is the position of the entry.
            found = self.differs(key, key_back)
            if found is not None:
                return Difference(f"[{index}]", f"its key: {found.what}")
            found = self.differs(value, value_back)
            if found is not None:
                return found.below(f"[{index}]")
        return None

    def defaultdicts(
        self, one: defaultdict[object, object], other: defaultdict[object, object]
    ) -> Difference | None:
        if self.differs(one.default_factory, other.default_factory) is not None:
            return Difference("", "a defaultdict comes back with another default_factory")
        return self.dicts(one, other)

    def sets(self, one: Any, other: Any) -> Difference | None:  # Any: sets of one type
        atoms, rest = counted(one)
        atoms_back, rest_back = counted(other)
        if atoms != atoms_back or len(rest) != len(rest_back):
            return Difference("", f"{a(type(one))} comes back with other elements")
        for item in rest:
            if not self._takes_out(rest_back, item):
                return Difference("[*]", f"{a(type(item))} in a set comes back otherwise")
        return None

    def _takes_out(self, backs: list[object], item: object) -> bool:
        """Whether one of these is what came back of the item; that one is taken out."""
        notes = self._partners, self._originals
        sizes = [len(each) for each in notes]
        for index, back in enumerate(backs):
            if self.differs(item, back) is None:
                del backs[index]
                return True
            for each, size in zip(notes, sizes, strict=True):  # what was noted of another
                while len(each) > size:
                    each.popitem()
        return False

    def times(self, one: Any, other: Any) -> Difference | None:  # Any: datetimes, or times
        if one.tzinfo is not other.tzinfo and (
            one.utcoffset() != other.utcoffset() or zone_name(one.tzinfo) != zone_name(other.tzinfo)
        ):
            return Difference("", f"{a(type(one))} comes back in another time zone")
        if one != other or one.fold != other.fold:
            return Difference("", f"{a(type(one))} comes back as another moment")
        return None

    def uuids(self, one: UUID, other: UUID) -> Difference | None:
        return None if one.int == other.int else other_value(UUID)

    def identities(self, one: object, other: object) -> Difference | None:
        return None if one is other else other_value(type(one))

    def functions(self, one: FunctionType, other: FunctionType) -> Difference | None:
        """Two functions of one definition do the same if what they refer to is the same."""
        if one is other:
            return None
        is_alike = one.__code__ is other.__code__ and one.__globals__ is other.__globals__
        refers, refers_back = (
            [
                *(cell.cell_contents for cell in each.__closure__ or ()),
                each.__defaults__,
                each.__kwdefaults__,
            ]
            for each in (one, other)
        )
        if not is_alike or self.items(refers, refers_back) is not None:
            return other_value(FunctionType)
        return None

    def reduced(self, one: object, other: object) -> Difference | None:
        """Any other object, by what `copy` and `pickle` would take of it."""
        names = getattr(one, "_fields", ())
        if isinstance(one, tuple) and isinstance(other, tuple) and len(names) == len(one):
            return self._attributes(
                dict(zip(names, one, strict=True)), dict(zip(names, other, strict=False))
            )
        try:
            *parts, state = reduction(one)
            *parts_back, state_back = reduction(other)
        except Exception:  # noqa: BLE001 whatever a foreign object raises when it is taken apart
            return Difference("", f"{a(type(one))} can't be compared with what comes back")
        if self.items(parts, parts_back) is not None:
            return Difference("", f"{a(type(one))} comes back with another value")
        if isinstance(state, dict) and isinstance(state_back, dict):
            return self._attributes(state, state_back)
        return self.differs(state, state_back)


_Comparer = Callable[[_Comparison, Any, Any], Difference | None]  # Any: two values of one type
_COMPARERS: Mapping[type, _Comparer] = {
    list: _Comparison.items,
    tuple: _Comparison.items,
    deque: _Comparison.deques,
    dict: _Comparison.dicts,
    OrderedDict: _Comparison.dicts,
    Counter: _Comparison.dicts,
    defaultdict: _Comparison.defaultdicts,
    set: _Comparison.sets,
    frozenset: _Comparison.sets,
    datetime: _Comparison.times,
    time: _Comparison.times,
    FunctionType: _Comparison.functions,
    UUID: _Comparison.uuids,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """How objects of a class are compared.

    `can_change` tells whether one object at two places is something else than two equal ones; what
    an object that can't change holds, may. The rest is of model classes: the names of the fields,
    of the cached properties and of slots.
    """

    compare: _Comparer
    can_change: bool
    names: tuple[str, ...] = ()
    cached: frozenset[str] = frozenset()
    slots: tuple[str, ...] = ()


def _kind(cls: type) -> Kind:
    if issubclass(cls, BaseModel):
        own = set(slot_names(cls)) - set(slot_names(BaseModel))
        return Kind(
            _Comparison.models,
            not cls.model_config.get("frozen"),
            tuple(cls.model_fields),
            frozenset(cached_properties(cls)),
            tuple(sorted(name for name in own if not name.startswith("_interlock_"))),
        )
    if cls is not FunctionType and issubclass(cls, BY_IDENTITY):
        return Kind(_Comparison.identities, can_change=False)
    parameters = getattr(cls, "__dataclass_params__", None)
    is_frozen = parameters is not None and parameters.frozen
    return Kind(
        _COMPARERS.get(cls, _Comparison.reduced), not (is_frozen or issubclass(cls, IMMUTABLE))
    )
