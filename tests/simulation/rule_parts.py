"""What the rules of histories share: what they find, and how streams and calls are looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from history import Call, End, History, Row, Rule


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a history breaks, and where."""

    rule: Rule
    where: str


Found = Iterator[Violation]


def commands(history: History) -> list[Call]:
    """List the commands among the calls."""
    return [call for call in history.calls if call.amounts is not None]


def saw(call: Call) -> bool:
    """Tell whether the caller saw a state."""
    return call.sees and call.end in (End.ACKNOWLEDGED, End.REFUSED)


def state_of(call: Call) -> tuple[int, int]:
    """Give the version and the balance that the caller saw."""
    return call.version, call.balance


def folded(rows: Sequence[Row], version: int) -> tuple[int, int]:
    """Fold the rows up to a version."""
    return version, sum(row.amount for row in rows[:version])


def is_fold(call: Call, rows: Sequence[Row]) -> bool:
    """Tell whether what the caller saw is the fold of these rows up to its version."""
    tags = tuple(row.tag for row in rows[: call.version])
    return (
        call.version <= len(rows)
        and state_of(call) == folded(rows, call.version)
        and call.tags in (None, tags)
    )


def kept_rows(eras: Sequence[Sequence[Row]]) -> list[int]:
    """Count the rows that each era has from the one before it."""
    kept = [0]
    for earlier, rows in pairwise(eras):
        same = 0
        while same < min(len(earlier), len(rows)) and earlier[same] == rows[same]:
            same += 1
        kept.append(same)
    return kept
