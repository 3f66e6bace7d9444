"""Makes the generated parts of all pages anew, or says which are out of date.

`python docs/_reference/renew.py [--check] [--untried] [--folder FOLDER]`, with all distributions
installed.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path

import values
from parts import END, PARTS, ROOT, renewed


def main() -> int:
    """The exit code: with `--check` 1 if a page isn't as it would be made."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="say which pages are out of date")
    parser.add_argument("--untried", action="store_true", help="believe the catalogue of values")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs", help="where the pages are")
    given = parser.parse_args()
    parts = {**PARTS, "values": values.untried} if given.untried else PARTS
    stale = []
    for path in sorted(given.folder.rglob("*.md")):
        page = path.read_text("utf-8")
        if END in page and (made := renewed(page, parts)) != page:
            stale.append(path.relative_to(given.folder).as_posix())
            if not given.check:
                path.write_text(made, "utf-8")
    if stale:
        print(f"{'out of date' if given.check else 'renewed'}: {', '.join(stale)}")
    return 1 if stale and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
