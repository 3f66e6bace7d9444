"""Each distribution's conformance, on every server it supports."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from interlock_conformance.reports import ReportError, read
from interlock_conformance.verdict import Json

ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent
_SERVERS = "postgresql,mariadb,redis,valkey,memcached,seaweedfs,nats"
_BESIDE = {"interlock-redis-cache": [_HERE / "suite_redis_sets.py"]}


def suites() -> Iterator[tuple[str, list[Path]]]:
    """Each distribution with the files of its suites."""
    yield "interlock", [_HERE / "suite_core.py"]
    for path in sorted(ROOT.glob("plugins/*/tests/test_conformance.py")):
        name = f"interlock-{path.parts[-3]}"
        yield name, [path, *_BESIDE.get(name, [])]


def conformance(python: str, files: list[Path], report: Path) -> Json:
    """The report of a run by this interpreter, which is written to the file as well.

    A missing server fails it. Raises `ReportError` unless everything is conformant.
    """
    done = subprocess.run(  # noqa: S603 # our own
        [
            *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", "-r", "fE"),
            *("--interlock-report", str(report), *map(str, files)),
        ],
        cwd=ROOT,
        env={**os.environ, "INTERLOCK_REQUIRE": _SERVERS},
        check=False,
    )
    if done.returncode != 0:
        raise ReportError(f"pytest ended with {done.returncode}; what it says stands above")
    found = read(report)
    if found["verdict"] != "conformant":
        raise ReportError(f"the verdict is {found['verdict']}; what it says stands above")
    return found
