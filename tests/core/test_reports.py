"""What a load tells of itself, and that telling costs nothing where nobody listens."""

import asyncio
from datetime import timedelta
from typing import NoReturn

import pytest

from interlock._engine import load_context
from interlock._engine.reporting import Reporting
from interlock._engine.reports import Miss, Reason, Source
from interlock.application.aggregates import FastForward, SnapshotAfterN, Trust
from rig import Rig
from rig_domain import ID


async def test_a_report_tells_baseline_misses_and_events_folded() -> None:
    async with Rig(snapshot_strategy=SnapshotAfterN(2)) as writer, writer.other() as rig:
        await writer.deposit(*[1] * 5)
        await rig.load()
        report = rig.report
        assert (report.aggregate_type, report.aggregate_id) == ("Account", ID)
        assert (report.asked_version, report.freshness) == (None, Trust())
        assert (report.baseline, report.baseline_version) == (Source.SNAPSHOT, 4)
        assert (report.version, report.events_folded, report.is_current) == (5, 1, True)
        assert report.misses == (Miss(Source.CACHE, Reason.ABSENT),)
        assert list(report.phases) == ["cache", "snapshot", "tail"]
        assert min(report.phases.values()) >= timedelta(0)


async def test_a_report_tells_what_was_asked() -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2)
        await rig.load(version=1, freshness=FastForward())
        assert (rig.report.asked_version, rig.report.freshness) == (1, FastForward())
        assert rig.report.version == 1


async def test_each_miss_has_its_reason() -> None:
    async with Rig(snapshot_strategy=SnapshotAfterN(1)) as rig:
        await rig.deposit(1, 2)
        rig.cache.down.add("read")
        rig.snapshots.down.add("read")
        await rig.load()
        assert rig.misses == [
            (Source.CACHE, Reason.UNAVAILABLE),
            (Source.SNAPSHOT, Reason.UNAVAILABLE),
        ]
        assert "the server is down" in rig.report.misses[0].detail


async def test_a_snapshotter_that_stopped_shows_in_the_counters() -> None:
    async with Rig(snapshot_strategy=SnapshotAfterN(1)) as rig:
        await rig.deposit(1, 2)
        assert rig.app.counters().get("snapshot.taken") == 2
        rig.snapshots.down.add("put")
        await rig.deposit(4)
        assert rig.app.counters().get("snapshot.failed") == 1


async def test_loads_that_share_a_flight_share_its_report() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        await asyncio.gather(rig.load(), rig.load())
        assert len(rig.reports) == 1


async def test_where_nobody_listens_no_time_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def tick() -> NoReturn:
        pytest.fail("the time was taken for nobody")

    async with Rig(is_observed=False) as rig:
        monkeypatch.setattr(load_context, "perf_counter", tick)
        await rig.deposit(1)
        await rig.load()
        await rig.load(freshness=FastForward())
        assert rig.reports == []


async def test_a_cache_that_is_down_is_logged_once_with_type_and_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:
        rig.cache.down |= {"put", "remove"}
        await rig.deposit(*[1] * 20)
        assert rig.app.counters()["cache.failed"] == 20
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "cache.failed",
        "cache.remove_failed",
    ]
    for record in caplog.records:
        told = record.__dict__
        assert (told["aggregate_type"], told["aggregate_id"]) == ("Account", ID)
        assert (told["store"], told["plugin"]) == ("cache", "rig_stores")


def test_failures_of_one_kind_are_logged_once_a_minute_with_their_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    reporting = Reporting(clock=lambda: now)
    of_accounts, of_baskets = reporting.of("Account"), reporting.of("Basket")
    for second in range(121):
        now = float(second)
        of_accounts.failed("cache.failed", OSError("down"), ID)
    of_accounts.failed("cache.failed", ValueError("too long"), ID)
    of_baskets.failed("cache.failed", OSError("down"), ID)
    of_accounts.failed("cache.remove_failed", OSError("down"), ID)
    again = "cache.failed: down (59 more in 60 s)"
    assert caplog.messages == [
        "cache.failed: down",
        again,
        again,
        "cache.failed: too long",
        "cache.failed: down",
        "cache.remove_failed: down",
    ]
    assert [record.__dict__["occurrences"] for record in caplog.records] == [1, 60, 60, 1, 1, 1]
    assert reporting.counters("Basket") == {"cache.failed": 1}
    assert reporting.counters()["cache.failed"] == 123


def test_counters_are_a_copy() -> None:
    reporting = Reporting()
    reporting.count("x")
    reporting.counters()["x"] = 9
    assert reporting.counters() == {"x": 1}
