"""What `interlock advise` makes of lengths and costs."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
import operated_shop as shop
from interlock.application.aggregates import NeverSnapshot, SnapshotAfterN
from interlock.cli import advise, costs
from interlock.cli.costs import Costs
from operated_shop import stores
from shell import run_here

__all__ = ["stores"]


pytestmark = pytest.mark.usefixtures("stores")


def _told(*arguments: object, code: int = 0) -> str:
    done = run_here("advise", *map(str, arguments), "--app", "operated_shop:build")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def _costing(
    monkeypatch: pytest.MonkeyPatch, alone: float, each: float, cached: float = 10e-6
) -> None:
    async def found(*_: object) -> tuple[Costs, int]:
        return Costs(alone, each, cached=cached), 120

    monkeypatch.setattr(advise, "costs_of", found)


@pytest.mark.parametrize(
    ("alone", "n"), [(1e-7, 10), (3e-5, 20), (3.3e-5, 50), (1e-3, 1_000), (9.0, 500_000)]
)
def test_n_is_where_folding_costs_as_much_as_the_rest(alone: float, n: int) -> None:
    assert Costs(alone, 1e-6).n == n


@pytest.mark.parametrize(
    ("strategy", "now", "gains"),
    [
        (NeverSnapshot(), "140.0 us", ("4.7x", "14.0x")),
        (SnapshotAfterN(100), " 70.0 us", ("2.3x", " 7.0x")),
    ],
)
def test_long_streams_get_toml(
    stores: shop.Stores,
    monkeypatch: pytest.MonkeyPatch,
    strategy: Any,
    now: str,
    gains: tuple[str, str],
) -> None:
    stores.options = {"snapshot_strategy": strategy}
    _costing(monkeypatch, 20e-6, 1e-6)
    assert _told("Order").splitlines() == [
        "Order: 2 streams; half have at most 3 events, 95 % at most 120, the longest 120",
        "  123 events in the last 7 days, 17.6 a day",
        "  a load takes 20.0 us, and 1.0 us for each event it folds",
        "  a mean load of the longest takes",
        f"    as it is configured, without a cache   {now}      1.0x as fast",
        f"    with the snapshots below                30.0 us      {gains[0]} as fast",
        f"    and with the cache                      10.0 us     {gains[1]} as fast",
        "  at most 0.9 snapshots a day are written",
        "[aggregates.Order]",
        'snapshot_strategy = { use = "after-n", n = 20 }',
        'cache_strategy = "always"',
        'cache_backend = "memory-cache"',
        'freshness = "fast-forward"',
    ]


def test_a_cache_that_gains_little_is_not_advised(
    stores: shop.Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores.options = {"snapshot_strategy": NeverSnapshot()}
    _costing(monkeypatch, 20e-6, 1e-6, cached=21e-6)
    lines = _told("Order").splitlines()
    assert lines[6] == "    with a cache                            21.0 us      6.7x as fast"
    assert lines[-1] == 'snapshot_strategy = { use = "after-n", n = 20 }'


def test_a_tail_costs_what_tails_of_its_length_were_measured_to() -> None:
    of = Costs(10.0, 3.0, [(20, 20.0), (100, 260.0)])
    assert [of.load(events) for events in (0, 10, 20, 60, 100, 101)] == [
        *(10.0, 20.0, 30.0, 150.0, 270.0, 273.0)
    ]
    assert of.mean_load(20) == pytest.approx(20.0)
    assert of.n == 10  # the nearest to where a tail costs 10


def test_a_wait_for_a_core_is_no_cost(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock, waits = iter([5.0, 9.0]), iter(["0 1000000000 1", "0 3500000000 1"])
    cores = iter([1.0, 1.5])
    monkeypatch.setattr(costs, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(costs, "process_time", lambda: next(cores))
    monkeypatch.setattr(costs, "_THREADS", tmp_path)
    (tmp_path / "7").mkdir()
    monkeypatch.setattr(Path, "read_text", lambda _: next(waits))

    async def call() -> None:
        pass

    assert asyncio.run(costs.seconds_of(call)) == 4.0 - 2.5
    clock, waits = iter([5.0, 9.0]), iter(["0 1000000000 1", "0 9000000000 1"])
    cores = iter([1.0, 2.5])
    assert asyncio.run(costs.seconds_of(call)) == 1.5  # two threads have waited at once
    monkeypatch.setattr(costs, "_THREADS", tmp_path / "none")
    assert costs._ready() == 0.0


def _archive(stores: shop.Stores, *ids: UUID) -> None:
    for each in ids:
        run_here("snapshots", "take", "Order", str(each), "--app", "operated_shop:build")
        asyncio.run(stores.events.delete("Order", each, below=2))


def test_an_archived_stream_leaves_the_next_to_be_measured(stores: shop.Stores) -> None:
    _archive(stores, shop.LONG)
    lines = _told("Order").splitlines()
    assert lines[0].endswith("the longest 120")
    assert lines[3] == "  measured on a stream of 3, since longer ones are archived"


def test_a_type_whose_streams_are_all_archived_is_told_of(stores: shop.Stores) -> None:
    _archive(stores, shop.LONG, shop.SHORT)
    assert _told("Order") == (
        "Order: its 2 longest streams can't be replayed, since the first events are archived or "
        "deleted: nothing can be measured\n"
    )


def test_short_streams_need_none(stores: shop.Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    stores.options = {"snapshot_strategy": NeverSnapshot()}
    _costing(monkeypatch, 100e-6, 1e-6, cached=200e-6)
    assert _told("Order").splitlines()[-4:] == [
        "  so short streams need no snapshots",
        "  a mean load of the longest takes",
        "    as it is configured, without a cache   220.0 us      1.0x as fast",
        "    with a cache                           200.0 us      1.1x as fast",
    ]


def test_costs_are_measured_with_and_without_a_snapshot(stores: shop.Stores) -> None:
    for _ in range(2):
        done = run_here("advise", "--json", "--app", "operated_shop:build")
        (found,) = json.loads(done.stdout)
        assert (found["stats"]["longest"], found["costs"]["alone"] > 0) == (120, True)
        assert found["costs"]["each"] > 0
        assert 0 < found["costs"]["cached"] < found["costs"]["alone"] + found["then"]
        run_here("snapshots", "take", "Order", str(shop.LONG), "--app", "operated_shop:build")


def test_the_costs_are_drawn(tmp_path: Path) -> None:
    path = tmp_path / "n.svg"
    _told("Order", "--plot", path)
    drawn = ET.fromstring(path.read_text())  # noqa: S314 our own
    (line,) = drawn.iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(int, each.split(","))) for each in line.attrib["points"].split()]
    assert all(60 <= x <= 580 and 40 <= y <= 280 for x, y in points)
    assert points == sorted(points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)


def test_without_streams_there_is_nothing_to_say(stores: shop.Stores, tmp_path: Path) -> None:
    stores.events = type(stores.events)()
    assert _told() == "no type has a stream\n"
    said = _told("--plot", tmp_path / "n.svg", code=2)
    assert said == "--plot draws one type; name one that has streams\n"
