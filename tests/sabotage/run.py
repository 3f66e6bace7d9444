"""Disables the core's protections one by one; the test named for each has to notice.

`python tests/sabotage/run.py [--only NAME]`. A patch is killed if its test fails by its own assertion;
a test that ends in another exception, or can't be set up, has noticed nothing.
"""

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from patch import Patch
from verdicts import OWN

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_SOURCE = _ROOT / "core" / "src"
_LISTS = ("values", "loading")
_AT_A_TIME = 2
_SECONDS_PER_PATCH = 120


@dataclass(frozen=True)
class _Result:
    patch: Patch
    is_killed: bool
    verdict: str
    also_failed: int
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if every patch was killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="the patch of this name alone")
    only = parser.parse_args(arguments).only
    patches = [patch for patch in _collected() if only in (None, patch.name)]
    if not patches:
        print(f"no patch is named {only!r}")
        return 1
    unfit = _unfit(patches)
    if unfit:
        print("the unbroken code, and patches that can't be judged:", *unfit, sep="\n  ")
        return 1
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        results = list(threads.map(_try, patches))
    _show(results)
    return 0 if all(result.is_killed for result in results) else 1


def _collected() -> list[Patch]:
    patches = [
        patch
        for name in _LISTS
        if (_HERE / f"{name}.py").exists()
        for patch in importlib.import_module(name).PATCHES
    ]
    names = [patch.name for patch in patches]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise SystemExit(f"two patches of one name: {', '.join(sorted(twice))}")
    return patches


def _unfit(patches: Sequence[Patch]) -> list[str]:
    """What keeps patches from being judged: they don't fit, or their tests don't pass as it is."""
    problems = []
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        for patch in patches:
            copy = _copied(Path(folder, patch.name))
            try:
                patch.apply(copy / "interlock")
            except (OSError, ValueError) as error:
                problems.append(str(error))
        tests = sorted({patch.killed_by for patch in patches})
        verdicts, output = _verdicts(_copied(Path(folder, "unbroken")), tests)
    for test in tests:
        found = _of(test, verdicts)
        if not found or set(found) != {"passed"}:
            problems.append(f"{test}: {', '.join(found) or 'not found'}")
    return [*problems, output] if problems else []


def _try(patch: Patch) -> _Result:
    began = perf_counter()
    with tempfile.TemporaryDirectory(prefix="sabotage-") as folder:
        copy = _copied(Path(folder, "src"))
        patch.apply(copy / "interlock")
        verdicts, output = _verdicts(copy, [patch.killed_by.partition("::")[0]])
    found = _of(patch.killed_by, verdicts)
    failed = [verdict for verdict in verdicts.values() if verdict not in ("passed", "skipped")]
    is_killed = OWN in found
    result = _Result(
        patch,
        is_killed,
        OWN if is_killed else ", ".join(found) or f"not run: {output[-300:]}",
        len(failed) - is_killed,
        perf_counter() - began,
    )
    print("." if is_killed else "F", end="", flush=True)
    return result


def _copied(target: Path) -> Path:
    shutil.copytree(_SOURCE, target)
    return target


def _verdicts(source: Path, tests: Sequence[str]) -> tuple[dict[str, str], str]:
    """How the tests end with this copy of the sources, by node id, and what pytest said."""
    report = source / "verdicts.json"
    try:
        done = subprocess.run(  # noqa: S603 our own tests
            [
                *(sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=line"),
                *("-p", "verdicts", "-p", "no:cacheprovider", "--verdicts", str(report)),
                *("-m", "not slow", "--rootdir", str(_ROOT), *tests),
            ],
            cwd=_ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join((str(source), str(_HERE)))},
            capture_output=True,
            text=True,
            timeout=_SECONDS_PER_PATCH,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {}, f"no end within {_SECONDS_PER_PATCH} s"
    verdicts = json.loads(report.read_text()) if report.exists() else {}
    return verdicts, done.stdout + done.stderr


def _of(test: str, verdicts: dict[str, str]) -> list[str]:
    """The verdicts of a test, of each of its parameters."""
    return [
        verdict for node, verdict in verdicts.items() if node == test or node.startswith(f"{test}[")
    ]


def _show(results: Sequence[_Result]) -> None:
    width = max(len(result.patch.name) for result in results)
    print()
    for result in results:
        print(
            f"{'killed  ' if result.is_killed else 'SURVIVED'} {result.patch.name:{width}}  "
            f"{result.seconds:4.1f} s  {result.patch.protects}"
        )
        if not result.is_killed:
            print(f"         {result.patch.killed_by}: {result.verdict}")
    killed = sum(result.is_killed for result in results)
    print(f"{killed} of {len(results)} killed")


if __name__ == "__main__":
    sys.exit(main())
