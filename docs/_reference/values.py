"""The kinds of values: what becomes of each is run before its row is shown."""

import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).parents[2] / "tests/core"


def values(group: str) -> str:
    """A table of the kinds in a group; fails where one isn't as the catalogue says."""
    table: str = _catalogue().table(group)
    return table


def untried(group: str) -> str:
    """The same table as the catalogue says; `tests/core/test_kinds.py` tries each of its rows."""
    table: str = _catalogue().table(group, is_tried=False)
    return table


def examples() -> str:
    """The classes that the examples name."""
    source: str = _catalogue().classes_of_examples()
    return source


@cache
def _catalogue() -> Any:  # Any: a module that is found at run time
    sys.path.insert(0, str(_TESTS))
    return import_module("kinds.catalogue")
