"""Checks every backend on every server it supports, and writes docs/plugins from the reports.

`python tests/release/matrix.py [--only DISTRIBUTION] [--render]`. A report is kept if all in it is
conformant and nothing is private; the pages are written if every submission of the directory is in
order.
"""

import argparse
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import plugin_pages
from interlock_conformance.reports import ReportError, read
from submissions import private, submissions
from suite_runs import ROOT, conformance, suites

PAGES = ROOT / "docs" / "plugins"
REPORTS = PAGES / "reports"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if the pages were written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--render", action="store_true", help="run no checks, write the pages")
    parser.add_argument("--only", metavar="DISTRIBUTION", help="check this one, keep the others")
    options = parser.parse_args(arguments)
    chosen = [(name, files) for name, files in suites() if options.only in (None, name)]
    if not chosen:
        parser.error(f"no distribution with a suite is called {options.only!r}")
    try:
        for name, files in [] if options.render else chosen:
            print(f"--- {name}", flush=True)
            _check(name, files)
        written = rendered()
    except ReportError as error:
        print(error, file=sys.stderr)
        return 1
    for path, text in written.items():
        path.write_text(text, "utf-8")
        print("written:", path.relative_to(ROOT))
    return 0


def rendered() -> dict[Path, str]:
    """The pages that follow from the JSON in docs/plugins. Raises `ReportError`."""
    names = sorted(path.stem for path in REPORTS.glob("*.json"))
    reports = {name: read(REPORTS / f"{name}.json") for name in names}
    return {
        PAGES / "index.md": plugin_pages.index(reports),
        PAGES / "directory.md": plugin_pages.directory(submissions(PAGES / "directory")),
    }


def _check(name: str, files: list[Path]) -> None:
    with TemporaryDirectory(prefix="interlock-report-") as folder:
        made = Path(folder, f"{name}.json")
        for leak in private_to_this_machine(conformance(sys.executable, files, made)):
            raise ReportError(f"the report on {name} isn't kept: {leak}")
        (REPORTS / made.name).write_bytes(made.read_bytes())


def private_to_this_machine(report: object) -> Iterator[str]:
    """What shouldn't be published, the name of this host among it."""
    yield from private(report)
    if re.search(rf"\b{re.escape(socket.gethostname())}\b", str(report)):
        yield "it holds the name of this host"


if __name__ == "__main__":
    sys.exit(main())
