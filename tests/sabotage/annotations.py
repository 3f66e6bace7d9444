"""Protections of types: handlers answer what is promised, events are of the class asked for."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_PROMISES = "tests/core/test_promises.py::"
_TESTS = "tests/core/test_annotations.py::"
_REFUSED = f"{_PROMISES}test_a_handler_that_answers_otherwise_than_promised_is_refused"
_TAKEN = f"{_PROMISES}test_a_handler_whose_answer_may_be_right_is_taken"
_PASSES = f"{_TESTS}test_an_answer_that_may_be_right_passes"
_TOLD = f"{_TESTS}test_an_answer_that_cannot_be_right_is_told"

PATCHES = [
    Patch(
        "a handler may answer anything",
        "a handler answers what its command promises",
        CodeEdit("build_routes", "check_answer(function, command)", ""),
        f"{_REFUSED}[_returns_none-said]",
    ),
    Patch(
        "an answer that doesn't resolve is refused",
        "what only a type checker can resolve isn't needed",
        CodeEdit("check_answer", "except Exception:", "except AttributeError:"),
        f"{_TAKEN}[_returns_what_only_checkers_know]",
    ),
    Patch(
        "an optional answer passes for one that is always there",
        "each type of a union has to fit",
        CodeEdit(
            "may_be",
            "all((any((_one_may_be(one, other) for other in others))"
            " for one in _alternatives(found)))",
            "any((any((_one_may_be(one, other) for other in others))"
            " for one in _alternatives(found)))",
        ),
        f"{_TOLD}[int | None-int]",
    ),
    Patch(
        "what is awaited counts as the awaitable",
        "an awaitable answer is what it is awaited for",
        CodeEdit("_one_may_be", "issubclass(cls, Awaitable)", "False"),
        f"{_PASSES}[collections.abc.Awaitable[int]-int]",
    ),
    Patch(
        "events of other classes are given too",
        "only events of the class that is asked for are given",
        CodeEdit("Application.events", "if row[2] not in others:", "if True:"),
        "tests/core/test_runtime_events.py::test_events_of_a_class_are_given_alone[Deposited-versions1]",
    ),
]
