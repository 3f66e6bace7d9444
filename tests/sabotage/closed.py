"""Protections of the check that stands for a decoding: of types whose JSON loses nothing."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_closed.py::"
_ODD = f"{_TESTS}test_what_is_not_as_declared_does_not_pass"
_OTHER = f"{_TESTS}test_an_object_of_another_class_or_with_other_attributes_does_not_pass"
_TWICE = f"{_TESTS}test_one_object_at_two_places_is_noted_twice"
_UNSET = f"{_TESTS}test_unset_names_below_the_root_are_noted"
_OPEN = f"{_TESTS}test_what_is_not_known_to_be_exact_is_not_closed"

PATCHES = [
    Patch(
        "a subclass passes for its base",
        "only an object of the very class is passed",
        CodeEdit("_Compiler.root", "type(model) is not cls", "False"),
        _OTHER,
        (19,),
    ),
    Patch(
        "a state passes with any attributes",
        "a state that is passed has its fields, in their order, and nothing else",
        CodeEdit("_Compiler.root", "tuple(values) != names", "False"),
        _OTHER,
        (19,),
    ),
    Patch(
        "a state's fields pass with any type",
        "the types of a state's fields are looked at",
        CodeEdit(
            "_Compiler.root", "if tuple(map(type, values.values())) not in shapes:", "if False:"
        ),
        _ODD,
        (19,),
    ),
    Patch(
        "what a state's fields hold is passed over",
        "what a state's fields hold is looked at",
        CodeEdit("_Compiler.root", "if not check((values[name],), ids):", "if False:"),
        _ODD,
        (19,),
    ),
    Patch(
        "a model passes with any attributes",
        "a model that is passed has its fields, in their order, and nothing else",
        CodeEdit("_Compiler.of_model", "orders.issuperset(map(tuple, values))", "True"),
        _ODD,
        (19,),
    ),
    Patch(
        "a model's fields pass with any type",
        "the types of a model's fields are looked at",
        CodeEdit(
            "_Compiler.of_model",
            "shapes.issuperset([tuple(map(type, each.values())) for each in values])",
            "True",
        ),
        _ODD,
        (19,),
    ),
    Patch(
        "what a model's fields hold is passed over",
        "what a model's fields hold is looked at",
        CodeEdit(
            "_Compiler.of_model",
            "all((look([each[name] for each in values], ids) for name, look in checks))",
            "True",
        ),
        _ODD,
        (19,),
    ),
    Patch(
        "models are not noted",
        "a model that stands at two places is noted",
        CodeEdit("_Compiler.of_model", "if can_change:", "if False:"),
        _TWICE,
        (19,),
    ),
    Patch(
        "constants are noted",
        "what can't change may stand at several places, and needs no decoding",
        CodeEdit("_Compiler.of_model", "if can_change:", "if True:"),
        f"{_TESTS}test_one_object_that_cannot_change_may_stand_at_two_places",
    ),
    Patch(
        "unset names are not noted",
        "unset names of models are noted",
        CodeEdit("_Compiler.of_model", "ids.append(UNSET)", "pass"),
        _UNSET,
        (19,),
    ),
    Patch(
        "lists and sets are not noted",
        "a list or set that stands at two places is noted",
        CodeEdit("_noting", "ids += map(id, found)", ""),
        _TWICE,
        (19,),
    ),
    Patch(
        "mappings are not noted",
        "a mapping that stands at two places is noted",
        CodeEdit("_Compiler.of_dict", "ids += map(id, found)", ""),
        _TWICE,
        (19,),
    ),
    Patch(
        "items pass with any type",
        "the types of what a collection holds are looked at",
        CodeEdit(
            "_over", "if not types.issuperset(map(type, chain.from_iterable(found))):", "if False:"
        ),
        _ODD,
        (19,),
    ),
    Patch(
        "what items hold is passed over",
        "what the items of a collection hold is looked at",
        CodeEdit("_over", "check is None or check(list(chain.from_iterable(found)), ids)", "True"),
        _ODD,
        (19,),
    ),
    Patch(
        "keys pass with any type",
        "the types of keys are looked at",
        CodeEdit("_Compiler.of_dict", "over_keys(found, ids)", "True"),
        _ODD,
        (19,),
    ),
    Patch(
        "a mapping's values pass",
        "what a mapping holds is looked at",
        CodeEdit(
            "_Compiler.of_dict", "over_values([each.values() for each in found], ids)", "True"
        ),
        _ODD,
        (19,),
    ),
    Patch(
        "a tuple passes with any types",
        "the types of what a tuple holds are looked at, and its length",
        CodeEdit(
            "_Compiler.of_tuple",
            "shapes.issuperset([tuple(map(type, value)) for value in found])",
            "True",
        ),
        _ODD,
        (19,),
    ),
    Patch(
        "what a tuple's items hold is passed over",
        "what a tuple's items hold is looked at",
        CodeEdit(
            "_Compiler.of_tuple",
            "part.check is None or part.check([value[index] for value in found], ids)",
            "True",
        ),
        _ODD,
        (19,),
    ),
    Patch(
        "what may be absent is passed over",
        "what may be None is looked at where it isn't",
        CodeEdit("_Compiler.of_nullable", "if check is None:", "if True:"),
        _ODD,
        (19,),
    ),
    Patch(
        "NaN and infinities pass",
        "JSON has no NaN and no infinity",
        CodeEdit("_LEAVES", "all(map(isfinite, values))", "True"),
        _ODD,
        (19,),
    ),
    Patch(
        "a Decimal's NaN and infinities pass",
        "a Decimal that isn't finite can't be read again",
        CodeEdit("_LEAVES", "all(map(Decimal.is_finite, values))", "True"),
        _ODD,
        (19,),
    ),
    Patch(
        "any text passes for a literal",
        "a literal is one of those that are declared",
        CodeEdit("_Compiler.of_literal", "expected.issuperset(values)", "True"),
        _ODD,
        (19,),
    ),
    Patch(
        "fold passes",
        "JSON has no fold",
        CodeEdit("_is_exact_moment", "if value.fold:", "if False:"),
        _ODD,
        (19,),
    ),
    Patch(
        "seconds of an offset pass",
        "an offset is written in minutes",
        CodeEdit("_is_exact_moment", "offset.seconds % 60 == 0", "True"),
        _ODD,
        (19,),
    ),
    Patch(
        "any zone passes",
        "JSON has the offset of a zone and not the zone",
        CodeEdit("_is_exact_moment", "zone is None or zone is UTC", "True"),
        _ODD,
        (19,),
    ),
    Patch(
        "a naive datetime passes for an aware one",
        "a naive datetime can't be read where an aware one is declared",
        CodeEdit("_are_aware", "all((value.tzinfo is not None for value in values))", "True"),
        _ODD,
        (19,),
    ),
    Patch(
        "moments with a constraint are closed",
        "a datetime with a constraint isn't closed",
        CodeEdit("_Compiler.of_datetime", "if constraint not in (None, 'aware'):", "if False:"),
        _OPEN,
    ),
    Patch(
        "enums of several types are closed",
        "an enum is closed if its values are texts, or numbers",
        CodeEdit("_Compiler.of_enum", "types in ({str}, {int})", "True"),
        _OPEN,
    ),
    Patch(
        "enums that guess are closed",
        "an enum whose _missing_ guesses isn't closed, nor a flag",
        CodeEdit("_Compiler.of_enum", "cls._missing_.__func__ is _GUESSES_NOTHING", "True"),
        _OPEN,
    ),
    Patch(
        "enums with an == of their own are closed",
        "an enum with an == of its own isn't closed",
        CodeEdit("_Compiler.of_enum", "cls.__eq__ not in _PLAIN_EQUALITY", "False"),
        _OPEN,
    ),
    Patch(
        "literals of several types are closed",
        "a literal is closed if it is of texts, or of numbers",
        CodeEdit(
            "_Compiler.of_literal", "if not types <= {str} and (not types <= {int}):", "if False:"
        ),
        _OPEN,
    ),
]
