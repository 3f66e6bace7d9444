"""Protections of the comparison: what is found to be other than it was."""

from interlock_conformance.mutation import CodeEdit, Edits
from patch import Patch

_TESTS = "tests/core/test_comparing.py::"
_DIFFER = f"{_TESTS}test_values_that_differ"
_SAME = f"{_TESTS}test_values_that_are_the_same"
_STATES = "tests/core/test_comparing_states.py::"
_SHARED = f"{_STATES}test_one_object_at_two_places_of_a_state_is_not_two"
_IN_A_SET = f"{_STATES}test_one_object_in_a_set_and_elsewhere_is_not_two"
_CONSTANT = f"{_STATES}test_what_cannot_change_may_stand_at_two_places"
_NO_STATE = f"{_STATES}test_a_cached_property_is_no_state"
_NEVER_LATE = f"{_STATES}test_a_cached_property_of_what_cannot_change_is_never_out_of_date"
_LATE = f"{_STATES}test_a_cached_property_of_what_may_change_counts"
_BESIDE = "{**(extra or {}), **(private or {}), **slots}"

PATCHES = [
    Patch(
        "numbers are compared by what they are worth",
        "a Decimal's exponent is part of it",
        CodeEdit("_text", "str(value)", "value"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "zero has no sign",
        "-0.0 isn't 0.0",
        CodeEdit("_text", "(value, copysign(1.0, value))", "value"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "NaN differs from NaN",
        "NaN is the same as NaN",
        CodeEdit(
            "_text",
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
        CodeEdit(
            "_Comparison.times", "_zone_name(one.tzinfo) != _zone_name(other.tzinfo)", "False"
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a zone is its key",
        "a zone without a key is the same as no other",
        CodeEdit("_zone_name", "zone.key or id(zone)", "zone.key"),
        _DIFFER,
    ),
    Patch(
        "a timezone's name is passed over",
        "a timezone's own name is part of it",
        CodeEdit(
            "_zone_name",
            "None if name == timezone(zone.utcoffset(None)).tzname(None) else name",
            "None",
        ),
        _DIFFER,
    ),
    Patch(
        "a foreign zone is its offset",
        "a time zone of a class that isn't known is the same as no other",
        CodeEdit("_zone_name", "None if type(zone) is TzInfo else id(zone)", "None"),
        _DIFFER,
    ),
    Patch(
        "who writes an offset counts",
        "an offset that was read from JSON is the one that was written",
        CodeEdit("_zone_name", "None if type(zone) is TzInfo else id(zone)", "id(zone)"),
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
        CodeEdit("_are_flat", "marshal.dumps(one, 2) == marshal.dumps(other, 2)", "one == other"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "bytes pass for flat",
        "marshal doesn't tell bytes from a bytearray",
        CodeEdit(
            "_FLAT",
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
            "_FLAT.issuperset(map(type, one)) and type(one) is not deque and _are_flat(one, other)",
            "_are_flat(one, other)",
        ),
        f"{_SHARED}",
        (19,),
    ),
    Patch(
        "a mapping of lists passes for flat",
        "of lists in a mapping it counts which are one",
        CodeEdit("_Comparison.dicts", "_FLAT.issuperset(map(type, one.values()))", "True"),
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
        CodeEdit("_values.comparing:_counted", "atoms[cls, value] += 1", "atoms[value] += 1"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "numbers in a set are compared by what they are worth",
        "numbers in a set are compared as they are elsewhere",
        CodeEdit(
            "_values.comparing:_counted", "atoms[cls, _text(value)] += 1", "atoms[cls, value] += 1"
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
    Patch(
        "members of an enum are asked",
        "a user's == is never asked",
        CodeEdit("_Comparison.identities", "one is other", "one == other"),
        _DIFFER,
    ),
    Patch(
        "all UUIDs are one",
        "UUIDs are compared",
        CodeEdit("_Comparison.uuids", "one.int == other.int", "True"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a function is what it refers to",
        "a function's code is part of it",
        CodeEdit("_Comparison.functions", "one.__code__ is other.__code__", "True"),
        _DIFFER,
    ),
    Patch(
        "a function is the same in any module",
        "the globals that a function uses are part of it",
        CodeEdit("_Comparison.functions", "one.__globals__ is other.__globals__", "True"),
        _DIFFER,
    ),
    Patch(
        "a function's closure is passed over",
        "what a function closes over is part of it",
        CodeEdit(
            "_Comparison.functions",
            "*(cell.cell_contents for cell in each.__closure__ or ())",
            "*()",
        ),
        _DIFFER,
    ),
    Patch(
        "a function's defaults are passed over",
        "a function's defaults are part of it",
        CodeEdit("_Comparison.functions", "each.__defaults__", "None"),
        _DIFFER,
    ),
    Patch(
        "a function's keyword defaults are passed over",
        "a function's keyword defaults are part of it",
        CodeEdit("_Comparison.functions", "each.__kwdefaults__", "None"),
        _DIFFER,
    ),
    Patch(
        "fields are compared by ==",
        "a field's type counts, in the quick way too",
        CodeEdit("_Comparison.models", "type(back) is type(value)", "True"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "fields of simple types are passed over",
        "a field's value counts, in the quick way too",
        CodeEdit("_Comparison.models", "value == back", "True"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "fields of other types are passed over",
        "each field is compared",
        CodeEdit("_Comparison.models", "self.differs(value, back)", "None"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "fields may come back in another order",
        "the names of a model's attributes are compared, in their order",
        CodeEdit(
            "_Comparison.models",
            "zip(left.items(), right.items(), strict=True)",
            "(((name, left[name]), (name, right.get(name))) for name in left)",
        ),
        _DIFFER,
    ),
    Patch(
        "a model may lose attributes",
        "a model has as many attributes as before",
        Edits(
            [
                CodeEdit("_Comparison.models", "if len(left) != len(right):", "if False:"),
                CodeEdit("_Comparison.models", "strict=True", "strict=False"),
            ]
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "extras are passed over",
        "a model's extras are part of it",
        CodeEdit("_beside_fields", _BESIDE, "{**(private or {}), **slots}"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "private attributes are passed over",
        "a model's private attributes are part of it",
        CodeEdit("_beside_fields", _BESIDE, "{**(extra or {}), **slots}"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a model's slots are passed over",
        "what stands in a model's slots is part of it",
        CodeEdit("_beside_fields", _BESIDE, "{**(extra or {}), **(private or {})}"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "what a model has beside its fields is looked for before alone",
        "extras and private attributes that come up only afterwards are noticed",
        CodeEdit(
            "_Comparison.models",
            "other.__pydantic_extra__ or other.__pydantic_private__",
            "False",
        ),
        _DIFFER,
    ),
    Patch(
        "attributes that come up only afterwards are passed over",
        "an object has the attributes that it had, and no more",
        CodeEdit(
            "_Comparison._attributes",
            "(*one, *(name for name in other if name not in one))",
            "one",
        ),
        _DIFFER,
    ),
    Patch(
        "attributes are passed over",
        "the attributes of any object are compared",
        CodeEdit("_Comparison._attributes", "self.differs(one[name], other[name])", "None"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "what an object is made of is passed over",
        "what an object is made of, and what it holds, is compared",
        CodeEdit(
            "_Comparison.reduced", "if self.items(parts, parts_back) is not None:", "if False:"
        ),
        _DIFFER,
        (19,),
    ),
    Patch(
        "an object's state is passed over unless it is a dictionary",
        "an object's state is compared, whatever it is",
        CodeEdit("_Comparison.reduced", "self.differs(state, state_back)", "None"),
        _DIFFER,
    ),
    Patch(
        "the slots of an object are passed over",
        "what stands in an object's slots is compared",
        CodeEdit("_reduction", "{**(state[0] or {}), **state[1]}", "state[0] or {}"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "the items of an object are passed over",
        "what a subclass of list holds is compared",
        CodeEdit("_reduction", "list(items or ())", "[]"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "the pairs of an object are passed over",
        "what a subclass of dict holds is compared",
        CodeEdit("_reduction", "dict(pairs or ())", "{}"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "an object that is pickled by a name is that name",
        "objects that are pickled by a name can't be compared",
        CodeEdit(
            "_reduction",
            'raise TypeError("reduces to the name of a global")',
            "return [reduced, None, [], {}, None]",
        ),
        _DIFFER,
    ),
    Patch(
        "copyreg is not asked",
        "a class whose reduction is registered can be compared",
        CodeEdit("_reduction", "copyreg.dispatch_table.get(type(value))", "None"),
        _SAME,
    ),
    Patch(
        "what can't be compared is the same",
        "what can't be compared differs",
        CodeEdit(
            "_Comparison.reduced",
            "return Difference('', f\"{a(type(one))} can't be compared with what comes back\")",
            "return None",
        ),
        f"{_TESTS}test_what_cannot_be_taken_apart_differs",
        (19,),
    ),
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
        CodeEdit("_Comparison._is_constant", "*_beside_fields(kind, value).values()", "*()"),
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
