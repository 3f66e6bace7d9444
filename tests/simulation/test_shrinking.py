"""A run that goes wrong is made smaller, and told as a test."""

from collections.abc import Sequence

from choices import Choices
from history_checker import check
from runs import faulty
from shrinking import as_test, shrink
from simulated_world import simulate


def test_what_isnt_needed_is_left_out() -> None:
    def fails(choices: Sequence[int]) -> bool:
        return 7 in choices and 3 in choices[choices.index(7) :]

    assert shrink([1, 2, 7, 4, 0, 5, 3, 2, 2], fails) == [7, 3]


def test_choices_become_tame_where_they_cant_be_left_out() -> None:
    assert shrink([5, 4, 9, 8], lambda choices: len(choices) > 2 and choices[2] == 9) == [0, 0, 9]


def test_a_run_that_needs_no_choice_is_the_tame_one() -> None:
    assert shrink([3, 1, 2], lambda _: True) == []


def test_the_test_that_is_printed_makes_the_run_again() -> None:
    said = as_test(faulty(3).choices)
    seen: list[str] = []

    def noting(history: object) -> None:
        seen.append(str(history))

    names: dict[str, object] = {"Choices": Choices, "simulate": simulate, "check": noting}
    exec(said, names)  # noqa: S102 our own
    test = names["test_again"]
    assert callable(test)
    test()
    assert seen == [str(faulty(3).history)]
    check(faulty(3).history)
