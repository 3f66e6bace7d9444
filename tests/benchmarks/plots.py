"""The reference's figures as SVG, from the JSON that `run.py` wrote.

`python tests/benchmarks/plots.py JSON FOLDER`. Lines and text are of a grey that can be read on
white and on black.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

_GREY = "#808080"
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_AXES = {
    "history": "events of the stream",
    "tail": "events behind the snapshot",
    "state": "bytes of the state",
    "aggregates": "aggregates in the store",
}
Lines = Mapping[str, Sequence[tuple[float, float]]]


def drawn(measured: Mapping[str, Any], folder: Path) -> list[Path]:  # Any: JSON values
    """Write a file for each axis, and one for the number of callers."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "interlock", "font.size": 9})
    lines: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for point in measured["points"]:
        of_axis = lines.setdefault(point["axis"], {})
        of_axis.setdefault(point["line"], []).append((point["x"], point["micros"]))
    callers = _by_callers(measured["rows"])
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for axis, found in lines.items():
        written.append(folder / f"cost-by-{axis}.svg")
        _draw(found, _AXES[axis], "microseconds of a load", written[-1])
    if callers:
        written.append(folder / "cost-by-callers.svg")
        _draw(callers, "callers at once", "microseconds of a command", written[-1])
    return written


def _by_callers(rows: Sequence[Mapping[str, Any]]) -> Lines:  # Any: JSON values
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        where, _, what = row["workload"].partition(": command, ")
        if what:
            x = int(what.partition(" ")[0])
            lines.setdefault(where, []).append((x, row["ours"]))
            lines.setdefault(f"{where}, by hand", []).append((x, row["floor"]))
    return lines


def _draw(lines: Lines, x_label: str, y_label: str, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    is_from_zero = any(x == 0 for points in lines.values() for x, _ in points)
    if is_from_zero:
        axes.set_xscale("symlog", linthresh=10)
    else:
        axes.set_xscale("log")
    axes.set_yscale("log")
    for place, (name, points) in enumerate(lines.items()):
        is_by_hand = "by hand" in name or name == "one validate_json"
        colour = _COLOURS[(place // 2 if "callers" in path.stem else place) % len(_COLOURS)]
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, "o--" if is_by_hand else "o-", label=name, color=colour, markersize=4)
    axes.set_xlabel(x_label, color=_GREY)
    axes.set_ylabel(y_label, color=_GREY)
    axes.tick_params(which="both", colors=_GREY)
    axes.grid(visible=True, color=_GREY, alpha=0.25, linewidth=0.5)
    for spine in axes.spines.values():
        spine.set_color(_GREY)
    legend = figure.legend(loc="outside right upper", frameon=False, labelcolor=_GREY)
    legend.set_alpha(0)
    figure.savefig(path, format="svg", metadata={"Date": None}, transparent=True)
    plt.close(figure)


if __name__ == "__main__":
    for each in drawn(json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2])):
        sys.stdout.write(f"{each}\n")
