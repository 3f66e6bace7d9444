"""`python -m interlock_conformance report`."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from interlock_conformance.__main__ import main
from interlock_conformance.verdict import Json
from made_reports import report_of


def kept(folder: Path, report: object, name: str = "report.json") -> str:
    path = folder / name
    path.write_text(json.dumps(report), "utf-8")
    return str(path)


def test_a_report_becomes_a_page_and_a_badge(tmp_path: Path) -> None:
    page, image = tmp_path / "page.md", tmp_path / "badge.svg"
    path = kept(tmp_path, report_of(CACHE_004="skipped", CACHE_031="not applicable"))
    assert main(["report", path, "--markdown", str(page), "--badge", str(image)]) == 0
    text = page.read_text("utf-8")
    assert "| paper-cache | Paper | **partial** 1.0 |" in text
    assert "1 not applicable, 1 skipped | Paper 3 (A4) |" in text
    assert "With Python 3.12.1, interlock 0.1.0, interlock-conformance 0.1.0, " in text
    assert ", interlock-paper-cache 2.1, paper 5.0." in text
    assert "| CACHE-004 | skipped | " in text
    assert "Not applicable: CACHE-031." in text
    assert "CACHE-005" not in text  # it passed
    root = ET.fromstring(image.read_text("utf-8"))  # noqa: S314 # our own
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["interlock", "partial 1.0"]


def test_a_badge_of_several_reports_shows_the_worst_verdict(tmp_path: Path) -> None:
    good = kept(tmp_path, report_of(), "good.json")
    bad = kept(tmp_path, report_of(CACHE_004="failed"), "bad.json")
    image = tmp_path / "badge.svg"
    main(["report", good, bad, "--markdown", str(tmp_path / "page.md"), "--badge", str(image)])
    assert "<title>interlock: failed 1.0</title>" in image.read_text("utf-8")


def test_without_a_file_the_page_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", kept(tmp_path, report_of())]) == 0
    assert "| **conformant** 1.0 |" in capsys.readouterr().out


def test_what_a_report_holds_is_shown_and_never_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = report_of(CACHE_004="skipped")
    report["suites"][0]["versions"]["server"] = "<script>a</script> | [b](c)\n# `d`"
    report["suites"][0]["checks"][3]["reason"] = "*e* | <f>\n\n| g"
    assert main(["report", kept(tmp_path, report)]) == 0
    shown = capsys.readouterr().out
    assert r"&lt;script&gt;a&lt;/script&gt; \| \[b\](c) # \`d\`" in shown
    assert r"\*e\* \| &lt;f&gt; \| g" in shown


def edited(**changes: object) -> Json:
    return {**report_of(), **changes}


def suite_edited(**changes: object) -> Json:
    report = report_of(CACHE_004="skipped")
    report["suites"][0].update(changes)
    return report


@pytest.mark.parametrize(
    ("report", "told"),
    [
        ([], "is not of type 'object'"),
        (edited(verdict="good"), r"$.verdict: 'good' is not one of"),
        (edited(more=1), "'more' was unexpected"),
        (edited(verdict="failed"), "$.verdict: 'failed', but what stands below makes it 'conf"),
        (suite_edited(verdict="conformant"), "$.suites[0].verdict: 'conformant', but what"),
        (suite_edited(checks=[{"id": "CACHE-1"}]), "$.suites[0].checks[0]"),
    ],
)
def test_what_is_no_report_or_was_edited_is_refused(
    tmp_path: Path, report: object, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = kept(tmp_path, report)
    assert main(["report", path]) == 2
    error = capsys.readouterr().err
    assert error.startswith(path)
    assert told in error


def test_a_file_that_holds_no_json_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text("verdict: conformant", "utf-8")
    assert main(["report", str(tmp_path / "report.json")]) == 2
    assert main(["report", str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err.count("no JSON can be read from it") == 2


@pytest.mark.parametrize("empty", ["suites", "checks"])
def test_a_report_without_checks_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], empty: str
) -> None:
    report = report_of()
    (report if empty == "suites" else report["suites"][0])[empty] = []
    assert main(["report", kept(tmp_path, report)]) == 2
    assert "partial" in capsys.readouterr().err
    for each in (report, *report["suites"]):
        each["verdict"] = "partial"
    assert main(["report", kept(tmp_path, report)]) == 0
    assert "conformant** " not in capsys.readouterr().out
