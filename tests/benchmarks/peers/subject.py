"""What is compared, as a process that its own environment runs: a question a line, a reply a line.

The standard library only, since each of those environments holds another library.
"""

import gc
import json
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self
from uuid import UUID

Spent = tuple[float, float]
"""Seconds by the clock, and of the processor in all threads of the process."""
State = tuple[int, int]
"""A version and a balance: by these the ends of all are compared."""

LONG = UUID(int=1)
"""The account with 10,000 events, and a snapshot of it at 9,500."""
SHORT = [UUID(int=number) for number in range(1_001, 2_001)]
"""The accounts with 100 events, and snapshots of them at 50."""
HOT = [UUID(int=number) for number in range(2_001, 2_065)]
"""The accounts that are given commands."""

WORKLOADS: Mapping[str, str] = {
    "cold": "W1 cold load, 10,000 events",
    "snapshot": "W2 snapshot at 9,500, 500 events",
    "trust": "W3 cached, as it is",
    "fast_forward": "W3 cached, head checked",
    "hot": "W4 hot command",
    "hot_64": "W4 hot commands, 64 at once",
    "short": "W5 random loads, snapshot 50, tail 50",
}


def moves(length: int) -> list[int]:
    """What the events behind an account's first one deposit; withdrawals below 0."""
    return [-1 if number % 3 == 0 else number for number in range(1, length)]


def chosen(count: int) -> Sequence[UUID]:
    """So many of the short accounts, in the same random order for all."""
    generator = random.Random(5)  # noqa: S311 an order, not a secret
    return [generator.choice(SHORT) for _ in range(count)]


class Clock:
    """What a block takes, without a collection of garbage from before."""

    spent: Spent = (0.0, 0.0)

    def __enter__(self) -> Self:
        gc.collect()
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        began, cpu_began = self._began
        self.spent = time.perf_counter() - began, time.process_time() - cpu_began


Answer = Callable[[str, int], tuple[Spent, State] | None]


def serve(answer: Answer) -> None:
    """Answer each question, a workload and a number of operations, until there is none."""
    for line in sys.stdin:
        workload, count = json.loads(line)
        reply: Any = answer(workload, count)
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
