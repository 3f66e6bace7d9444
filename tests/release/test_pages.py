"""docs/plugins: written from reports, and which reports are let in."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from interlock_conformance.reports import ReportError
from made_reports import DISTRIBUTION, report_of
from matrix import REPORTS, private_to_this_machine, rendered
from plugin_pages import directory
from submissions import submission, submissions


def submitted(folder: Path, report: object, **changes: object) -> Path:
    path = folder / f"{DISTRIBUTION}.json"
    content = {
        "distribution": DISTRIBUTION,
        "url": "https://paper.example/interlock",
        "maintainer": "Ada | <Paper>",
        "report": report,
        **changes,
    }
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_the_pages_follow_from_the_reports_beside_them() -> None:
    for path, text in rendered().items():
        assert path.read_text("utf-8") == text, (
            f"{path.name} was edited; write it by: tox run -e conformance-reports -- --render"
        )


def test_every_plugin_has_a_report_and_nothing_in_it_is_private() -> None:
    plugins = {path.parts[-3] for path in REPORTS.parents[2].glob("plugins/*/tests/test_conf*.py")}
    assert {path.stem for path in REPORTS.glob("*.json")} == {
        "interlock",
        *(f"interlock-{name}" for name in plugins),
    }
    for path in REPORTS.glob("*.json"):
        report = json.loads(path.read_text("utf-8"))
        assert report["verdict"] == "conformant"
        assert list(private_to_this_machine(report)) == []


def test_a_conformant_backend_is_listed(tmp_path: Path) -> None:
    submitted(tmp_path, report_of())
    conformant, partial, rest = re.split("(?m)^## .*$", directory(submissions(tmp_path)))[:3]
    link = f"| [{DISTRIBUTION}](<https://paper.example/interlock>) |"
    assert f"{link} paper-cache | Paper | **conformant** 1.0 |" in conformant
    assert "None so far." in partial
    assert f"{link} Ada \\| &lt;Paper&gt; | Python 3.12.1, " in rest


def test_a_partial_one_is_listed_apart_with_what_was_left_out(tmp_path: Path) -> None:
    submitted(tmp_path, report_of(CACHE_004="skipped", CACHE_005="deselected"))
    conformant, partial, _ = re.split("(?m)^## .*$", directory(submissions(tmp_path)))[:3]
    assert DISTRIBUTION not in conformant
    assert "| CACHE-004 skipped, CACHE-005 deselected |" in partial


def without_check(check_id: str) -> dict[str, Any]:
    report = report_of()
    suite = report["suites"][0]
    suite["checks"] = [check for check in suite["checks"] if check["id"] != check_id]
    return report


def with_version(name: str, version: str) -> dict[str, Any]:
    report = report_of()
    report["suites"][0]["versions"][name] = version
    return report


@pytest.mark.parametrize(
    ("report", "changes", "told"),
    [
        (report_of(CACHE_004="failed"), {}, "the verdict is failed (CACHE-004)"),
        ({**report_of(), "verdict": "good"}, {}, "report: $.verdict: 'good' is not one of"),
        ({**report_of(), "verdict": "partial"}, {}, "what stands below makes it 'conformant'"),
        (
            {**report_of(), "verdict": "partial", "suites": []},
            {},
            f"no suite is of '{DISTRIBUTION}'",
        ),
        (without_check("CACHE-004"), {}, "lacks CACHE-004 of contract 1.0"),
        (report_of(), {"distribution": "interlock-other"}, "no suite is of 'interlock-other'"),
        (report_of(), {"distribution": "../Other"}, "distribution: String should match"),
        (report_of(), {"url": "http://paper.example"}, "url: URL scheme should be 'https'"),
        (report_of(), {"url": "javascript:alert(1)"}, "url: URL scheme should be 'https'"),
        (report_of(), {"maintainer": ""}, "maintainer: String should have at least 1"),
        (report_of(), {"more": 1}, "more: Extra inputs are not permitted"),
        (with_version("server", "in /srv/paper/data"), {}, "holds an absolute path"),
        (with_version("server", r"in C:\paper"), {}, "holds an absolute path"),
        (with_version("server", "redis://me:pw@paper"), {}, "holds a user or a password"),
    ],
)
def test_what_is_wrong_with_a_submission_is_told(
    tmp_path: Path, report: object, changes: dict[str, object], told: str
) -> None:
    path = submitted(tmp_path, report, **changes)
    with pytest.raises(ReportError) as caught:
        submission(path)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)


def test_all_bad_submissions_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}", "utf-8")
    (tmp_path / "b.json").write_text("nonsense", "utf-8")
    with pytest.raises(ReportError, match=r"(?s)a\.json: distribution.*b\.json: no JSON"):
        submissions(tmp_path)
