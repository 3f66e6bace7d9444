"""`python -m interlock_conformance report`, and `selftest`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from interlock_conformance.gallery.collection import CANARIES, MUTANTS
from interlock_conformance.rendering import badge, markdown
from interlock_conformance.reports import ReportError, read
from interlock_conformance.selftest import examine, examine_some


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 if the reports could be read, or the suite has proven itself."""
    parser = argparse.ArgumentParser("python -m interlock_conformance")
    commands = parser.add_subparsers(required=True)
    selftest = commands.add_parser(
        "selftest", help="prove the checks on backends that are broken on purpose"
    )
    selftest.add_argument("--only", metavar="NAME", help="a mutant, or those of a check's id")
    selftest.add_argument("--diff", metavar="NAME", help="print a mutant's edit, and run nothing")
    selftest.add_argument("--others", action="store_true", help="make all other checks too: slow")
    selftest.add_argument("--jobs", type=int, default=2, help="how many processes (2)")
    report = commands.add_parser("report", help="show reports as Markdown, and as a badge")
    report.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a report, in JSON")
    report.add_argument("--markdown", metavar="FILE", type=Path, help="write it here, not out")
    report.add_argument("--badge", metavar="FILE", type=Path, help="write a badge here, in SVG")
    options = parser.parse_args(arguments)
    if "files" in options:
        return _report(options.files, options.markdown, options.badge)
    name = options.diff or options.only
    chosen = [mutant for mutant in MUTANTS if name is None or mutant.is_called(name)]
    if not chosen:
        parser.error(f"no mutant is called {name!r}")
    if options.diff:
        for mutant in chosen:
            sys.stdout.write(mutant.diff())
        return 0
    if options.only:
        findings = examine_some(chosen, others=options.others)
    else:
        findings = examine(MUTANTS, CANARIES, jobs=options.jobs, others=options.others)
    for line in findings.lines():
        sys.stdout.write(f"{line}\n")
    return 0 if findings.is_proven else 1


def _report(files: Sequence[Path], page: Path | None, image: Path | None) -> int:
    try:
        reports = [read(path) for path in files]
    except ReportError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if page is None:
        sys.stdout.write(markdown(reports))
    else:
        page.write_text(markdown(reports), "utf-8")
    if image is not None:
        image.write_text(badge(reports), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
