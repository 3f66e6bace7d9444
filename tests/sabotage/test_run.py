"""What is judged: a test with parameters is judged by all of them, wherever its name ends."""

from collections.abc import Sequence
from pathlib import Path

import pytest

import run
from interlock_conformance.mutation import EditError
from sources import code_of_test
from verdicts import OWN


@pytest.mark.parametrize(
    ("verdicts", "one"),
    [
        (["passed"], "passed"),
        (["passed", "skipped", "passed"], "passed"),
        (["skipped", "skipped"], "skipped"),
        (["passed", OWN, "KeyError in call"], OWN),
        (["passed", "KeyError in call"], "passed, KeyError in call"),
        ([], ""),
    ],
)
def test_parameters_that_are_skipped_do_not_count(verdicts: Sequence[str], one: str) -> None:
    assert run.summed_up(verdicts) == one


@pytest.mark.parametrize(
    "node", ["test_x.py::TestX::test_y", "test_x.py::TestX::test_y[sqlite::memory:-[a]]"]
)
def test_a_tests_code_is_found_whatever_its_parameters(tmp_path: Path, node: str) -> None:
    (tmp_path / "test_x.py").write_text("class TestX:\n    def test_y(self):\n        pass\n")
    assert code_of_test(tmp_path, node).startswith("def test_y(self):")


def test_a_test_that_is_gone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("def test_y():\n    pass\n")
    with pytest.raises(EditError, match=r"test_z: .* nowhere"):
        code_of_test(tmp_path, "test_x.py::test_z")


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(SystemExit, match="no patch is named 'nobody'"):
        run.main(["--only", "nobody"])


def test_every_patch_finds_its_place_and_its_test(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--fit"]) == 0, capsys.readouterr().out
