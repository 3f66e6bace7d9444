"""The arithmetic of a large fleet: popularity, hit ratios, snapshots' cost, machines.

Every number that isn't computed here is an assumption with a name, and the page says which.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise

AGGREGATES = 10**9
COMMANDS = 10**5  # a second
ENTRY_BYTES = 1_024  # of a cached state, with what a cache needs besides
EVENT_BYTES = 250  # of an event in its table, with its part of the index
EVENTS_EACH = 50  # of an aggregate, on average
SNAPSHOT_BYTES = 1_200
SHARD_APPENDS = 3_000  # a second that one database takes at full load
NODE_BYTES = 64 * 2**30
NODE_CALLS = 100_000  # a second that one cache node takes at full load
COMMAND_SECONDS = 0.0004  # of one core
HEADROOM = 0.6  # of what a machine takes at full load
TURN_SECONDS = 0.001  # from one commit of a stream to its next
SKEWS = (0.8, 1.0, 1.2)
SKEW = 0.8  # of the fleet that is computed

READ_EVENT = {"SQLite": 2.0, "PostgreSQL": 3.0}  # microseconds to read and fold one
WRITE_SNAPSHOT = {"SQLite": 200.0, "PostgreSQL": 500.0}  # microseconds

_EXACT = 1_000
_BINS = 400


def hits() -> str:
    """The hit ratio of an LRU cache, by how many of the aggregates it holds."""
    head = ["a cache of", "memory", *(f"skew {skew}" for skew in SKEWS)]
    return _table(
        head,
        (
            [
                f"{entries:,}",
                _bytes(entries * ENTRY_BYTES),
                *(f"{hit_ratio(entries, skew):.0%}" for skew in SKEWS),
            ]
            for entries in (10**4, 10**5, 10**6, 10**7, 10**8)
        ),
    )


def hot() -> str:
    """The commands of the most wanted aggregate, and of how many each is too hot for one stream."""
    head = ["skew", "share of the first", "its commands a second", "streams above the limit"]
    most = 1 / TURN_SECONDS

    def rows() -> Iterator[list[str]]:
        for skew in SKEWS:
            rates = (COMMANDS * share(rank, skew) for rank in range(1, 1_000))
            above = sum(rate > most for rate in rates)
            first = share(1, skew)
            yield [f"{skew}", f"{first:.1%}", f"{first * COMMANDS:,.0f}", f"{above}"]

    return _table(head, rows())


def break_even() -> str:
    """The number of events between two snapshots at which a command costs least."""
    ratios = (0.0, 0.9, 0.99)
    head = ["events in", *(f"{ratio:.0%} of loads are cached" for ratio in ratios)]
    return _table(
        head,
        ([store, *(f"{cheapest(store, ratio):.0f}" for ratio in ratios)] for store in READ_EVENT),
    )


def off_by() -> str:
    """What replay and snapshots cost together, beside their cheapest, if n is off by a factor."""
    factors = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)
    costs = [f"{(factor + 1 / factor) / 2:.2f}" for factor in factors]
    return _table(
        ["n, times the cheapest", *(f"{factor:g}" for factor in factors)], [["cost", *costs]]
    )


def fleet() -> str:
    """The machines for so many aggregates and commands, by how many loads a cache answers."""
    columns = [_needed(ratio) for ratio in (0.0, 0.5, 0.9)]
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    return _table(["", "no cache", "50% of loads cached", "90% of loads cached"], rows)


def _needed(ratio: float) -> dict[str, str]:
    entries = _entries_for(ratio, SKEW) if ratio else 0
    calls = 2 * COMMANDS / (NODE_CALLS * HEADROOM)
    nodes = max(entries * ENTRY_BYTES / (NODE_BYTES * HEADROOM), calls) if ratio else 0
    misses, n = (1 - ratio) * COMMANDS, cheapest("PostgreSQL", ratio)
    return {
        "cached states": f"{entries:,}",
        "their memory": _bytes(entries * ENTRY_BYTES),
        "cache nodes": f"{math.ceil(nodes)}",
        "loads that miss, a second": f"{misses:,.0f}",
        "n, the cheapest": f"{n:.0f}",
        "snapshots written, a second": f"{COMMANDS / n:,.0f}",
        "events replayed, a second": f"{misses * n / 2:,.0f}",
        "shards, by appends": f"{math.ceil(COMMANDS / (SHARD_APPENDS * HEADROOM))}",
        "tables of events": _bytes(AGGREGATES * EVENTS_EACH * EVENT_BYTES),
        "tables of snapshots": _bytes(AGGREGATES * SNAPSHOT_BYTES),
        "cores for commands": f"{math.ceil(COMMANDS * COMMAND_SECONDS / HEADROOM)}",
    }


def share(rank: int, skew: float) -> float:
    """The share of commands of the aggregate of this rank: Zipf's law over all."""
    return math.pow(rank, -skew) / harmonic(AGGREGATES, skew)


@cache
def harmonic(count: int, skew: float) -> float:
    """The sum of `rank ** -skew`: the first terms one by one, the rest by Euler and Maclaurin."""
    low, high = float(min(count, _EXACT)), float(count)
    head = math.fsum(math.pow(rank, -skew) for rank in range(1, int(low) + 1))
    if low == high:
        return head
    integral = (
        math.log(high / low)
        if skew == 1
        else (math.pow(high, 1 - skew) - math.pow(low, 1 - skew)) / (1 - skew)
    )
    return head + integral + (math.pow(high, -skew) - math.pow(low, -skew)) / 2


@cache
def hit_ratio(entries: int, skew: float) -> float:
    """The hit ratio of an LRU cache by Che's approximation.

    An entry is found if it was asked for within the last T commands, and T is such that so many
    different ones were. Che, Tung, Wang: Hierarchical Web Caching Systems, IEEE JSAC 20 (2002).
    """
    bins = _bins(skew)

    def held(commands: float) -> float:
        return sum(count * -math.expm1(-each * commands) for count, each in bins)

    commands = _solved(held, entries)
    return sum(count * each * -math.expm1(-each * commands) for count, each in bins)


def cheapest(store: str, cached: float) -> float:
    """The n at which writing a snapshot every n events and replaying n / 2 of them cost least."""
    return math.sqrt(2 * WRITE_SNAPSHOT[store] / ((1 - cached) * READ_EVENT[store]))


@cache
def _bins(skew: float) -> Sequence[tuple[float, float]]:
    """Ranges of ranks: how many aggregates, and the share of each."""
    edges = sorted({round(AGGREGATES ** (place / _BINS)) for place in range(_BINS + 1)})
    total = harmonic(AGGREGATES, skew)
    bins = [(1.0, 1 / total)]
    for low, high in pairwise(edges):
        weight = harmonic(high, skew) - harmonic(low, skew)
        bins.append((float(high - low), weight / (high - low) / total))
    return bins


def _entries_for(ratio: float, skew: float) -> int:
    exponent = _solved(lambda power: hit_ratio(round(10**power), skew), ratio, 3.0, 9.0)
    return int(float(f"{10**exponent:.1e}"))


def _solved(
    function: Callable[[float], float], wanted: float, low: float = 1.0, high: float = 1e13
) -> float:
    """Where a growing function is as wanted, by halving."""
    for _ in range(40):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if function(middle) < wanted else (low, middle)
    return high


def _bytes(count: float) -> str:
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if count >= size:
            return f"{count / size:,.{0 if count >= 10 * size else 1}f} {unit}"
    return "-"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
