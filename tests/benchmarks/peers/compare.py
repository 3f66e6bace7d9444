"""`python tests/benchmarks/peers/compare.py PROGRAM=PYTHON ...`: Interlock and other libraries.

Each runs in a process of its own, by the Python whose environment holds it, and they are asked in
turn, so that a slow minute of the machine slows all. What counts is the ratio of medians. That all
end in the same state is asserted after each question.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from subject import WORKLOADS, Spent

_HERE = Path(__file__).parent
_OPERATIONS = {
    "cold": 1,
    "snapshot": 10,
    "trust": 500,
    "fast_forward": 500,
    "hot": 256,
    "hot_64": 256,
    "short": 100,
}
_GOALS = {
    "cold": 10.0,
    "snapshot": 8.0,
    "trust": 5.0,
    "fast_forward": 4.0,
    "hot": 1.1,
    "hot_64": 4.0,
    "short": 8.0,
}
"""How many times as fast as the fastest of the others ours is to be."""


class Subject:
    """A process that is asked."""

    def __init__(self, python: str, program: str, folder: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 our own programs
            [python, str(_HERE / program), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, workload: str, operations: int) -> tuple[Spent, list[int]] | None:
        """What it took, and the state; None for what it hasn't got."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([workload, operations]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended; its error stands above")
        reply = json.loads(line)
        return None if reply is None else (reply[0], reply[1])

    def close(self) -> None:
        """Ask nothing more."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Row(NamedTuple):
    """Microseconds of an operation by each, by the clock and of the processor."""

    workload: str
    micros: dict[str, float]
    cpu_micros: dict[str, float]


def times_as_fast(micros: dict[str, float]) -> float:
    """How many times as fast as the fastest other ours is."""
    others = [spent for name, spent in micros.items() if name != "interlock"]
    return min(others) / micros["interlock"]


def measured(subjects: dict[str, Subject], workload: str, repetitions: int) -> Row:
    """The medians, asked in turn."""
    operations, spent = _OPERATIONS[workload], dict[str, list[Spent]]()
    for repetition in range(repetitions + 1):
        states = {}
        for name, subject in subjects.items():
            reply = subject.ask(workload, operations)
            if reply is None:
                continue
            both, states[name] = reply
            if repetition:  # the first warms up
                spent.setdefault(name, []).append(both)
        if len({tuple(state) for state in states.values()}) != 1:
            raise AssertionError(f"{workload}: the states are {states}")
    by_clock, of_processor = (
        {
            name: median(both[which] for both in each) / operations * 1e6
            for name, each in spent.items()
        }
        for which in range(2)
    )
    return Row(workload, by_clock, of_processor)


def told(rows: Sequence[Row], names: Sequence[str]) -> str:
    """The rows as a Markdown table; a goal that is missed has a mark."""
    head = ["microseconds of one operation", *names, "times as fast", "in processor time", "goal"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in rows:
        spent = [f"{row.micros[name]:,.1f}" if name in row.micros else "-" for name in names]
        goal, times = _GOALS[row.workload], times_as_fast(row.micros)
        told_times = [f"{times:.1f}", f"{times_as_fast(row.cpu_micros):.1f}"]
        missed = "" if times >= goal else " missed"
        lines.append([WORKLOADS[row.workload], *spent, *told_times, f"{goal:g}{missed}"])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> int:
    """Run, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subjects", nargs="+", help="by_interlock.py=PYTHON, and so on")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        subjects = {}
        for given in options.subjects:
            program, python = given.split("=", 1)
            name = program.removeprefix("by_").removesuffix(".py")
            subjects[name] = Subject(python, program, folder)
            stack.callback(subjects[name].close)
        repetitions = 5 if options.quick else 15
        rows = [measured(subjects, workload, repetitions) for workload in WORKLOADS]
        sys.stdout.write(told(rows, list(subjects)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
