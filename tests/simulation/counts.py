"""`python tests/simulation/counts.py`: what the runs of the simulation met, by kind.

So many seeds as `INTERLOCK_SEEDS` says, 100 by default. The exit code is 1 if a rule is broken.
"""

import logging
import sys
from collections import Counter
from collections.abc import Iterator

from history import End
from history_checker import violations
from runs import CALM_SEEDS, SEEDS, calm, faulty
from simulated_world import Run
from surroundings import Fault


def _lines(runs: list[Run], found: int) -> Iterator[str]:
    calls = [call for run in runs for call in run.history.calls]
    faults = sum((run.hits for run in runs), Counter[Fault]())
    yield f"{SEEDS:7,} runs under faults, {len(CALM_SEEDS)} without"
    yield f"{len({str(run.history) for run in runs}):7,} histories that differ"
    yield f"{len(calls):7,} calls"
    ends = Counter(call.end for call in calls)
    yield from (f"{ends[end]:7,}   {end}" for end in End if ends[end])
    yield f"{faults.total():7,} faults and disturbances"
    yield from (f"{faults[fault]:7,}   {fault}" for fault in Fault if faults[fault])
    yield f"{found:7,} violations"


def main() -> int:
    """The exit code."""
    logging.disable()
    runs = [*map(faulty, range(SEEDS)), *map(calm, CALM_SEEDS)]
    found = sum(len(violations(run.history)) for run in runs)
    sys.stdout.write("\n".join(_lines(runs, found)) + "\n")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
