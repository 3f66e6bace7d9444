"""A share of the cache's hits is replayed behind the answers, and compared."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest

from interlock._engine import shadowing
from interlock.application.aggregates import FastForward, Trust
from rig import Rig, ended, settled
from rig_domain import ID


async def _checked(rig: Rig) -> None:
    """Wait for the check that goes on."""
    assert await settled()
    assert rig.app._services[rig.cls]._shadow._task is None


def _lie(rig: Rig) -> None:
    """Let the entry be what no events give."""
    rig.cache.plant(
        rig.cache.found, payload=rig.cache.found.payload.replace(b'"balance":3', b'"balance":4')
    )


@pytest.mark.parametrize("freshness", [Trust(), FastForward()], ids=["trust", "fast-forward"])
async def test_an_entry_that_differs_is_counted_logged_and_removed(
    freshness: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with Rig(shadow=1.0) as rig:
        await rig.deposit(1, 2)
        await _checked(rig)
        _lie(rig)
        with caplog.at_level(logging.WARNING, "interlock"):
            await rig.load(freshness=freshness)
            await _checked(rig)
        assert rig.app.counters()["shadow.different"] == 1
        assert f"Account {ID} version 2" in caplog.text
        assert "at $.balance" in caplog.text
        assert rig.cache.record is None
        assert (await rig.load()).balance == 3


async def test_an_entry_that_is_right_stays() -> None:
    async with Rig(shadow=1.0) as rig:
        await rig.deposit(1, 2)
        (await rig.load()).balance = 7  # the caller's own
        await _checked(rig)
        counters = rig.app.counters()
        assert counters["shadow.checked"] >= 1
        assert "shadow.different" not in counters
        assert rig.cache.found.version == 2


async def test_an_entry_is_compared_with_its_own_version() -> None:
    async with Rig(shadow=1.0) as rig:
        await rig.deposit(1, 2)
        await _checked(rig)
        checked = rig.app.counters().get("shadow.checked", 0)
        gate = rig.events.hold("read")
        await rig.load()
        await gate.reached.wait()
        rig.events.write(5)
        gate.opened.set()
        await _checked(rig)
        assert rig.app.counters().get("shadow.checked") == checked + 1
        assert "shadow.different" not in rig.app.counters()


@pytest.mark.parametrize("harm", ["roll_back", "drop_below"])
async def test_of_a_stream_that_was_rolled_back_or_archived_nothing_is_said(harm: str) -> None:
    async with Rig(shadow=1.0) as rig:
        await rig.deposit(1, 2)
        await _checked(rig)
        getattr(rig.events, harm)(1 if harm == "roll_back" else 2)
        before = rig.app.counters()
        await rig.load()
        await _checked(rig)
        assert rig.app.counters() == before


async def test_a_check_that_fails_is_counted_and_reaches_nobody() -> None:
    async with Rig(shadow=1.0) as rig:
        await rig.deposit(1, 2)
        await _checked(rig)
        rig.events.down.add("read")
        assert (await rig.load()).balance == 3
        await _checked(rig)
        assert rig.app.counters()["shadow.failed"] == 1


async def test_a_share_of_the_hits_is_checked_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    to_draw = [0.9, 0.9, 0.49, 0.5]
    monkeypatch.setattr(shadowing, "random", to_draw.pop)
    async with Rig(shadow=0.5) as rig:
        await rig.deposit(1)
        await rig.load()
        assert "read" not in rig.events.calls[2:]
        gate = rig.events.hold("read")
        await rig.load()
        await gate.reached.wait()
        await rig.load()
        assert to_draw == [0.9, 0.9]  # it drew nothing
        gate.opened.set()
        await _checked(rig)
        await rig.load()
        assert rig.app.counters().get("shadow.checked") == 1


async def test_without_the_option_no_hit_is_looked_into() -> None:
    async with Rig() as rig:
        await rig.deposit(1)
        assert rig.app._services[rig.cls].loader._cache.checks is None


async def test_closing_ends_a_check() -> None:
    async with Rig(shadow=1.0, settings={"close_timeout": timedelta(seconds=1)}) as rig:
        await rig.deposit(1)
        await _checked(rig)
        gate = rig.events.hold("read")
        await rig.load()
        await gate.reached.wait()
        await ended(rig.app.close())
        await settled()
        assert len(asyncio.all_tasks()) == 1
