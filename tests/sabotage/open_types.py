"""Protections against types that are taken for closed."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_closed.py::"
_OPEN = f"{_TESTS}test_what_is_not_known_to_be_exact_is_not_closed"
_LONG = f"{_TESTS}test_an_exact_state_is_not_decoded_and_one_with_a_long_number_is"

PATCHES = [
    Patch(
        "mappings with any keys are closed",
        "a mapping is closed if its keys are texts",
        CodeEdit("_Compiler.of_dict", "if keys is not _LEAVES['str']:", "if False:"),
        _OPEN,
    ),
    Patch(
        "sets of composites are closed",
        "a set is closed if what it holds holds nothing",
        CodeEdit(
            "_Compiler._elements",
            "if any((issubclass(cls, BaseModel | tuple | frozenset) for cls in items.types)):",
            "if False:",
        ),
        _OPEN,
    ),
    Patch(
        "tuples with a variadic part are closed",
        "a tuple is closed if it has one type, or a type for each item",
        CodeEdit(
            "_Compiler.of_tuple",
            """
            if 'variadic_item_index' in schema:
                raise _NotClosedError
            """,
            "",
        ),
        _OPEN,
    ),
    Patch(
        "what isn't known in a schema is passed over",
        "a schema that says something which isn't known isn't closed",
        CodeEdit(
            "_values.closed:_require",
            "if not schema.keys() <= {'type', 'ref', 'metadata', *known}:",
            "if False:",
        ),
        _OPEN,
        (19,),
    ),
    Patch(
        "constrained leaves are closed",
        "a number or text with a constraint isn't closed",
        CodeEdit("_Compiler.closed", "_require(schema)", ""),
        _OPEN,
    ),
    *(
        Patch(
            f"{what} with constraints are closed",
            f"what the schema of {what} says and isn't known makes it not closed",
            CodeEdit(f"_Compiler.{target}", require, ""),
            _OPEN,
        )
        for what, target, require in (
            (
                "moments",
                "of_datetime",
                "_require(schema, 'microseconds_precision', 'tz_constraint')",
            ),
            ("what may be absent", "of_nullable", "_require(schema, 'schema')"),
            ("mappings", "of_dict", "_require(schema, 'keys_schema', 'values_schema')"),
            ("tuples", "of_tuple", "_require(schema, 'items_schema', 'variadic_item_index')"),
            ("lists and sets", "_items", "_require(schema, 'items_schema')"),
            ("fields", "_field", "_require(field, 'schema', 'frozen')"),
            (
                "models",
                "_fields",
                "_require(schema, 'cls', 'config', 'schema', 'custom_init', 'root_model')",
            ),
            ("enums", "of_enum", "_require(schema, 'cls', 'members', 'sub_type')"),
        )
    ),
    Patch(
        "settings that aren't known are passed over",
        "a model with a setting that isn't known isn't closed",
        CodeEdit("_is_plain_model", "not config.keys() <= _SAFE_CONFIG", "False"),
        _OPEN,
        (19,),
    ),
    Patch(
        "models with extras are closed",
        "a model that takes extras isn't closed",
        CodeEdit("_is_plain_model", "config.get('extra_fields_behavior') == 'allow'", "False"),
        _OPEN,
        (19,),
    ),
    Patch(
        "models with slots are closed",
        "a model with slots isn't closed",
        CodeEdit("_is_plain_model", "kinds[cls].slots", "False"),
        _OPEN,
        (19,),
    ),
    Patch(
        "models with an __init__ of their own are closed",
        "a model with an __init__ of its own isn't closed",
        CodeEdit("_is_plain_model", "schema.get('custom_init')", "False"),
        _OPEN,
        (19,),
    ),
    Patch(
        "whatever stands in a model is taken for its fields",
        "a model whose fields stand in something else isn't closed",
        CodeEdit("_is_plain_model", "schema['schema']['type'] != 'model-fields'", "False"),
        _OPEN,
    ),
    Patch(
        "it looks into itself for ever",
        "a model that refers to itself isn't closed",
        CodeEdit("_Compiler._fields", "cls in self._under", "False"),
        _OPEN,
    ),
    Patch(
        "any number of shapes is listed",
        "a model with too many combinations of types isn't closed",
        CodeEdit("_shapes", "if prod((len(part.types) for part in parts)) > _SHAPES:", "if False:"),
        _OPEN,
    ),
    Patch(
        "long numbers pass",
        "a number that is too long to be read again is noticed",
        CodeEdit("Fidelity.is_exact", "not has_long_number(json)", "True"),
        _LONG,
        (19,),
    ),
    Patch(
        "a long number is looked for at its end",
        "a number is as long as its digits before and after the place that is looked at",
        CodeEdit("has_long_number", "run + end.end() - at", "end.end() - at"),
        "tests/core/test_fidelity.py::test_a_number_that_is_too_long_to_be_read_is_found",
    ),
    Patch(
        "what is exact is decoded too",
        "a state that the check passes isn't decoded",
        CodeEdit(
            "Fidelity.state_details",
            "json is not None and self.is_exact(state, json, ids)",
            "False",
        ),
        _LONG,
    ),
    *(
        Patch(
            f"a look passes {what}",
            "a look tells only of small states whose parts can't change, and without details",
            CodeEdit("Fidelity.is_plainly_exact", before, "True"),
            "tests/core/test_fidelity.py"
            "::test_a_look_tells_of_small_states_whose_parts_cannot_change",
        )
        for what, before in {
            "what can be long numbers": "len(json) <= _MAX_DIGITS",
            "other types": "walk(state, ids)",
        }.items()
    ),
    Patch(
        "a look passes unset names",
        "a look tells only of states without details",
        CodeEdit(
            "Fidelity.is_plainly_exact", "state.__pydantic_fields_set__ != self._names", "False"
        ),
        "tests/core/test_fidelity.py::test_a_look_tells_of_small_states_whose_parts_cannot_change",
    ),
    Patch(
        "a look passes parts that can change",
        "a look tells only of states whose parts can't change",
        CodeEdit("Fidelity.is_plainly_exact", "len(ids) == 1", "ids"),
        "tests/core/test_fidelity.py::test_a_look_tells_of_small_states_whose_parts_cannot_change",
    ),
    Patch(
        "a foreign codec is trusted",
        "a codec that isn't JSON is looked at by what it gives back",
        CodeEdit("AggregateMapper.verified", "payload if self._is_json else None", "payload"),
        "tests/core/test_kept_by_plain_classes.py::test_a_codec_that_loses_something_is_found_out",
        (19,),
    ),
]
