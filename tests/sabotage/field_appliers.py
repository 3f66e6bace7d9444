"""Appliers that run on a bare object, and those that must not."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_"

PATCHES = [
    Patch(
        "whatever an applier does, its aggregate loses its class",
        "appliers that use more than fields meet their aggregate as it is",
        CodeEdit(
            "_is_of",
            "id(node) in of_fields if node.id == itself else node.id not in _REACHES_ITS_CALLER",
            "True",
        ),
        f"{_TESTS}field_appliers.py::test_appliers_meet_the_class_that_they_are_of",
    ),
    Patch(
        "a source is believed whatever was compiled",
        "only the source that a function was compiled from tells what it does",
        CodeEdit(
            "_source_of",
            """
            is_same = any(
                (each.co_code, each.co_names, each.co_varnames)
                == (code.co_code, code.co_names, code.co_varnames)
                for each in constants
                if isinstance(each, CodeType)
            )
            """,
            "is_same = True",
        ),
        f"{_TESTS}field_appliers.py::test_a_source_that_was_changed_since_proves_nothing",
    ),
    Patch(
        "rules for attributes don't hold in a replay",
        "an aggregate with rules of its own for attributes keeps its class",
        CodeEdit("_uses_fields_alone", "_has_no_rules(cls)", "True"),
        f"{_TESTS}field_appliers.py::test_an_aggregate_keeps_its_class_where_somebody_could_tell",
    ),
    Patch(
        "a failed replay leaves a bare object",
        "a state is an aggregate again when its events are folded, or can't be",
        CodeEdit(
            "fold_rows",
            """
            if bare is not None:
                set_class(state, cls)
            """,
            "pass",
        ),
        f"{_TESTS}field_appliers.py::test_a_bare_object_is_an_aggregate_again_when_an_applier_raises",
    ),
]
