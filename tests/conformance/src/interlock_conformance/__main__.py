"""`python -m interlock_conformance selftest`."""

import argparse
import sys
from collections.abc import Sequence

from interlock_conformance.gallery.collection import CANARIES, MUTANTS
from interlock_conformance.gallery.references import reference_for
from interlock_conformance.selftest import all_checks, examine, examine_some


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 if the suite has proven itself."""
    parser = argparse.ArgumentParser("python -m interlock_conformance")
    commands = parser.add_subparsers(required=True)
    selftest = commands.add_parser(
        "selftest", help="prove the checks on backends that are broken on purpose"
    )
    selftest.add_argument("--only", metavar="NAME", help="a mutant, or those of a check's id")
    selftest.add_argument("--diff", metavar="NAME", help="print a mutant's edit, and run nothing")
    selftest.add_argument("--others", action="store_true", help="make all other checks too: slow")
    selftest.add_argument("--jobs", type=int, default=2, help="how many processes (2)")
    options = parser.parse_args(arguments)
    name = options.diff or options.only
    chosen = [mutant for mutant in MUTANTS if name is None or mutant.is_called(name)]
    if not chosen:
        parser.error(f"no mutant is called {name!r}")
    if options.diff:
        for mutant in chosen:
            files = reference_for(all_checks()[mutant.killer], mutant.base).files()
            sys.stdout.write(mutant.diff(files))
        return 0
    if options.only:
        findings = examine_some(chosen, others=options.others)
    else:
        findings = examine(MUTANTS, CANARIES, jobs=options.jobs, others=options.others)
    for line in findings.lines():
        sys.stdout.write(f"{line}\n")
    return 0 if findings.is_proven else 1


if __name__ == "__main__":
    sys.exit(main())
