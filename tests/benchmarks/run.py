"""`python tests/benchmarks/run.py [--quick] [--only SECTION] [--json FILE] [--plots FOLDER]`.

The reference: loads and commands against what a careful hand writes without a framework, on SQLite,
PostgreSQL, MariaDB, memcached and Redis, by one caller and by many, and how their cost grows. Both
sides take turns in one process, and after each turn their states are compared; what counts is the
ratio of their medians. A server that doesn't answer is left out, and named.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

import pytest

from apart import parts
from by_hand import by_hand
from cache_reads import cache_reads
from callers import on_files
from floor_servers import FLOORS
from growth import growth
from report import Report
from servers import on_kind

SECTIONS = ("hand", "files", "parts", *FLOORS, "caches", "growth")


async def run(report: Report, section: str, *, is_quick: bool) -> None:
    """Measure one section."""
    pairs = report.pairs
    if section == "hand":
        report.rows += await by_hand(pairs)
    elif section == "files":
        report.rows += await on_files(pairs)
    elif section == "parts":
        report.parts += await parts(pairs)
    elif section in FLOORS:
        report.rows += await on_kind(section, pairs)
    elif section == "caches":
        report.rows += await cache_reads(pairs)
    else:
        report.points += await growth(pairs, is_quick=is_quick)


def main() -> int:
    """Run, print tables, write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer pairs, smaller sizes")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="only this section")
    parser.add_argument("--json", type=Path, help="write all to this file")
    parser.add_argument("--plots", type=Path, help="draw plots, SVG, into this folder")
    options = parser.parse_args()
    report = Report(pairs=5 if options.quick else 25)
    for section in options.only or SECTIONS:
        began = time.perf_counter()
        try:
            asyncio.run(run(report, section, is_quick=options.quick))
        except (OSError, pytest.skip.Exception) as error:
            report.left_out.append(f"{section}: {error}")
        sys.stderr.write(f"{section}: {time.perf_counter() - began:.0f} s\n")
    sys.stdout.write(report.as_markdown() + "\n")
    if options.json:
        options.json.write_text(report.as_json() + "\n", "utf-8")
    if options.plots:
        from plots import drawn  # noqa: PLC0415 # drawing needs matplotlib, which may be missing

        drawn(json.loads(report.as_json()), options.plots)
    return 0


if __name__ == "__main__":
    sys.exit(main())
