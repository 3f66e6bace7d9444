"""What costs over 2 % more instructions than it did fails, and is told with both numbers."""

import json

from counted import LENGTHS
from instructions import FIGURES, dearer


def test_what_costs_as_much_or_a_little_more_passes() -> None:
    assert list(dearer({"load": 1_000, "command": 1_020}, {"load": 1_000, "command": 1_000})) == []


def test_what_costs_more_is_told_with_both_numbers() -> None:
    (line,) = dearer({"load": 1_000, "command": 1_075}, {"load": 1_000, "command": 1_000})
    assert line.startswith("command costs 1,075 instructions, 7.5% more than 1,000;")


def test_an_operation_without_a_figure_fails() -> None:
    assert list(dearer({"load": 1}, {})) == ["load has no figure yet; --renew makes it"]


def test_an_operation_that_is_no_longer_counted_fails() -> None:
    assert list(dearer({}, {"load": 1})) == ["no longer counted: load; --renew leaves them out"]


def test_every_operation_has_a_figure() -> None:
    for figures in json.loads(FIGURES.read_text("utf-8")).values():
        assert figures["instructions"].keys() == LENGTHS.keys()
