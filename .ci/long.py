"""Runs the proofs that take too long for every change, and reports each in a file that is kept.

`.ci/long [ENVIRONMENT ...] [--again] [--list]`. Without names all of them run, one after the
other, but those that a report says to have passed at this commit: a run that was broken off goes
on where it ended. What an environment prints goes to `.tox/long/ENVIRONMENT.log`.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).parents[1]
REPORTS = Path(__file__).with_name("long-reports")
# By environment of tox: what it is given, and what it proves.
PROOFS: dict[str, tuple[tuple[str, ...], str]] = {
    "sabotage": ((), "each protection of the core disabled; its test notices"),
    "sabotage-plugins": ((), "the same for the plugins, on real servers"),
    "simulate-sabotage": (
        ("--report", ".ci/long-reports"),
        "each protection of the engine disabled; a simulated run notices",
    ),
    "chaos": ((), "processes, servers and networks that fail, on every backend"),
    "nats-faults": ((), "64 writers, 1,000 leaders of JetStream killed, stopped or cut off"),
    "patroni-faults": ((), "64 writers, primaries of PostgreSQL under Patroni killed"),
    "newer-servers": ((), "the SQL and cache suites on the servers of Debian's next release"),
    "soak": ((), "processes with thousands of commands, streams of 1,200,000 events, kills"),
    "soak-memory": ((), "ten minutes at the highest rate: memory and descriptors stay"),
    "fuzz": (("--seconds", "600"), "every reader of what others wrote, ten minutes each"),
    "conformance-reports": ((), "every backend on every server that it supports"),
    "py312-core-lowest": ((), "the core with the lowest versions that it declares, Python 3.12"),
    "py312-sqlalchemy-snapshots": ((), "snapshots in SQL databases with Python 3.12"),
    "py312-redis-cache": ((), "the Redis cache with Python 3.12"),
    "py312-selftest": ((), "the selftest of the conformance suite with Python 3.12"),
    "bench": ((), "loads and commands against code written by hand, on every store"),
    "bench-peers": ((), "loads and commands against other libraries for event sourcing"),
    "bench-values": ((), "what it costs to verify a record"),
    "bench-caches": ((), "what a load costs from each cache"),
    "bench-nodes": ((), "appends and loads on three nodes of NATS, beside PostgreSQL's"),
    "bench-advice": ((), "what `interlock advise` predicts, against loads under three settings"),
    "bench-outages": ((), "loads and appends while a cache is down, against none"),
}
HEAD = """\
# Long proofs of {day}

A line is one environment of tox that `.ci/long` ran to its end; what has no line was not run.

| environment | commit | machine | ended (UTC) | seconds | result |
|---|---|---|---|---|---|
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if all that ran has passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", metavar="ENVIRONMENT", nargs="*", help="only these")
    parser.add_argument("--again", action="store_true", help="also what passed at this commit")
    parser.add_argument("--list", action="store_true", help="tell what there is, run nothing")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - PROOFS.keys())
    if unknown:
        parser.error(f"no long proof is named {unknown[0]!r}; there are {', '.join(PROOFS)}")
    commit = _commit()
    passed = set() if options.again else set(passed_at(commit, REPORTS))
    code = 0
    for name in options.names or PROOFS:
        if options.list or name in passed:
            print(f"{name:22} {PROOFS[name][1]}{'; has passed' if name in passed else ''}")
            continue
        code |= _run(name, commit)
    return code


def passed_at(commit: str, reports: Path) -> Iterator[str]:
    """The environments that passed at a commit; none of a tree with changes of its own."""
    for path in sorted(reports.glob("*.md")):
        for name, where, result in re.findall(
            r"^\| (\S+) \| ([^|]+) \|.*\| ([^|]+) \|$", path.read_text(), re.MULTILINE
        ):
            if (where, result) == (commit, "passed") and "changes" not in where:
                yield name


def noted(name: str, commit: str, seconds: float, code: int, reports: Path) -> Path:
    """Add a line to the report of today, which begins with the first of them."""
    now = datetime.now(UTC)
    path = reports / f"{now:%Y-%m-%d}.md"
    reports.mkdir(exist_ok=True)
    if not path.exists():
        path.write_text(HEAD.format(day=f"{now:%Y-%m-%d}"))
    result = "passed" if code == 0 else f"failed, exit code {code}"
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    machine += f", Python {platform.python_version()}"
    with path.open("a") as report:
        cells = (name, commit, machine, f"{now:%H:%M}", f"{seconds:.0f}", result)
        report.write(f"| {' | '.join(cells)} |\n")
    return path


def _run(name: str, commit: str) -> int:
    log = ROOT / ".tox" / "long" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"{name}: runs, and prints to {log.relative_to(ROOT)}", flush=True)
    command, started = ["tox", "run", "-e", name], monotonic()
    if PROOFS[name][0]:
        command += ["--", *PROOFS[name][0]]
    with log.open("w") as output:
        done = subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, check=False)  # noqa: S603 our own
    seconds = monotonic() - started
    report = noted(name, commit, seconds, done.returncode, REPORTS)
    said = "passed" if done.returncode == 0 else f"failed; see {log.relative_to(ROOT)}"
    print(f"{name}: {said} after {seconds:.0f} s; noted in {report.relative_to(ROOT)}", flush=True)
    return int(done.returncode != 0)


def _commit() -> str:
    found = _git("rev-parse", "--short=10", "HEAD")
    # The reports are no part of what is proved, and a run adds to them.
    changed = _git("status", "--porcelain", "--", ":/", ":(exclude).ci/long-reports")
    return f"{found} and changes" if changed else found


def _git(*words: str) -> str:
    command = ["git", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 our own
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
