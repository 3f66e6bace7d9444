"""Prints the number of tests per environment, and why some were skipped.

Fails on a skip that INTERLOCK_REQUIRE doesn't allow: a test that misses a server skips with
"needs <server>: <why>".
"""

import os
import re
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

_OUTCOMES = ("passed", "failed", "skipped")


def main(folder: Path) -> int:
    """The exit code: 0 if there are results, none failed, and no required test was skipped."""
    required = set(filter(None, os.environ.get("INTERLOCK_REQUIRE", "").split(",")))
    total, reasons = Counter[str](), Counter[str]()
    not_allowed = []
    for path in sorted(folder.glob("*.xml")):
        counts = Counter[str]()
        for case in ET.parse(path).iter("testcase"):  # noqa: S314 written by our own tests
            outcome, reason = _outcome(case)
            counts[outcome] += 1
            if outcome == "skipped":
                reasons[f"{path.stem}: {reason}"] += 1
            needed = re.match(r"needs ([\w-]+)", reason)
            if outcome == "skipped" and needed and needed[1] in required:
                not_allowed.append(f"{case.get('classname')}::{case.get('name')}: {reason}")
        print(f"{path.stem:28}", _said(counts))
        total += counts
    for reason, count in sorted(reasons.items()):
        print(f"{count:4} skipped in {reason}")
    for line in not_allowed:
        print("skipped, but required:", line)
    print(_said(total))
    return 0 if total["passed"] and not total["failed"] and not not_allowed else 1


def _outcome(case: ET.Element) -> tuple[str, str]:
    for tag, outcome in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        found = case.find(tag)
        if found is not None:
            return outcome, found.get("message", "")
    return "passed", ""


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in _OUTCOMES)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
