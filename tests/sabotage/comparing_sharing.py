"""Protections of what a comparison tells of sharing, unset names and cached properties."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_comparing.py::"
_STATES = "tests/core/test_comparing_states.py::"
_SHARED = f"{_STATES}test_one_object_at_two_places_of_a_state_is_not_two"
_CONSTANT = f"{_STATES}test_what_cannot_change_may_stand_at_two_places"
_NO_STATE = f"{_STATES}test_a_cached_property_is_no_state"
_NEVER_LATE = f"{_STATES}test_a_cached_property_of_what_cannot_change_is_never_out_of_date"
_LATE = f"{_STATES}test_a_cached_property_of_what_may_change_counts"

PATCHES = [
    Patch(
        "a key is told",
        "an error tells the position of an entry, since its key is data",
        CodeEdit(
            "_Comparison.dicts",
            'Difference(f"[{index}]", f"its key: {found.what}")',
            'Difference(f"[{key!r}]", f"its key: {found.what}")',
        ),
        f"{_TESTS}test_a_difference_tells_where_and_never_what_stood_there",
    ),
    Patch(
        "one object may come back as two",
        "an object that stands at two places comes back as one",
        CodeEdit(
            "_Comparison.differs",
            "partner is not other or original is not one",
            "original is not one",
        ),
        _SHARED,
        (19,),
    ),
    Patch(
        "two objects may come back as one",
        "objects that are two come back as two",
        CodeEdit(
            "_Comparison.differs",
            "partner is not other or original is not one",
            "partner is not other",
        ),
        _SHARED,
        (19,),
    ),
    Patch(
        "which objects are one counts in events",
        "an event may hold an object twice: whoever reads it decodes it",
        CodeEdit("_Comparison.differs", "kind.can_change and self._is_state", "kind.can_change"),
        _SHARED,
    ),
    Patch(
        "which constants are one counts",
        "what can't change may stand at several places",
        CodeEdit("_Comparison.differs", "kind.can_change and self._is_state", "self._is_state"),
        _CONSTANT,
    ),
    Patch(
        "frozen models can change",
        "a frozen model may stand at several places",
        CodeEdit("_kind", "not cls.model_config.get('frozen')", "True"),
        _CONSTANT,
    ),
    Patch(
        "frozen dataclasses can change",
        "a frozen dataclass may stand at several places",
        CodeEdit("_kind", "parameters is not None and parameters.frozen", "False"),
        _CONSTANT,
    ),
    Patch(
        "unset names are passed over",
        "which names of a state's models are unset is part of it",
        CodeEdit(
            "_Comparison.models",
            "self._is_state and one.__pydantic_fields_set__ != other.__pydantic_fields_set__",
            "False",
        ),
        f"{_STATES}test_names_that_are_unset_count_in_states_alone",
        (19,),
    ),
    Patch(
        "unset names count in events",
        "which names of an event are unset is seen by nobody who reads it",
        CodeEdit(
            "_Comparison.models",
            "self._is_state and one.__pydantic_fields_set__ != other.__pydantic_fields_set__",
            "one.__pydantic_fields_set__ != other.__pydantic_fields_set__",
        ),
        f"{_STATES}test_names_that_are_unset_count_in_states_alone",
    ),
    Patch(
        "cached properties are state",
        "a cached property is no state",
        CodeEdit("_Comparison.models", "if kind.cached:", "if False:"),
        _NO_STATE,
    ),
    Patch(
        "cached properties of a state's models are passed over",
        "a cached property of what can change may be out of date",
        CodeEdit(
            "_Comparison.models",
            "computed and self._is_state and one is not self._root and not self._is_constant(one)",
            "False",
        ),
        _LATE,
        (19,),
    ),
    Patch(
        "cached properties of the state itself are told",
        "a state's own cached properties are dropped",
        CodeEdit("_Comparison.models", "one is not self._root", "True"),
        _NO_STATE,
    ),
    Patch(
        "cached properties of constants are told",
        "a cached property of what can't change is never out of date",
        CodeEdit("_Comparison.models", "not self._is_constant(one)", "True"),
        _NEVER_LATE,
    ),
    Patch(
        "what a constant holds can't change",
        "a constant may hold what can change",
        CodeEdit(
            "_Comparison._is_constant",
            "not kind.can_change and all(map(self._is_constant, held))",
            "not kind.can_change",
        ),
        _LATE,
    ),
    Patch(
        "what a frozen model holds beside its fields can't change",
        "a frozen model's extras may change",
        CodeEdit("_Comparison._is_constant", "*beside_fields(value, kind.slots).values()", "*()"),
        _LATE,
    ),
    Patch(
        "what a frozen dataclass holds can't change",
        "a frozen dataclass may hold what can change",
        CodeEdit(
            "_Comparison._is_constant",
            "is_dataclass(value) and (not isinstance(value, type))",
            "False",
        ),
        _LATE,
    ),
    Patch(
        "inherited cached properties are state",
        "inherited cached properties are known",
        CodeEdit("cached_properties", "reversed(cls.__mro__)", "(cls,)"),
        f"{_STATES}test_cached_properties_are_known_wherever_they_are_declared",
    ),
    Patch(
        "cached computed fields are state",
        "a computed field that is cached is a cached property",
        CodeEdit("cached_properties", "getattr(member, 'wrapped', member)", "member"),
        f"{_STATES}test_cached_properties_are_known_wherever_they_are_declared",
    ),
]
