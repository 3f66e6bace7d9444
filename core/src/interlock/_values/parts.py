"""The parts of an object that a comparison of two objects compares."""

import copyreg
import functools
from collections.abc import Mapping

from pydantic import BaseModel


def cached_properties(cls: type) -> tuple[str, ...]:
    """List the names of a class's cached properties, inherited ones too."""
    members: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        members |= vars(base)
    return tuple(
        name
        for name, member in members.items()
        # A computed field is pydantic's proxy around what was decorated.
        if isinstance(getattr(member, "wrapped", member), functools.cached_property)
    )


def slot_names(cls: type) -> list[str]:
    """The names of a class's slots, inherited ones too."""
    names: list[str] = copyreg._slotnames(cls)  # type: ignore[attr-defined] # noqa: SLF001 as copy does
    return names


def beside_fields(model: BaseModel, slots: tuple[str, ...]) -> Mapping[str, object]:
    """The attributes of a model that are no fields: extra ones, private ones, and its slots."""
    extra, private = model.__pydantic_extra__, model.__pydantic_private__
    held = {name: getattr(model, name) for name in slots if hasattr(model, name)}
    return {**(extra or {}), **(private or {}), **held}


def reduction(value: object) -> list[object]:
    """The parts of `__reduce_ex__`, lists and dictionaries made of its iterators, state last."""
    registered = copyreg.dispatch_table.get(type(value))
    reduced = value.__reduce_ex__(2) if registered is None else registered(value)
    if not isinstance(reduced, tuple):
        raise TypeError("reduces to the name of a global")
    make, arguments, state, items, pairs, *_ = *reduced, None, None, None
    if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):  # noqa: PLR2004 the form for slots
        state = {**(state[0] or {}), **state[1]}
    return [make, arguments, list(items or ()), dict(pairs or ()), state]
