"""Protections of the reader of configurations."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_PLUGINS_UNLOADED = "tests/core/test_plugins_unloaded.py::"
_EDGES = "tests/core/test_toml_edges.py::test_"
_CHECK = "tests/core/test_checking.py::"
_NAMES = "tests/core/test_plugins.py::"

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
        "tests/core/test_toml_replacing.py::TestReplacing::test_what_a_profile_replaces_is_not_merged",
    ),
    Patch(
        "what build refuses passes the check",
        "the check makes each backend, as build() does",
        CodeEdit("checked", "_build(settings, problems)", "None"),
        f"{_CHECK}TestWhatBuildRefuses::test_it_is_an_error_of_the_check",
    ),
    Patch(
        "the check sees the profile in use",
        "the check sees every profile",
        CodeEdit("checking:check", "[None, *found.profiles]", "[None]"),
        f"{_CHECK}TestProfiles::test_each_is_checked_and_what_is_wrong_without_any_is_told_once",
    ),
    Patch(
        "a variable that prod alone has fails everywhere",
        "what isn't here is only noted of a profile that isn't in use",
        CodeEdit("checking:check", "each.is_of_here and name != used", "False"),
        f"{_CHECK}TestProfiles::test_what_is_not_here_is_only_noted_of_those_that_are_not_in_use",
    ),
    Patch(
        "a strategy without a backend is passed over",
        "a strategy without a backend is noted",
        CodeEdit("checked", "_look(settings, problems)", "None"),
        f"{_CHECK}TestNotes::test_a_strategy_without_a_backend_and_the_reverse",
    ),
    Patch(
        "the last of a distribution that is found twice counts",
        "the distribution that imports take is the one that counts",
        CodeEdit(
            "Catalogue.__init__",
            "self._points.setdefault(key, point)",
            "self._points[key] = point",
        ),
        f"{_NAMES}TestDistributions::"
        "test_of_one_that_is_found_twice_the_first_is_taken_as_imports_do",
    ),
    Patch(
        "each spelling is a distribution",
        "the spellings of a name are one distribution",
        CodeEdit("normal", r're.sub("[-_.]+", "-", distribution).lower()', "distribution"),
        f"{_NAMES}TestDistributions::test_the_spellings_of_a_name_are_one_distribution",
    ),
    Patch(
        "the core's own need metadata",
        "a frozen application has the core's own backends",
        CodeEdit("installed_points", "_OWN.items()", "()"),
        f"{_NAMES}TestDistributions::test_without_any_metadata_the_cores_own_are_there",
    ),
    Patch(
        "broken metadata stops the look-up",
        "a distribution whose metadata can't be read stops nothing",
        CodeEdit("installed_points", "suppress(Exception)", "suppress()"),
        f"{_NAMES}TestDistributions::test_one_whose_metadata_is_broken_stops_nothing",
    ),
    Patch(
        "packages are imported for a glance",
        "what is installed is told without running it",
        CodeEdit(
            "source_summary:_found", "folders = spec.submodule_search_locations", "__import__(name)"
        ),
        f"{_PLUGINS_UNLOADED}TestWithoutLoading::test_a_module_in_a_package_is_read_and_the_package_is_not_run",
    ),
    Patch(
        "the list loads everything",
        "listing what is installed runs none of it",
        CodeEdit("Catalogue.names", "point.value == OWN_MODULE", "True"),
        f"{_PLUGINS_UNLOADED}TestWithoutLoading::test_what_is_installed_is_told_and_none_of_it_is_run",
    ),
]
