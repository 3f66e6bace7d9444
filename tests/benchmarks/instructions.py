"""`python tests/benchmarks/instructions.py [--renew]`: what operations cost in instructions.

Fails if one costs over 2 % more than `instructions.json` has for this version of Python, and says
by how much. callgrind counts them, on a processor that it imitates, so that no busy machine moves
the figures: two runs differ by some millionths. `--renew` writes the file anew. Without valgrind
nothing is counted, which fails only where INTERLOCK_REQUIRE names it.
"""

import argparse
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from counted import AT_ONCE, LENGTHS

FIGURES = Path(__file__).with_name("instructions.json")
ALLOWED = 1.02
"""So much more than in the file is no change: versions of libraries differ a little."""
_MARK = "getppid"
_PYTHON = ".".join(platform.python_version_tuple()[:2])


def main() -> int:
    """The exit code: 1 if an operation costs more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renew", action="store_true", help=f"write {FIGURES.name} anew")
    options = parser.parse_args()
    recorded = json.loads(FIGURES.read_text("utf-8"))
    if shutil.which("valgrind") is None:
        is_required = "valgrind" in os.environ.get("INTERLOCK_REQUIRE", "").split(",")
        print(f"{'failed' if is_required else 'skipped'}: needs valgrind, which isn't installed")
        return 1 if is_required else 0
    found, made_with = counted(), versions()
    if options.renew:
        recorded[_PYTHON] = {"made with": made_with, "instructions": found}
        FIGURES.write_text(json.dumps(recorded, indent=2) + "\n", "utf-8")
    if _PYTHON not in recorded:
        print(f"skipped: {FIGURES.name} has no figures for Python {_PYTHON}; --renew makes them")
        return 0
    kept = recorded[_PYTHON]
    print("| operation | instructions | recorded | change |\n|---|---:|---:|---:|")
    for name, count in found.items():
        before = kept["instructions"].get(name)
        change = "new" if before is None else f"{count / before - 1:+.2%}"
        print(f"| {name} | {count:,} | {before or 0:,} | {change} |")
    wrong = list(dearer(found, kept["instructions"]))
    for line in wrong:
        print("instructions:", line)
    if wrong and made_with != kept["made with"]:
        print(f"the figures were made with {kept['made with']}, and these with {made_with}")
    return 1 if wrong else 0


def dearer(found: Mapping[str, int], recorded: Mapping[str, int]) -> Iterator[str]:
    """What costs more than it did, or has no figure."""
    for name, count in found.items():
        before = recorded.get(name)
        if before is None:
            yield f"{name} has no figure yet; --renew makes it"
        elif count > before * ALLOWED:
            yield (
                f"{name} costs {count:,} instructions, {count / before - 1:.1%} more than "
                f"{before:,}; make it cheaper, or --renew and say in the commit why it is worth it"
            )
    if gone := recorded.keys() - found.keys():
        yield f"no longer counted: {', '.join(sorted(gone))}; --renew leaves them out"


def versions() -> dict[str, str]:
    """The versions that the figures depend on."""
    return {
        "python": platform.python_version(),
        "compiler": platform.python_compiler(),
        "pydantic-core": version("pydantic-core"),
        "sqlite": sqlite3.sqlite_version,
    }


def counted() -> dict[str, int]:
    """The instructions of one of each operation."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [
            *_at_fixed_addresses(),
            *("valgrind", "--quiet", "--tool=callgrind"),
            *(f"--dump-before={_MARK}", f"--callgrind-out-file={out}"),
            *(sys.executable, str(Path(__file__).with_name("counted.py"))),
        ]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        subprocess.run(command, check=True, env=environment)  # noqa: S603 our own program
        # The first dump ends before the first mark, and the last one behind the last.
        paths = sorted(out.parent.glob("out.*"), key=lambda path: int(path.suffix[1:]))
        sums = [_total(path) for path in paths[1::2]]
    if len(sums) != 2 * len(LENGTHS):
        raise RuntimeError(f"wanted {2 * len(LENGTHS)} counts, found {len(sums)}")
    counts = zip(LENGTHS.items(), sums[::2], sums[1::2], strict=True)
    return {
        name: round((longer - shorter) / (last - first) / (AT_ONCE if "at once" in name else 1))
        for (name, (first, last)), shorter, longer in counts
    }


def _at_fixed_addresses() -> Sequence[str]:
    """The prefix that has a program loaded at the same addresses each time; not all may use it."""
    prefix = ("setarch", "-R")
    if shutil.which(prefix[0]) is None:
        return ()
    tried = subprocess.run([*prefix, "true"], check=False, capture_output=True)  # noqa: S603 as above
    return prefix if tried.returncode == 0 else ()


def _total(path: Path) -> int:
    """The instructions of one dump, all threads together."""
    with path.open(encoding="utf-8") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("totals:"))


if __name__ == "__main__":
    sys.exit(main())
