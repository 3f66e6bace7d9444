"""Protections of the comparison: what is found to be other than it was."""

from interlock_conformance.mutation import CodeEdit, Edits
from patch import Patch

_TESTS = "tests/core/test_comparing.py::"
_DIFFER = f"{_TESTS}test_values_that_differ"
_SAME = f"{_TESTS}test_values_that_are_the_same"
_STATES = "tests/core/test_comparing_states.py::"
_SHARED = f"{_STATES}test_one_object_at_two_places_of_a_state_is_not_two"
_IN_A_SET = f"{_STATES}test_one_object_in_a_set_and_elsewhere_is_not_two"

PATCHES = [
    Patch(
        "numbers are compared by what they are worth",
        "a Decimal's exponent is part of it",
        CodeEdit("exact_text", "str(value)", "value"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "zero has no sign",
        "-0.0 isn't 0.0",
        CodeEdit("exact_text", "(value, copysign(1.0, value))", "value"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "NaN differs from NaN",
        "NaN is the same as NaN",
        CodeEdit(
            "exact_text",
            "(value, copysign(1.0, value)) if value == value else 'nan'",
            "(value, copysign(1.0, value))",
        ),
        _SAME,
    ),
    Patch(
        "a moment is the same at any offset",
        "a datetime's offset is part of it",
        CodeEdit("_Comparison.times", "one.utcoffset() != other.utcoffset()", "False"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a zone is its offset",
        "a datetime's zone is part of it",
        CodeEdit("_Comparison.times", "zone_name(one.tzinfo) != zone_name(other.tzinfo)", "False"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a zone is its key",
        "a zone without a key is the same as no other",
        CodeEdit("zone_name", "zone.key or id(zone)", "zone.key"),
        _DIFFER,
    ),
    Patch(
        "a timezone's name is passed over",
        "a timezone's own name is part of it",
        CodeEdit(
            "zone_name",
            "None if name == timezone(zone.utcoffset(None)).tzname(None) else name",
            "None",
        ),
        _DIFFER,
    ),
    Patch(
        "a foreign zone is its offset",
        "a time zone of a class that isn't known is the same as no other",
        CodeEdit("zone_name", "None if type(zone) is TzInfo else id(zone)", "None"),
        _DIFFER,
    ),
    Patch(
        "who writes an offset counts",
        "an offset that was read from JSON is the one that was written",
        CodeEdit("zone_name", "None if type(zone) is TzInfo else id(zone)", "id(zone)"),
        f"{_TESTS}test_an_offset_is_the_same_whoever_writes_it",
    ),
    Patch(
        "fold is passed over",
        "which of two equal wall clock times is meant is part of it",
        CodeEdit("_Comparison.times", "one != other or one.fold != other.fold", "one != other"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a datetime is its zone",
        "a datetime's value is compared",
        CodeEdit(
            "_Comparison.times",
            "one != other or one.fold != other.fold",
            "one.fold != other.fold",
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a deque's bound is passed over",
        "a deque's maxlen is part of it",
        CodeEdit("_Comparison.deques", "if one.maxlen != other.maxlen:", "if False:"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a defaultdict's factory is passed over",
        "a defaultdict's factory is part of it",
        CodeEdit(
            "_Comparison.defaultdicts",
            "if self.differs(one.default_factory, other.default_factory) is not None:",
            "if False:",
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a sequence may be cut off",
        "the length of a sequence is compared",
        Edits(
            [
                CodeEdit("_Comparison.items", "if len(one) != len(other):", "if False:"),
                CodeEdit("_Comparison.items", "strict=True", "strict=False"),
            ]
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a mapping may be cut off",
        "the length of a mapping is compared",
        Edits(
            [
                CodeEdit("_Comparison.dicts", "if len(one) != len(other):", "if False:"),
                CodeEdit("_Comparison.dicts", "strict=True", "strict=False"),
            ]
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a mapping may come back in another order",
        "the order of a mapping is part of it",
        CodeEdit(
            "_Comparison.dicts",
            "zip(one.items(), other.items(), strict=True)",
            "(((key, value), (key, other.get(key))) for key, value in one.items())",
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "keys are passed over",
        "keys are compared, by type and value",
        CodeEdit("_Comparison.dicts", "self.differs(key, key_back)", "None"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a mapping's values are passed over",
        "what stands in a mapping is compared",
        CodeEdit("_Comparison.dicts", "self.differs(value, value_back)", "None"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "flat runs are compared by ==",
        "of flat values the types count, and the sign of zero",
        CodeEdit("are_flat", "marshal.dumps(one, 2) == marshal.dumps(other, 2)", "one == other"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "bytes pass for flat",
        "marshal doesn't tell bytes from a bytearray",
        CodeEdit(
            "FLAT",
            "frozenset({int, str, bool, float, type(None)})",
            "frozenset({int, str, bool, float, bytes, type(None)})",
        ),
        _DIFFER,
    ),
    Patch(
        "a list of lists passes for flat",
        "of lists in a list it counts which are one",
        CodeEdit(
            "_Comparison.items",
            "FLAT.issuperset(map(type, one)) and type(one) is not deque and are_flat(one, other)",
            "are_flat(one, other)",
        ),
        f"{_SHARED}",
        (19,),
    ),
    Patch(
        "a mapping of lists passes for flat",
        "of lists in a mapping it counts which are one",
        CodeEdit("_Comparison.dicts", "FLAT.issuperset(map(type, one.values()))", "True"),
        f"{_SHARED}",
        (19,),
    ),
    Patch(
        "the elements of a set are passed over",
        "the elements of a set are compared",
        CodeEdit(
            "_Comparison.sets",
            "atoms != atoms_back or len(rest) != len(rest_back)",
            "len(rest) != len(rest_back)",
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a set may lose elements",
        "as many elements of a set come back",
        CodeEdit(
            "_Comparison.sets",
            "atoms != atoms_back or len(rest) != len(rest_back)",
            "atoms != atoms_back",
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "elements of a set are equal whatever their type",
        "the elements of a set are compared by type too",
        CodeEdit("_values.atoms:counted", "atoms[cls, value] += 1", "atoms[value] += 1"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "numbers in a set are compared by what they are worth",
        "numbers in a set are compared as they are elsewhere",
        CodeEdit(
            "_values.atoms:counted", "atoms[cls, exact_text(value)] += 1", "atoms[cls, value] += 1"
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "composites in a set are passed over",
        "elements of a set that hold something are compared",
        CodeEdit("_Comparison.sets", "if not self._takes_out(rest_back, item):", "if False:"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "one element stands for two",
        "each element of a set is what came back of one",
        CodeEdit("_Comparison._takes_out", "del backs[index]", ""),
        _DIFFER,
    ),
    Patch(
        "a wrong guess in a set is kept",
        "which object came back of which is known only of elements that are the same",
        CodeEdit("_Comparison._takes_out", "each.popitem()", "break"),
        _IN_A_SET,
    ),
    Patch(
        "what stands in a set stands nowhere else",
        "one object in a set and elsewhere is one",
        CodeEdit(
            "_Comparison._takes_out",
            "self.differs(item, back)",
            "difference(item, back, self._kinds, is_state=self._is_state)",
        ),
        _IN_A_SET,
        (19,),
    ),
]
