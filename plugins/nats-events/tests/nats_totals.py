"""Prints what the clusters of a run of faults have together: `python nats_totals.py FOLDER`."""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median


def totals(folder: Path) -> Iterator[str]:
    """Yield lines; the run may still be going on."""
    reports = [json.loads(path.read_text()) for path in sorted(folder.glob("cluster-*.json"))]
    pauses: dict[str, list[float]] = defaultdict(list)
    outcomes: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    looked = 0
    for report in reports:
        outcomes.update(report["outcomes"])
        outcomes["events"] += report["events acknowledged"]
        wrong["stale so far"] += report["stale so far"]
        for kind, seconds in report["seconds without an acknowledged append, by fault"].items():
            pauses[kind] += seconds
        looks = report["wrong in what was written, after so many faults"]
        for _, found in looks:
            wrong.update(found)
        looked += looks[-1][0] if looks else 0
    yield f"{len(reports)} clusters of {reports[0]['server']}, {reports[0]['writers']} writers each"
    yield f"{sum(map(len, pauses.values()))} faults, after each of which another node led"
    for kind, each in pauses.items():
        span = f"{min(each):.1f} to {max(each):.1f}, median {median(each):.1f}"
        yield f"  {kind}: {len(each)}; seconds without an acknowledged append: {span}"
    asked = outcomes["acknowledged"] + outcomes["unavailable appends"]
    share = outcomes["acknowledged"] / max(asked, 1)
    yield f"{dict(outcomes)}; of {asked} appends but conflicts {share:.2%} acknowledged"
    yield f"wrong: {dict(wrong)}; all was read that was written until {looked} of the faults"


if __name__ == "__main__":
    print("\n".join(totals(Path(sys.argv[1]))))  # noqa: T201 # a script
