"""`python tests/benchmarks/values.py [--quick] [--json FILE]`: what it costs to verify a record.

A record is verified before it is put. Each row is one state, from 100 bytes to 1 MiB: what it
takes to encode it, to decode it, and to verify what was encoded. What counts is the last over the
first, both taken in one run, by the CPU time of the thread. A ratio over its goal fails the run.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from interlock._values.fidelity import fidelity_of
from interlock.domain import Aggregate

_MICROSECONDS = 1e6
_SIZES = (100, 1_000, 10_000, 100_000, 1_048_576)
_GOALS = {"closed": 2.0, "open": 10.0}


class Line(BaseModel):
    """A nested model of six fields."""

    sku: str
    quantity: int
    price: Decimal
    at: datetime
    note: str | None
    tags: list[str]


class Plain(Aggregate):
    """Builtins only, in lists and mappings."""

    name: str = ""
    points: dict[str, list[int]] = {}
    shares: list[float] = []


class Nested(Aggregate):
    """Models in a list."""

    name: str = ""
    lines: list[Line] = []


class OpenPlain(Plain):
    """With a constraint: what it holds has to be decoded and compared."""

    count: Annotated[int, Field(ge=0)] = 0


class OpenNested(Nested):
    """As `OpenPlain`."""

    count: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True)
class Cost:
    """Microseconds for one state; `size` is its JSON's, in bytes."""

    kind: str
    shape: str
    size: int
    encode: float
    decode: float
    verify: float

    @property
    def ratio(self) -> float:
        """What verifying costs, in encodings."""
        return self.verify / self.encode

    @property
    def is_missed(self) -> bool:
        """Whether it costs more than the goal says."""
        return self.ratio > _GOALS[self.kind]


def plain(cls: type[Plain], size: int) -> Plain:
    """A state of about so many bytes."""
    state = cls(id=UUID(int=1), name="Ada")
    for index in range(max(0, size - 100) // 52):
        state.points[f"k{index}"] = list(range(index, index + 5))
        state.shares.append(index / 7)
    return state


def nested(cls: type[Nested], size: int) -> Nested:
    """A state of about so many bytes."""
    at = datetime(2030, 1, 1, tzinfo=UTC)
    state = cls(id=UUID(int=1), name="Ada")
    for index in range(max(0, size - 100) // 108):
        made = Line(
            sku=f"s{index}", quantity=index, price=Decimal("1.10"), at=at, note=None, tags=[]
        )
        made.tags.append("new")
        state.lines.append(made)
    return state


def costs(repetitions: int) -> Iterator[Cost]:
    """A row for each kind, shape and size."""
    for kind, shapes in (("closed", (Plain, Nested)), ("open", (OpenPlain, OpenNested))):
        for shape, cls in zip(("plain", "nested"), shapes, strict=True):
            for size in _SIZES:
                make: Any = plain if shape == "plain" else nested
                yield cost(kind, shape, make(cls, size), repetitions)


def cost(kind: str, shape: str, state: Aggregate, repetitions: int) -> Cost:
    """What a state costs, as a load or a commit keeps it: every name of the root is set."""
    cls, fidelity = type(state), fidelity_of(type(state))
    state.__pydantic_fields_set__.update(cls.model_fields)
    encode, decode = cls.__pydantic_serializer__.to_json, cls.__pydantic_validator__.validate_json
    payload = encode(state)

    def verify() -> object:
        return fidelity.state_details(state, payload, lambda: decode(payload))

    if verify() != b"":
        raise AssertionError(f"{verify()}")
    calls = max(1, 50_000 // len(payload))
    spent = [
        fastest(what, calls, repetitions)
        for what in (lambda: encode(state), lambda: decode(payload), verify)
    ]
    return Cost(kind, shape, len(payload), *spent)


def fastest(call: Callable[[], object], calls: int, repetitions: int) -> float:
    """The least that one call took, in microseconds."""
    spent = []
    for _ in range(repetitions):
        began = time.thread_time()
        for _ in range(calls):
            call()
        spent.append((time.thread_time() - began) / calls)
    return min(spent) * _MICROSECONDS


def table(rows: Sequence[Cost]) -> Iterator[str]:
    """Markdown, the goal beside each ratio."""
    yield "| type | state | bytes | encode | decode | verify | verify / encode | goal |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for row in rows:
        goal, missed = _GOALS[row.kind], " **missed**" if row.is_missed else ""
        yield (
            f"| {row.kind} | {row.shape} | {row.size:,} | {row.encode:,.1f} us | "
            f"{row.decode:,.1f} us | {row.verify:,.1f} us | {row.ratio:.1f} | {goal:g}{missed} |"
        )


def main() -> int:
    """Measure and print. The exit code: 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    rows = list(costs(5 if options.quick else 15))
    sys.stdout.write(f"Python {sys.version.split()[0]}\n" + "\n".join(table(rows)) + "\n")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) | {"ratio": row.ratio} for row in rows]))
    return int(any(row.is_missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
