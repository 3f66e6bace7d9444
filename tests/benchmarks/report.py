"""The tables of the reference, in Markdown and as JSON."""

import json
import os
import platform
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from apart import Parts
from growth import Point
from measuring import Row

GOALS = {
    "W1 cold load, 10,000 events": 1.35,
    "W2 snapshot at 9,500, 500 events": 1.5,
    "W3 cached, Trust": 4.0,
    "W3 cached, FastForward": 2.5,
    "W4 hot command, in memory": 30.0,
    "W5 random loads, snapshot 50, tail 50": 1.5,
    "SQLite on disk: command, 1 at once": 3.0,
    "SQLite on disk: command, 64 at once": 5.0,
    "postgresql: cold load, 10,000 events": 1.3,
    "postgresql: snapshot at 9,500, 500 events": 1.3,
    "postgresql: append of one event": 1.2,
    "postgresql: command, 64 at once": 1.3,
    "mariadb: append of one event": 1.3,
    "memcached: read of 100 bytes": 1.3,
    "Redis: read of 100 bytes": 1.3,
}
"""The most that ours may cost over the floor."""


@dataclass
class Report:
    """What was measured so far."""

    pairs: int
    """How many times both sides took turns; each figure is a median of so many."""
    rows: list[Row] = field(default_factory=list)
    parts: list[Parts] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """What wasn't measured, each with its reason."""

    def as_json(self) -> str:
        """All of it."""
        rows = [
            asdict(row) | {"ratio": row.ratio, "goal": GOALS.get(row.workload)} for row in self.rows
        ]
        return json.dumps(
            {
                "machine": machine(),
                "pairs": self.pairs,
                "rows": rows,
                "parts": [part._asdict() for part in self.parts],
                "points": [point._asdict() for point in self.points],
                "left out": self.left_out,
            },
            indent=2,
        )

    def as_markdown(self) -> str:
        """Tables; a goal that is missed has a mark."""
        said = f"{machine()}; medians of {self.pairs} pairs in turn"
        lines = [said, *_table(self.rows), *_parts(self.parts), *_growth(self.points)]
        return "\n".join([*lines, *(f"left out: {each}" for each in self.left_out)])


def machine() -> str:
    """A description of this machine, and of what runs on it."""
    parts = [
        f"{os.cpu_count()} cores, {_processor()}",
        f"{platform.system()} {platform.release().partition('-')[0]}",
        f"Python {platform.python_version()}",
        f"pydantic {version('pydantic')}",
        f"SQLite {sqlite3.sqlite_version}",
    ]
    return ", ".join(parts)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _table(rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield from ("", "| workload | by hand | Interlock | ratio | of processor time | goal |")
        yield "|---|---:|---:|---:|---:|---:|"
    for row in rows:
        goal = GOALS.get(row.workload)
        wanted = "" if goal is None else f"{goal:g}{'' if row.ratio <= goal else ' missed'}"
        floor, ours = f"{row.floor:,.2f} {row.unit}", f"{row.ours:,.2f} {row.unit}"
        cpu = "" if row.cpu_ratio is None else f"{row.cpu_ratio:.2f}"
        yield f"| {row.workload} | {floor} | {ours} | {row.ratio:.2f} | {cpu} | {wanted} |"


def _parts(parts: Sequence[Parts]) -> Iterator[str]:
    if parts:
        yield from ("", "| us of one command | whole | processor | hop | commit by hand |")
        yield "|---|---:|---:|---:|---:|"
    for part in parts:
        yield f"| {part.where} | {' | '.join(f'{each:,.0f}' for each in part[1:])} |"


def _growth(points: Sequence[Point]) -> Iterator[str]:
    for axis in dict.fromkeys(point.axis for point in points):
        here = [point for point in points if point.axis == axis]
        values = sorted({point.x for point in here})
        yield from ("", f"| us, by {axis} | {' | '.join(f'{x:,}' for x in values)} |")
        yield f"|---|{'---:|' * len(values)}"
        for line in dict.fromkeys(point.line for point in here):
            micros = {point.x: point.micros for point in here if point.line == line}
            yield f"| {line} | {' | '.join(f'{micros[x]:,.0f}' for x in values)} |"
