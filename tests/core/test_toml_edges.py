"""TOML that is wrong, hostile or huge: a clear error, and soon; and the line that it is in."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from interlock._config.places import DEEPEST, TooDeepError, lines_of
from interlock._config.reader import load_settings
from interlock._config.toml import LARGEST
from interlock._plugins.durations import parse_duration
from interlock._plugins.problems import MOST, SettingsError, within
from interlock.errors import ConfigurationError
from thorough import UNHURRIED
from toml_rig import error

MEMORY = 1 << 29  # bytes; what an interpreter with pydantic takes, and some
FROM_FILE = 'schema = 1\n[application]\nnamespace = {{ file = "{name}" }}\n'


def problems(text: str) -> dict[str, int | None]:
    """The places of the problems, with their lines."""
    Path("interlock.toml").write_text(dedent(text))
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return {problem.place: problem.line for problem in caught.value.problems}


def nested(depth: int, opened: str, inner: str, closed: str) -> str:
    return opened * depth + inner + closed * depth


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('profiles = "x"', "profiles: wanted tables [profiles.NAME]"),
        ('profiles = { p = "x" }', "profiles.p: wanted a table [profiles.p]"),
        ("[profiles]\np = 5", "profiles.p: wanted a table [profiles.p]"),
        ("x = " + nested(500, "[", "", "]"), "nested too deep in line 2"),
        ("x = " + nested(100_000, "[", "", "]"), "nested too deep in line 2"),
        ("x = " + nested(40, "{ a = ", "1", " }"), "nested too deep in line 2"),
        (".".join(["a"] * 100_000) + " = 1", "nested too deep in line 2"),
        ("[profiles.p]\n" + ".".join(["a"] * 900) + " = 1", "nested too deep in line 3"),
        (
            "[aggregates.A]\nsnapshot_strategy = "
            + nested(300, '{ use = "any-of", of = [', '"never"', "] }"),
            "nested too deep in line 3",
        ),
        ("x = 1" + "0" * 5_000, "is no TOML"),
        ("[application]\nepoch = 1" + "0" * 30, "application.epoch: wanted an integer of 64 bits"),
        ("[application]\nepoch = 9223372036854775808", "epoch: wanted an integer of 64 bits"),
        ('[application]\nclose_timeout = "99999999999999999999d"', "of at most 36500d"),
        ('[application]\nclose_timeout = "' + "9" * 5_000 + 's"', "of at most 36500d"),
        ("[application]\nclose_timeout = 1e30", "application.close_timeout:"),
        ("[application]\nclose_timeout = inf", "application.close_timeout:"),
        ('x = "' + "${A:-" * 40_000 + '"', "x: a ${ isn't closed"),
        ('x = "' + "${A:-" * 40_000 + '}"', "x: a default holds another ${"),
        ('x = "' + "${" * 100_000 + '}"', "x: a ${ names no variable"),
        ('x = "${1}"', "wanted ${NAME} or ${NAME:-default}; write $${ for ${ itself"),
        ("a" * 200_000 + " = 1", '"' + "a" * 64 + '...": no such key'),
        ("".join(f"k{n} = 1\n" for n in range(20_000)), f"{MOST} errors, and perhaps more"),
        ('"\\u001b[31mx" = 1', r'"\x1b[31mx": no such key'),
        ("#" * LARGEST, f"it is larger than {LARGEST:,} bytes"),
        ('extensions = ["${NOT_SET:-os}"]', "no extension '${NOT_SET:-os}' is installed"),
    ],
)
def test_what_can_break_a_reader_is_an_error_in_words(here: Path, text: str, expected: str) -> None:
    assert expected in (told := error(f"schema = 1\n{text}\n"))
    assert len(told) < 20_000


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fifo", "another kind of file"),
        ("folder", "can't be read: Is a directory"),
        ("loop", "can't be read: Too many levels of symbolic links"),
        ("huge", "it is larger than 65,536 bytes"),
        ("latin", "it isn't UTF-8"),
        ("/dev/zero", "another kind of file"),
        ("a\\u0000b", "its name holds a NUL"),
        ("missing", "can't be read: No such file"),
    ],
)
def test_a_secret_is_read_from_a_file_that_ends(here: Path, name: str, expected: str) -> None:
    os.mkfifo("fifo")
    Path("folder").mkdir()
    Path("loop").symlink_to("loop")
    with Path("huge").open("wb") as file:
        file.truncate(4 << 30)
    Path("latin").write_bytes(b"\xff\xfe")
    told = error(FROM_FILE.format(name=name))
    assert expected in told
    assert told.count("application.namespace") == 1


@pytest.mark.parametrize("kind", ["fifo", "huge"])
def test_the_file_itself_is_one_that_ends(here: Path, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo("interlock.toml")
    else:
        with Path("interlock.toml").open("wb") as file:
            file.truncate(4 << 30)
    with pytest.raises(ConfigurationError, match=r"interlock\.toml can't be read: "):
        load_settings()


@pytest.mark.parametrize(
    "text",
    [
        "x = [" + "1, " * (LARGEST // 3 - 10) + "]",
        "x = {" + ", ".join(f"k{n} = 1" for n in range(20_000)) + "}",
        "".join(f"[a.b.c.d.e.f.g.h.k{n}]\n" for n in range(10_000)),
        'x = "' + "${A" * 80_000 + '"',
        'x = "' + "${A:-}" * 40_000 + '"',
        "[event_store]\nbackend = 'memory-cache'\n" + "".join(f"k{n}=1\n" for n in range(20_000)),
    ],
)
def test_as_much_as_is_read_is_read_soon_and_in_little_memory(here: Path, text: str) -> None:
    Path("interlock.toml").write_text(f"schema = 1\n{text}")
    script = f"""
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
    resource.setrlimit(resource.RLIMIT_CPU, (8, 8))
    from interlock._config.reader import load_settings
    from interlock.errors import ConfigurationError
    try:
        load_settings()
    except ConfigurationError:
        print("told")
    """
    done = subprocess.run(  # noqa: S603 our own script
        [sys.executable, "-c", dedent(script)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "told\n"), done.stderr


def test_a_problem_tells_its_line(here: Path) -> None:
    assert problems(
        """\
        schema = 2
        [application]
        epoch = -1  # and a [comment]
        namespace = \"\"\"
        a
        \"\"\"
        [cache_backends."hot one"]
        backend = "memory-cach"
        sise = 3

        [aggregates.A]
        snapshot_strategy = { use = "any-of", of = [
            { use = "after-n", n = 1 },
            { use = "after-n", m = 0 },
        ] }
        [profiles.prod.aggregates.A]
        replay_limit = 0
        """
    ) == {
        "schema": 1,
        "application.epoch": 3,
        "application.namespace": 4,
        'cache_backends."hot one".backend': 8,
        "aggregates.A.snapshot_strategy.of[1].n": 14,
        "aggregates.A.snapshot_strategy.of[1].m": 14,
    }


def test_a_problem_of_a_profile_tells_the_line_in_the_profile(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLOCK_PROFILE", "prod")
    assert problems(
        """\
        schema = 1
        [aggregates.A]
        freshness = "truste"
        replay_limit = 5
        [profiles.prod.aggregates.A]
        replay_limit = 0
        """
    ) == {"aggregates.A.freshness": 3, "aggregates.A.replay_limit": 6}


def test_lines_of_a_pyproject_are_the_files_own(here: Path) -> None:
    Path("pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.interlock]\nschema = 1\nx = 1\n'
    )
    with pytest.raises(SettingsError, match="line 5, x: no such key"):
        load_settings()


@pytest.mark.parametrize("table", ["tool = 5", "[tool]\ninterlock = 5"])
def test_a_pyproject_of_another_shape_is_told(here: Path, table: str) -> None:
    Path("pyproject.toml").write_text(table)
    with pytest.raises(ConfigurationError, match=r"no configuration found|interlock is no table"):
        load_settings()


def test_a_value_that_cannot_be_had_is_told_of_once(here: Path) -> None:
    told = error('schema = 1\n[application]\nepoch = "${NOT_SET}"\n')
    assert told.splitlines() == [
        "interlock.toml has 1 error(s):",
        "- line 3, application.epoch: the environment variable NOT_SET is not set",
    ]


def test_a_variable_that_is_no_text_is_told_of(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "LATIN", os.fsdecode(b"a\xffb"))
    told = error('schema = 1\n[application]\nnamespace = "${LATIN}"\n')
    assert told.splitlines()[1:] == [
        "- line 3, application.namespace: the environment variable LATIN isn't UTF-8",
    ]


def test_parts_of_a_duration_add_up() -> None:
    assert parse_duration("1s2s") == timedelta(seconds=3)
    assert parse_duration("٣s") == "٣s"  # a digit, and none of TOML's


_names = st.sampled_from(["a", "b-c", "d e", "f.g", "h'i", "é", "k"])
_values = st.recursive(
    st.one_of(
        st.integers(-5, 5), st.booleans(), st.floats(allow_nan=False), st.dates(), st.datetimes(),
        st.text(st.sampled_from("a\"'\\\n#[]{},= ${"), max_size=8),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


def _places(value: object, place: str = "") -> set[str]:
    """The places of all keys and items."""
    if isinstance(value, dict):
        inner = {within(place, name): item for name, item in value.items()}
    elif isinstance(value, list):
        inner = {within(place, index): item for index, item in enumerate(value)}
    else:
        return set()
    return set(inner).union(*(_places(item, where) for where, item in inner.items()))


@UNHURRIED
@given(st.dictionaries(_names, _values, max_size=4))
def test_every_key_of_any_document_has_a_line(document: dict[str, object]) -> None:
    for multiline in (False, True):
        text = tomli_w.dumps(document, multiline_strings=multiline)
        found = lines_of(text)
        assert _places(document) <= set(found)
        assert all(0 < line <= text.count("\n") + 1 for line in found.values())


@UNHURRIED
@given(st.text(st.sampled_from("ab\"'\\\n#[]{}=,. 1"), max_size=40))
def test_a_look_at_what_is_no_toml_ends(text: str) -> None:
    assert isinstance(lines_of(text), dict)


def test_the_deepest_is_the_deepest() -> None:
    lines_of("x = " + nested(DEEPEST - 1, "[", "", "]"))
    with pytest.raises(TooDeepError):
        lines_of("x = " + nested(DEEPEST, "[", "", "]"))
