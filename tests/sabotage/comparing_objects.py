"""Protections of how models and other objects are compared."""

from interlock_conformance.mutation import CodeEdit, Edits
from patch import Patch

_TESTS = "tests/core/test_comparing.py::"
_DIFFER = f"{_TESTS}test_values_that_differ"
_SAME = f"{_TESTS}test_values_that_are_the_same"
_STATES = "tests/core/test_comparing_states.py::"
_BESIDE = "{**(extra or {}), **(private or {}), **held}"

PATCHES = [
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
        CodeEdit("beside_fields", _BESIDE, "{**(private or {}), **held}"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "private attributes are passed over",
        "a model's private attributes are part of it",
        CodeEdit("beside_fields", _BESIDE, "{**(extra or {}), **held}"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "a model's slots are passed over",
        "what stands in a model's slots is part of it",
        CodeEdit("beside_fields", _BESIDE, "{**(extra or {}), **(private or {})}"),
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
        CodeEdit("reduction", "{**(state[0] or {}), **state[1]}", "state[0] or {}"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "the items of an object are passed over",
        "what a subclass of list holds is compared",
        CodeEdit("reduction", "list(items or ())", "[]"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "the pairs of an object are passed over",
        "what a subclass of dict holds is compared",
        CodeEdit("reduction", "dict(pairs or ())", "{}"),
        _DIFFER,
        (19,),
    ),
    Patch(
        "an object that is pickled by a name is that name",
        "objects that are pickled by a name can't be compared",
        CodeEdit(
            "reduction",
            'raise TypeError("reduces to the name of a global")',
            "return [reduced, None, [], {}, None]",
        ),
        _DIFFER,
    ),
    Patch(
        "copyreg is not asked",
        "a class whose reduction is registered can be compared",
        CodeEdit("reduction", "copyreg.dispatch_table.get(type(value))", "None"),
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
]
