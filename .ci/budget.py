"""Holds what a run took against `.ci/budget.toml`: each environment of tox, and runs as a whole.

`python .ci/budget.py FOLDER`. The folder has what `tox --result-json` wrote, and `seconds.toml`
with the seconds of whole runs. INTERLOCK_BUDGET_SCALE=2 allows a slower machine twice as much.
"""

import json
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

_BUDGET = Path(__file__).with_name("budget.toml")
_SCALE = "INTERLOCK_BUDGET_SCALE"


def main(folder: Path, budget_file: Path = _BUDGET) -> int:
    """The exit code: 0 if something was measured, and nothing took longer than it may."""
    budget = tomllib.loads(budget_file.read_text())
    scale = float(os.environ.get(_SCALE, "1"))
    environments = dict(_environments(folder))
    path = folder / "seconds.toml"
    runs = tomllib.loads(path.read_text()) if path.exists() else {}
    if not environments:
        print(f"budget: wanted results of tox in {folder}, found none; .ci/run writes them")
        return 1
    wrong = [
        *_over("environment", environments, budget["environments"], scale),
        *_over("run", runs, budget["runs"], scale),
    ]
    for name, seconds in {**environments, **runs}.items():
        print(f"{name:28} {seconds:7.1f} s")
    for line in wrong:
        print("budget:", line)
    return 1 if wrong else 0


def _environments(folder: Path) -> Iterator[tuple[str, float]]:
    """The seconds of each environment that ran, its installation among them."""
    for path in sorted(folder.glob("*.json")):
        for name, found in json.loads(path.read_text())["testenvs"].items():
            result = found.get("result", {})
            if not result.get("skipped", True):
                yield name, result["duration"]


def _over(
    kind: str, measured: Mapping[str, float], allowed: Mapping[str, float], scale: float
) -> Iterator[str]:
    for name, seconds in measured.items():
        budget = allowed.get(name, allowed.get("default"))
        if budget is None:
            yield f"{kind} {name} took {seconds:.0f} s and has no budget; .ci/budget.toml gives one"
        elif seconds > budget * scale:
            scaled = "" if scale == 1 else f" (by {_SCALE}, {budget} times {scale:g})"
            yield (
                f"{kind} {name}: budget {budget * scale:.0f} s{scaled}, "
                f"measured {seconds:.0f} s; make it faster, or raise it and say why"
            )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
