"""Protections of the reader of configurations."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_EDGES = "tests/core/test_toml_edges.py::test_"

PATCHES = [
    Patch(
        "a secret is read from whatever has the name",
        "a file that may not end isn't read",
        CodeEdit("read_text", "not stat.S_ISREG(os.fstat(file.fileno()).st_mode)", "False"),
        f"{_EDGES}a_secret_is_read_from_a_file_that_ends",
    ),
    Patch(
        "a file is read to its end",
        "a file is read as far as its bound",
        CodeEdit("read_text", "len(data) > at_most", "False"),
        f"{_EDGES}a_secret_is_read_from_a_file_that_ends",
    ),
    Patch(
        "tables stand in each other without an end",
        "a parser that recurses gets no text that is nested deeper than it bears",
        CodeEdit("_Look._deeper", "depth == DEEPEST", "False"),
        f"{_EDGES}the_deepest_is_the_deepest",
    ),
    Patch(
        "what couldn't be had is told of again",
        "a value that can't be had is told of once",
        CodeEdit("Problems.unfilled", "self._unfilled.add(place)", "None"),
        f"{_EDGES}a_value_that_cannot_be_had_is_told_of_once",
    ),
    Patch(
        "a problem of a profile is told in the base's line",
        "a problem tells the line that it is in",
        CodeEdit("Problems._in_profile", "self._profile is None", "True"),
        f"{_EDGES}a_problem_of_a_profile_tells_the_line_in_the_profile",
    ),
    Patch(
        "what a profile replaces is merged",
        "a profile can replace a table",
        CodeEdit("_merged", "place in wanted", "False"),
        "tests/core/test_toml_edges.py::TestReplacing::test_what_a_profile_replaces_is_not_merged",
    ),
]
