"""Disables protections one by one; the test named for each has to notice.

`python tests/sabotage/run.py [--plugins] [--only NAME] [--changed [COMMIT]] [--fit]`. The test
that a patch names runs, of the core or of the plugins; the others of its file don't. The patch is
killed if the test fails by its own assertion; one that ends in another exception, or can't be set
up, has noticed nothing.
"""

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter

from changed import concerned, default_base
from interlock_conformance.mutation import EditError, Edits
from patch import Patch
from sources import CORE, code_of_test, folder_of, texts
from traps import OF_PLUGINS, TRAPS
from verdicts import OWN

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_LISTS = (
    *(
        "values",
        "stores",
        "loading",
        "known_heads",
        "flights",
        "baselines",
        "outages",
        "saving",
        "breaking",
    ),
    *("appending", "keeping", "snapshot_queue", "wiring", "tiers", "many", "forgetting"),
    *("rebuilding", "shown", "configuring", "ids", "annotations", "revisions", "locks"),
    "comparing",
    *("comparing_objects", "comparing_sharing", "closed", "open_types", "fidelity"),
    *("fidelity_declared", "fidelity_events", "kept", "late_writes", "replay_slots", "drivers"),
    "field_appliers",
    *("operating", "equivalence", "blocking", "archiving", "distributed"),
)
_REPORT = "verdicts.json"
_AT_A_TIME = 2
_SECONDS_PER_TEST = 120  # a broken one may wait for ever


@dataclass(frozen=True)
class _Result:
    patch: Patch
    is_killed: bool
    verdict: str
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if every patch was killed."""
    options = _options(arguments)
    is_part = bool(options.only) or options.changed is not None or options.plugins
    patches: Sequence[Patch] = collected()
    if not (options.only or options.fit):
        patches = [patch for patch in patches if (patch.package != CORE) is options.plugins]
    patches = _chosen(patches, options.only, options.changed)
    if not patches:
        return 0
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        unbroken = _unbroken(Path(folder), {CORE, *(patch.package for patch in patches)})
        unfit = _unfit(patches, unbroken)
        if options.fit and not unfit:
            _say(f"{len(patches)} patches fit")
            return 0
        unfit = unfit or _failing(patches, unbroken) or _control(patches[0], unbroken)
        if unfit:
            return _fail("the unbroken code, and patches that can't be judged:", unfit)
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            results = list(threads.map(partial(_shown, unbroken=unbroken), patches))
    killed = [result.patch for result in results if result.is_killed]
    missing = [] if is_part else _untouched(killed)
    _say(*_table(results), *_rows(results), *missing)
    _say(f"{len(killed)} of {len(results)} killed")
    return 1 if missing or len(killed) < len(results) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", metavar="NAME", action="append", help="the patches of these names"
    )
    parser.add_argument("--plugins", action="store_true", help="the plugins', not the core's")
    parser.add_argument("--fit", action="store_true", help="see only whether the patches still fit")
    parser.add_argument(
        "--changed",
        metavar="COMMIT",
        nargs="?",
        const="",
        help="the patches whose target or test has changed since a commit, or which themselves "
        "have; without a commit, since the branch left main",
    )
    return parser.parse_args(arguments)


def _chosen(
    patches: Sequence[Patch], names: Collection[str] | None, base: str | None
) -> Sequence[Patch]:
    """The patches of some names, and of these the ones that have changed since a commit."""
    if names is not None:
        unknown = set(names) - {patch.name for patch in patches}
        if unknown:
            raise SystemExit(f"no patch is named {', '.join(map(repr, sorted(unknown)))}")
        patches = [patch for patch in patches if patch.name in names]
    if base is not None:
        base = base or default_base(_ROOT)
        patches = concerned(patches, _ROOT, base)
        _say(f"patches concerned by what has changed since {base}: {len(patches)}")
    return patches


def collected() -> list[Patch]:
    """List the patches of all lists; each has a name of its own."""
    patches = [patch for name in _LISTS for patch in importlib.import_module(name).PATCHES]
    names = [patch.name for patch in patches]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise SystemExit(f"two patches of one name: {', '.join(sorted(twice))}")
    strange = {row for patch in patches for row in patch.rows} - TRAPS.keys()
    if strange:
        raise SystemExit(f"no such traps: {strange}")
    return patches


def _untouched(patches: Iterable[Patch]) -> list[str]:
    """The traps of the core that no patch leads into."""
    touched = {row for patch in patches for row in patch.rows}
    return [
        f"no patch was killed that leads into trap {row}: {trap}"
        for row, trap in TRAPS.items()
        if row not in touched and row not in OF_PLUGINS
    ]


def _unbroken(folder: Path, packages: Collection[str]) -> Path:
    """A copy of the packages as they are now, from which all others are made."""
    for package in packages:
        _copied(folder_of(_ROOT, package), folder / "unbroken" / package, "__pycache__")
    return folder / "unbroken"


def _copied(source: Path, target: Path, *ignored: str) -> Path:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*ignored))
    return target


def _unfit(patches: Sequence[Patch], unbroken: Path) -> list[str]:
    """The patches that can't be applied, or whose tests are gone."""
    problems = []
    files = {package.name: texts(package) for package in unbroken.iterdir()}
    for patch in patches:
        try:
            patch.edit.apply(files[patch.package])
            code_of_test(_ROOT, patch.killed_by)
        except (OSError, EditError) as error:
            problems.append(f"{patch.name}: {error}")
    return problems


def _failing(patches: Sequence[Patch], unbroken: Path) -> list[str]:
    """The named tests that don't pass as it is."""
    tests = sorted({patch.killed_by for patch in patches})
    verdicts, output = _verdicts(unbroken, tests)
    problems = [f"{test}: not found" for test in tests if not _of(test, verdicts)]
    problems += [
        f"{test}: {verdict}"
        for test, verdict in verdicts.items()
        if verdict not in ("passed", "skipped")
    ]
    return [*problems, output] if problems else []


def _shown(patch: Patch, *, unbroken: Path) -> _Result:
    result = _tried(patch, unbroken=unbroken)
    _say("." if result.is_killed else "F", end="")
    return result


def _control(patch: Patch, unbroken: Path) -> list[str]:
    """What is wrong with the judging itself: a patch that changes nothing has to survive."""
    result = _tried(replace(patch, edit=Edits()), unbroken=unbroken)
    return [] if result.verdict == "passed" else [f"a patch that changes nothing: {result.verdict}"]


def _tried(patch: Patch, *, unbroken: Path) -> _Result:
    began = perf_counter()
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        copy = _copied(unbroken, Path(folder, "src"), _REPORT)
        package = copy / patch.package
        files = texts(package)
        for path, text in patch.edit.apply(files).items():
            if text != files[path]:
                (package / path).write_text(text, "utf-8")
        verdicts, output = _verdicts(copy, [patch.killed_by])
    found = _of(patch.killed_by, verdicts)
    return _Result(
        patch,
        OWN in found,
        summed_up(found) or f"not run: {output[-500:]}",
        perf_counter() - began,
    )


def _verdicts(source: Path, tests: Collection[str]) -> tuple[dict[str, str], str]:
    """How the tests end with this copy of the sources, by node id, and what pytest said."""
    report = source / _REPORT
    report.unlink(missing_ok=True)
    try:
        done = subprocess.run(  # noqa: S603 our own tests
            [
                *(sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=line"),
                *("-p", "verdicts", f"--verdicts={report}"),
                *("-p", "no:cacheprovider"),
                *("-p", "no:hypothesispytest"),  # importing it takes as long as all the rest
                *("-p", "no:interlock_conformance"),
                *("-c", str(_ROOT / "pyproject.toml"), *tests),
            ],
            cwd=_ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join((str(source), str(_HERE)))},
            capture_output=True,
            text=True,
            timeout=_SECONDS_PER_TEST * len(tests),
            check=False,
        )
        output = done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        output = f"no end within {_SECONDS_PER_TEST * len(tests)} s"
    return json.loads(report.read_text()) if report.exists() else {}, output


def _of(test: str, verdicts: dict[str, str]) -> list[str]:
    """The verdicts of a test, of each of its parameters."""
    return [
        verdict for node, verdict in verdicts.items() if node == test or node.startswith(f"{test}[")
    ]


def summed_up(verdicts: Sequence[str]) -> str:
    """The verdicts of a test's parameters as one: skipped ones count only if all are."""
    if OWN in verdicts:
        return OWN
    told = [verdict for verdict in verdicts if verdict != "skipped"] or verdicts
    return ", ".join(dict.fromkeys(told))


def _table(results: Sequence[_Result]) -> list[str]:
    width = max(len(result.patch.name) for result in results)
    lines = [""]
    for result in results:
        verdict = "killed  " if result.is_killed else "SURVIVED"
        lines.append(
            f"{verdict} {result.patch.name:{width}} {result.seconds:4.1f} s  "
            f"{result.patch.protects}: {result.patch.killed_by}"
        )
        if not result.is_killed:
            lines.append(f"         {result.verdict}")
    return lines


def _rows(results: Sequence[_Result]) -> list[str]:
    killed = sorted({row for result in results if result.is_killed for row in result.patch.rows})
    return [
        f"traps that killed patches lead into: {', '.join(map(str, killed)) or 'none'}",
        f"traps that only plugins can meet: {', '.join(map(str, OF_PLUGINS))}",
    ]


def _fail(what: str, why: Iterable[str]) -> int:
    _say(what, *(f"  {line}" for line in why))
    return 1


def _say(*lines: str, end: str = "\n") -> None:
    print(*lines, sep="\n", end=end, flush=True)


if __name__ == "__main__":
    sys.exit(main())
