"""A change concerns the patches whose target's code, whose test or which themselves it alters."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from changed import concerned, default_base
from interlock_conformance.mutation import CodeEdit
from patch import Patch

FLOOR = '''\
"""Floors."""


class Floor:
    def raise_to(self, head):
        """Keep the higher one."""
        return max(self.head, head)

    def refute(self):
        self.head = None
'''
TESTS = """\
import pytest


class TestFloor:
    @pytest.mark.parametrize("head", [1, 2])
    def test_it_rises(self, head):
        assert head

    def test_it_sinks(self):
        assert True
"""
RISES = Patch(
    "rises",
    "it rises",
    CodeEdit("Floor.raise_to", "max(self.head, head)", "head"),
    "tests/core/test_floor.py::TestFloor::test_it_rises[1]",
)
SINKS = Patch(
    "sinks",
    "it sinks",
    CodeEdit("Floor.refute", "self.head = None", ""),
    "tests/core/test_floor.py::TestFloor::test_it_sinks",
)
LIST = """\
from interlock_conformance.mutation import CodeEdit
from patch import Patch

PATCHES = [
    Patch(
        "rises",
        "it rises",
        CodeEdit("Floor.raise_to", "max(self.head, head)", "head"),
        "tests/core/test_floor.py::TestFloor::test_it_rises[1]",
    ),
    Patch(
        "sinks",
        "it sinks",
        CodeEdit("Floor.refute", "self.head = None", ""),
        "tests/core/test_floor.py::TestFloor::test_it_sinks",
    ),
]
"""
Change = Callable[[Path], object]


def git(root: Path, *arguments: str) -> str:
    """What git prints."""
    user = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    command = ["git", *user, *arguments]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)  # noqa: S603 our own arguments
    return done.stdout.strip()


def replace(path: str, before: str, after: str) -> Change:
    """Changes a file's text."""

    def change(root: Path) -> None:
        text = (root / path).read_text()
        assert before in text
        (root / path).write_text(text.replace(before, after))

    return change


def move(root: Path) -> None:
    """Move the module into a package of its own."""
    package = root / "core/src/interlock"
    (package / "deep").mkdir()
    (package / "floor.py").rename(package / "deep/heads.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with two patches, and a commit of them on main."""
    files = {
        "core/src/interlock/floor.py": FLOOR,
        "tests/core/test_floor.py": TESTS,
        "tests/sabotage/floors.py": LIST,
        "tests/sabotage/test_lists.py": f'LIST = """\n{LIST}"""\n',
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "begin")
    return tmp_path


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda root: None, []),
        (move, []),
        (replace("core/src/interlock/floor.py", "max(self.head, head)", "max(head, 1)"), ["rises"]),
        (replace("core/src/interlock/floor.py", "max(self.head", "max(  # x\n  self.head"), []),
        (replace("core/src/interlock/floor.py", "Keep the", "Keeps the"), []),
        (replace("tests/core/test_floor.py", "assert head", "assert head > 0"), ["rises"]),
        (replace("tests/core/test_floor.py", "[1, 2]", "[1, 2, 3]"), ["rises"]),
        (replace("tests/core/test_floor.py", "test_it_sinks", "test_it_goes"), ["sinks"]),
        (replace("core/src/interlock/floor.py", "refute", "forget"), ["sinks"]),
        (replace("tests/sabotage/floors.py", "self.head = None", "self.head = 0"), []),
    ],
)
def test_patches_are_concerned_by_code_and_tests_and_not_by_layout(
    root: Path, change: Change, names: Sequence[str]
) -> None:
    change(root)
    assert [patch.name for patch in concerned([RISES, SINKS], root, "HEAD")] == names


def test_a_patch_that_is_new_or_another_is_concerned(root: Path) -> None:
    other = Patch("sinks", "it sinks", CodeEdit("Floor.refute", "None", "0"), SINKS.killed_by)
    new = Patch("new", "new", RISES.edit, RISES.killed_by)
    assert concerned([RISES, other, new], root, "HEAD") == [other, new]


def test_all_are_concerned_where_the_list_was_written_otherwise(root: Path) -> None:
    replace("tests/sabotage/floors.py", "import Patch", "import Patch, Place")(root)
    git(root, "commit", "-qam", "as it was once")
    assert concerned([RISES, SINKS], root, "HEAD") == [RISES, SINKS]


def test_main_is_compared_with_the_commit_before_and_a_branch_with_where_it_left(
    root: Path,
) -> None:
    first = git(root, "rev-parse", "HEAD")
    git(root, "commit", "-q", "--allow-empty", "-m", "second")
    second = git(root, "rev-parse", "HEAD")
    assert git(root, "rev-parse", default_base(root)) == first
    git(root, "checkout", "-q", "-b", "work")
    assert default_base(root) == second
    git(root, "commit", "-q", "--allow-empty", "-m", "third")
    assert default_base(root) == second


def test_a_commit_that_git_does_not_know_is_named(root: Path) -> None:
    with pytest.raises(SystemExit, match=r"git archive .* nowhere; name another"):
        concerned([RISES], root, "nowhere")
