"""Ours against the floor, in turn; what counts is the ratio of their medians in one run."""

import gc
import inspect
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from account import Account
from floor import PlainAccount

_MICROSECONDS = 1e6


@dataclass(frozen=True)
class Row:
    """One line of the table; times in microseconds, memory in megabytes."""

    workload: str
    unit: str
    floor: float
    ours: float

    @property
    def ratio(self) -> float:
        """Ours over the floor."""
        return self.ours / self.floor


def same(ours: Account, floor: PlainAccount) -> None:
    """Assert that both loads ended in the same state."""
    found = {name: getattr(ours, name) for name in PlainAccount.model_fields}
    wanted = {name: getattr(floor, name) for name in PlainAccount.model_fields}
    if found != wanted:
        raise AssertionError(f"ours is {found}, the floor {wanted}")


async def measure(
    workload: str,
    repetitions: int,
    floor: Callable[[], object],
    ours: Callable[[], Awaitable[object]],
    *,
    operations: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Row:
    """Medians of both, run in turn; `operations` is how many of its kind one call makes.

    The floor may be synchronous. What waits for nothing may be measured by `time.process_time`,
    which other processes don't add to.
    """
    spent: tuple[list[float], list[float]] = ([], [])
    for repetition in range(repetitions + 1):
        gc.collect()
        start = clock()
        made = floor()
        if inspect.isawaitable(made):
            await made
        middle = clock()
        await ours()
        end = clock()
        if repetition:  # the first warms up
            spent[0].append(middle - start)
            spent[1].append(end - middle)
    scale = _MICROSECONDS / operations
    return Row(workload, "us", median(spent[0]) * scale, median(spent[1]) * scale)


def tell(title: str, rows: Sequence[Row], goals: Mapping[str, float], file: Path | None) -> None:
    """Print a table in Markdown, with the goal of each ratio; write JSON if asked.

    A goal that is missed is marked.
    """
    lines = [
        f"Python {sys.version.split()[0]}; {title}",
        "",
        "| workload | by hand | Interlock | ratio | goal |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        goal = goals.get(row.workload)
        wanted = "" if goal is None else f"{goal:g}{'' if row.ratio <= goal else ' missed'}"
        floor, ours = f"{row.floor:,.2f} {row.unit}", f"{row.ours:,.2f} {row.unit}"
        lines.append(f"| {row.workload} | {floor} | {ours} | {row.ratio:.2f} | {wanted} |")
    sys.stdout.write("\n".join(lines) + "\n")
    if file:
        told = [asdict(row) | {"ratio": row.ratio, "goal": goals.get(row.workload)} for row in rows]
        file.write_text(json.dumps(told, indent=2))
