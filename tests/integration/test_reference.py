"""The reference's generated parts are what the installed code makes of them."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from interlock.application import Application
from pages import ROOT

RENEW = ROOT / "docs/_reference/renew.py"


def test_the_generated_parts_of_pages_are_up_to_date() -> None:
    check = [sys.executable, str(RENEW), "--check", "--untried"]  # the core's tests try the values
    done = subprocess.run(  # noqa: S603 our own
        check, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nrun python {RENEW.name}"


def test_a_changed_part_is_told_and_renewed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- generated: freshness -->\nold\n<!-- end of generated -->\n\nB\n")
    check = [sys.executable, str(RENEW), "--folder", str(tmp_path)]
    stale = subprocess.run(  # noqa: S603 as above
        [*check, "--check"], capture_output=True, text=True, check=False
    )
    assert (stale.returncode, stale.stdout.split(": ")[1]) == (1, "page.md\n")
    assert "old" in page.read_text()
    subprocess.run(check, check=True)  # noqa: S603 as above
    assert "| `max-age` |" in page.read_text()
    assert page.read_text().endswith("\n\n<!-- end of generated -->\n\nB\n")


_FACES = ("interlock", "interlock.application", "interlock.application.aggregates")


@pytest.mark.parametrize("face", _FACES)
def test_every_name_that_users_import_stands_in_the_reference(face: str) -> None:
    text = "".join(page.read_text() for page in (ROOT / "docs/reference").glob("*.md"))
    marks = re.findall(rf"<!-- generated: names {face}((?: \w+)*) -->", text)
    shown = {name for mark in marks for name in mark.split()}
    shown |= set(re.findall(rf"^::: {face}\.(\w+)$", text, re.MULTILINE))
    assert set(import_module(face).__all__) - shown == set()


def test_the_page_on_the_application_lists_every_method_those_used_most_first() -> None:
    text = (ROOT / "docs/reference/application.md").read_text()
    listed = re.findall(r"^        - (\w+)$", text, re.MULTILINE)
    assert sorted(listed) == [name for name in dir(Application) if not name.startswith("_")]
    assert listed[:2] == ["dispatch", "load"]
