"""Simulates seed after seed up to the first violation, and prints as JSON what was met.

`python first_violation.py SEEDS [FIRST]`. `violation` is null if every rule holds in all runs.
Whatever else goes wrong is one too: a run that never ends, or an exception that leaves it.
"""

import json
import logging
import sys
from collections import Counter

from choices import Choices
from history import End
from history_checker import violations
from simulated_world import simulate
from surroundings import Fault


def main(seeds: range) -> dict[str, object]:
    """Name the first violation, and count faults and ends of calls in the runs up to it."""
    faults, ends, runs = Counter[Fault](), Counter[End](), 0
    violation: dict[str, object] | None = None
    for seed in seeds:
        runs += 1
        try:
            run = simulate(Choices(seed), is_faulty=True)
        except Exception as error:  # noqa: BLE001 it is the finding
            violation = {"seed": seed, "rule": f"the run ends in {error!r:.200}"}
            break
        faults += run.hits
        ends.update(call.end for call in run.history.calls)
        found = violations(run.history)
        if found:
            violation = {"seed": seed, "rule": found[0].rule}
            break
    return {"violation": violation, "runs": runs, "faults": faults, "ends": ends}


if __name__ == "__main__":
    logging.disable()
    count, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    sys.stdout.write(json.dumps(main(range(first, first + count)), indent=1) + "\n")
