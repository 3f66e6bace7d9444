"""Ours against the floor, in turn; what counts is the ratio of their medians in one run."""

import gc
import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
    cpu_ratio: float | None = None
    """Ours over the floor in time of the processor, which other processes hardly add to."""

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
    which other processes don't add to. Where both end in a state, the two have to be the same.
    """
    spent: tuple[list[float], list[float]] = ([], [])
    busy: tuple[list[float], list[float]] = ([], [])
    for repetition in range(repetitions + 1):
        gc.collect()
        start, cpu_start = clock(), time.process_time()
        made = floor()
        if inspect.isawaitable(made):
            made = await made
        middle, cpu_middle = clock(), time.process_time()
        loaded = await ours()
        end, cpu_end = clock(), time.process_time()
        if isinstance(loaded, Account) and isinstance(made, PlainAccount):
            same(loaded, made)
        if repetition:  # the first warms up
            spent[0].append(middle - start)
            spent[1].append(end - middle)
            busy[0].append(cpu_middle - cpu_start)
            busy[1].append(cpu_end - cpu_middle)
    scale = _MICROSECONDS / operations
    cpu_ratio = median(busy[1]) / median(busy[0])
    return Row(workload, "us", median(spent[0]) * scale, median(spent[1]) * scale, cpu_ratio)
