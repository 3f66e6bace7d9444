"""What is emitted is what the page lists, in both directions."""

import asyncio
import re
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from interlock.errors import BackendUnavailableError
from interlock_opentelemetry import names
from telemetry_rig import ID, Order, RefusedError, Shop

_PAGE = Path(__file__).parents[3] / "docs/how-to/opentelemetry.md"
Emitted = dict[str, set[str]]


def _rows(title: str) -> list[list[list[str]]]:
    """The rows of a section's table, each cell as the names in it."""
    section = _PAGE.read_text("utf-8").partition(f"### {title}\n")[2].partition("\n#")[0]
    return [
        [re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| `")
    ]


async def _all_that_happens(shop: Shop) -> None:
    """Whatever a shop may meet, at least once."""
    app, others = shop.app, [UUID(int=number) for number in range(100, 105)]
    async with shop:
        await shop.order(1, 1, 1)
        await app.load(Order, ID)
        await app.load(Order, ID, version=2)
        with pytest.raises(RefusedError):
            await shop.order(-1)
        await _cancelled(shop)
        shop.events.is_down = True
        with pytest.raises(BackendUnavailableError):
            await shop.order(1)
        with pytest.raises(BackendUnavailableError):
            await app.load(Order, others[0])
        shop.events.is_down, shop.snapshots.takes_nothing = False, True
        with pytest.raises(BackendUnavailableError):
            await app.rebuild_snapshots(Order, [ID])
        shop.cache.is_down = True
        for each in others:
            await app.load(Order, each)
        [each async for each in app.load_many(Order, others)]


async def _cancelled(shop: Shop) -> None:
    """A load and a batch whose caller gives up while the cache is read."""
    gate = shop.cache.gate = asyncio.Event()
    shop.cache.reached.clear()
    loading = asyncio.create_task(shop.app.load(Order, UUID(int=9)))
    await shop.cache.reached.wait()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert loading.cancelled()
    shop.cache.reached.clear()
    batch = asyncio.ensure_future(anext(shop.app.load_many(Order, [UUID(int=9)])))
    await shop.cache.reached.wait()
    batch.cancel()
    await asyncio.wait([batch])
    assert batch.cancelled()
    gate.set()


def _span_form(name: str, facts: dict[str, Any]) -> str:  # Any: OpenTelemetry's own
    """The form that a span's name is of."""
    for key, word in ((names.COMMAND, "{command}"), (names.ACTION, "{action}")):
        if key in facts:
            name = name.replace(f" {facts[key]}", f" {word}", 1)
    return re.sub(" Order$", " {type}", name)


async def test_every_metric_is_listed_and_every_listed_one_is_emitted() -> None:
    shop = Shop()
    await _all_that_happens(shop)
    emitted: Emitted = defaultdict(set)
    for name, facts, _ in shop.points():
        emitted[name] |= set(facts)
    listed = {cells[0][0]: set(cells[3]) for cells in _rows("Metrics")}
    assert emitted == listed
    assert listed == {metric.name: set(metric.attributes) for metric in names.METRICS}
    kinds = {cells[0][0]: (cells[1][0], cells[2][0]) for cells in _rows("Metrics")}
    assert kinds == {metric.name: (metric.kind, metric.unit) for metric in names.METRICS}


async def test_every_span_is_listed_and_every_listed_one_is_emitted() -> None:
    shop = Shop()
    await _all_that_happens(shop)
    emitted: Emitted = defaultdict(set)
    for span in shop.spans():
        facts = dict(span.attributes or {})
        emitted[_span_form(span.name, facts)] |= set(facts)
    listed = {cells[0][0]: set(cells[1]) for cells in _rows("Spans")}
    assert emitted == listed
    assert listed == {name: set(facts) for name, facts in names.SPANS.items()}


def test_every_attribute_is_explained() -> None:
    used = {name for metric in names.METRICS for name in metric.attributes}
    used |= {name for facts in names.SPANS.values() for name in facts}
    assert {cells[0][0] for cells in _rows("Attributes")} == used


def test_the_page_names_the_version() -> None:
    assert f"version {names.VERSION} of the names" in _PAGE.read_text("utf-8")


async def test_no_metric_has_an_id() -> None:
    shop = Shop()
    await _all_that_happens(shop)
    values = {str(value) for _, facts, _ in shop.points() for value in facts.values()}
    assert len(values) > 10
    assert str(ID) not in values


async def test_an_open_breaker_is_1() -> None:
    async with Shop() as shop:
        assert shop.values("interlock.breaker.open") == {
            ("RemoteCache", "cache"): 0,
            ("RemoteSnapshots", "snapshot"): 0,
        }
        shop.cache.is_down = True
        for number in range(5):
            await shop.app.load(Order, UUID(int=100 + number))
        assert shop.values("interlock.breaker.open")["RemoteCache", "cache"] == 1


async def test_counters_are_counted() -> None:
    async with Shop() as shop:
        await shop.order(1, 1)
    counts = shop.values("interlock.counts")
    assert counts.pop(("Order", "snapshot.taken")) == 1
    assert counts == {("Order", counter): 0 for counter in names.RARE}
    assert shop.values("interlock.append.events") == {("Order", "Events"): 2}
