"""A long proof that was broken off goes on where it ended, and only a pass counts."""

import re
from pathlib import Path

import pytest

import long


def test_what_has_passed_at_a_commit_is_not_run_again(tmp_path: Path) -> None:
    long.noted("soak", "abc", 3600.4, 0, tmp_path)
    long.noted("fuzz", "abc", 10, 1, tmp_path)
    long.noted("bench", "other", 10, 0, tmp_path)
    long.noted("bench-values", "abc and changes", 10, 0, tmp_path)
    assert list(long.passed_at("abc", tmp_path)) == ["soak"]
    assert list(long.passed_at("abc and changes", tmp_path)) == []


def test_a_report_has_a_line_for_each_environment(tmp_path: Path) -> None:
    long.noted("soak", "abc", 3600.4, 0, tmp_path)
    path = long.noted("fuzz", "abc", 10, 2, tmp_path)
    [soak, fuzz] = [line for line in path.read_text().splitlines() if "| abc |" in line]
    assert soak.endswith("| 3600 | passed |")
    assert fuzz.endswith("| 10 | failed, exit code 2 |")


def test_a_name_that_is_none_is_told_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        long.main(["soack"])
    assert "no long proof is named 'soack'; there are sabotage, " in capsys.readouterr().err


def test_every_proof_is_an_environment() -> None:
    sections = re.findall(r"^\[testenv:(.+)\]$", (long.ROOT / "tox.ini").read_text(), re.MULTILINE)
    assert long.PROOFS.keys() <= {name for section in sections for name in _named(section)}


def _named(section: str) -> list[str]:
    """The environments of a section, whose name may have a choice in braces."""
    before, brace, rest = section.partition("{")
    choice, _, after = rest.partition("}")
    return [f"{before}{each}{after}" for each in choice.split(",")] if brace else [section]
