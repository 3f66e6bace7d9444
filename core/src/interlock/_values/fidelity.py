"""Whether a value survives its JSON: an event when it is emitted, a state before it is kept."""

import functools
import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from interlock._values.closed import UNSET, Walk, closed_walk
from interlock._values.comparing import Kinds, difference
from interlock._values.differences import Difference
from interlock._values.parts import cached_properties
from interlock._values.sharing import details_of, restore

_DIGITS = b"0123456789"
_MAX_DIGITS = 4300
"""CPython and pydantic read integers of at most so many digits (`sys.int_info`)."""
_AT_A_DIGIT = re.compile(rb"[0-9]*")


class Fidelity:
    """Tells what of a model class's objects survives JSON. Made once per class: `fidelity_of`."""

    def __init__(self, cls: type[BaseModel]) -> None:
        self.kinds = Kinds()
        """The analysis of the classes of its objects."""
        self._names = frozenset(cls.model_fields)
        self._walk: Walk | None = closed_walk(cls, self.kinds)
        self.cached = cached_properties(cls)
        """The names of the cached properties of its objects."""
        self.cost = 10 if self._walk is None else 2
        """How many times what it costs to encode an object it costs, at most, to verify it."""

    def event_difference(self, event: BaseModel, copy: BaseModel) -> Difference | None:
        """The first difference between an event that isn't exact and what its JSON decodes to."""
        return difference(event, copy, self.kinds, is_state=False)

    def is_plainly_exact(self, state: BaseModel, json: bytes) -> bool:
        """Whether one look tells that a state comes back from its JSON, without details.

        So it is with small states whose parts can't change. False means nothing.
        """
        walk = self._walk
        ids: list[int] = []
        if walk is None or state.__pydantic_fields_set__ != self._names or not walk(state, ids):
            return False
        return len(ids) == 1 and len(json) <= _MAX_DIGITS  # the one is of the state itself

    def state_details(
        self, state: BaseModel, json: bytes | None, decode: Callable[[], BaseModel]
    ) -> bytes | Difference:
        """The details that a record needs besides its payload, or the place of a loss.

        `json` is the payload where that is plain JSON. Raises what `decode` raises.
        """
        given = state.__pydantic_fields_set__
        details = b"" if given == self._names else self._root_details(state)
        ids: list[int] = []
        if json is not None and self.is_exact(state, json, ids):
            objects = [each for each in ids if each] if UNSET in ids else ids
            if len(objects) == len({*objects}):
                return details if objects is ids else self.details(state)
        found = difference(state, _restored(decode(), details), self.kinds, is_state=True)
        if found is None:
            return details
        more = self.details(state)
        try:
            copy = _restored(decode(), more)
        except Exception:  # noqa: BLE001 what the details are of hasn't come back
            return found
        return difference(state, copy, self.kinds, is_state=True) or more

    def details(self, state: BaseModel) -> bytes:
        """All that a state's JSON can't say; see `details_of`."""
        return details_of(state, self.kinds)

    def drop_cached(self, state: BaseModel) -> None:
        """Drop the values of the state's cached properties; they are no state."""
        for name in self.cached:
            state.__dict__.pop(name, None)

    def is_exact(self, value: BaseModel, json: bytes, ids: list[int]) -> bool:
        """Whether the JSON of an object is seen to be exact without decoding it.

        `ids` gets those of its mutable parts, see `closed.Check`.
        """
        walk = self._walk
        if walk is None or not walk(value, ids):
            return False
        return len(json) <= _MAX_DIGITS or not has_long_number(json)

    def _root_details(self, state: BaseModel) -> bytes:
        given = state.__pydantic_fields_set__
        if state.__pydantic_extra__:
            return b""
        return _unset_at_root(tuple(name for name in type(state).model_fields if name not in given))


def fidelity_of(cls: type[BaseModel]) -> Fidelity:
    """The class's fidelity, made at the first call and kept with the class."""
    fidelity: Fidelity | None = cls.__dict__.get("__interlock_fidelity__")
    if fidelity is None:
        fidelity = Fidelity(cls)
        type.__setattr__(cls, "__interlock_fidelity__", fidelity)
    return fidelity


def has_long_number(json: bytes) -> bool:
    """Whether there may be an integer in the JSON that is too long to be read again.

    A run of so many digits covers a multiple of their number. A minus counts as a digit, which it
    does for the lowest pydantic.
    """
    for at in range(_MAX_DIGITS, len(json), _MAX_DIGITS):
        if json[at] in _DIGITS:
            before = json[at - _MAX_DIGITS : at]
            head = before.rstrip(_DIGITS)
            run = len(before) - len(head) + head.endswith(b"-")
            end = _AT_A_DIGIT.match(json, at)
            if end is not None and run + end.end() - at > _MAX_DIGITS:
                return True
    return False


def told(error: Exception) -> str:
    """Describe an error of decoding without the values in it."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    # What stands below a field may be a key of a mapping, and that is data.
    return f"${''.join(f'.{step}' for step in first['loc'][:1])}: {first['type']}"


def told_of(model: BaseModel, error: Exception) -> str:
    """Describe an error of encoding or decoding, with the field that can't be encoded."""
    names = (*type(model).model_fields, *(model.__pydantic_extra__ or ()))
    if not isinstance(error, ValidationError) and _is_encoded(model, set()):
        for name in names:
            if not _is_encoded(model, {name}):
                return f"$.{name}: {told(error)}"
    return told(error)  # where a serializer takes the whole, no field is to blame


def _is_encoded(model: BaseModel, names: set[str]) -> bool:
    """Whether JSON can be made of these fields."""
    try:
        model.__pydantic_serializer__.to_json(model, include=names, warnings="none")
    except Exception:  # noqa: BLE001 whatever a serializer raises
        return False
    return True


@functools.lru_cache(maxsize=1024)
def _unset_at_root(names: tuple[str, ...]) -> bytes:
    return to_json({"unset": [[names, [[]]]]})


def _restored(copy: Any, details: bytes) -> Any:  # Any: a model
    if details:
        restore(copy, details)
    return copy
