"""A snapshot store that is down costs a few calls."""

import logging
from typing import Any

import pytest

from interlock._engine.reports import Reason, Source
from interlock.application.aggregates import (
    SnapshotAfterN,
)
from interlock.errors import BackendUnavailableError
from outage_rig import OTHERS, lines_of, with_breaker
from rig import Rig, settled, snapshotting
from rig_domain import Account
from virtual_time import RemoteCache, RemoteSnapshots, State, in_virtual_time, now, pass_by


class TestSnapshotsDown:
    """What an outage of the snapshot store costs."""

    def _rig(self, **options: Any) -> Rig:
        return Rig(snapshots=RemoteSnapshots(), **snapshotting(), **with_breaker(options))

    @in_virtual_time
    async def test_cold_loads_do_not_wait_for_it_again_and_again(self) -> None:
        async with self._rig() as rig:
            await rig.deposit(1)
            await pass_by(1)  # so that the deposit's own snapshot is written
            began = now()
            rig.snapshots.state = State.BLACK_HOLE
            for _ in range(20):
                await rig.load()
            assert now() - began == pytest.approx(3, abs=0.1)
            assert rig.snapshots.attempts == 3
            assert rig.misses == [(Source.SNAPSHOT, Reason.UNAVAILABLE)]
            assert "RemoteSnapshots isn't asked" in rig.report.misses[0].detail
            assert rig.app.counters().get("snapshot.breaker_opened") == 1

    @in_virtual_time
    async def test_a_load_that_may_not_replay_fails_at_once(self) -> None:
        async with self._rig(on_unavailable="fail") as rig:
            await rig.deposit(1)
            await pass_by(1)
            rig.snapshots.state = State.REFUSES
            for _ in range(3):
                with pytest.raises(BackendUnavailableError):
                    await rig.load()
            with pytest.raises(BackendUnavailableError, match="isn't asked: down for"):
                await rig.load()
            assert rig.snapshots.attempts == 3

    @in_virtual_time
    async def test_snapshots_are_skipped_and_counted(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with self._rig() as rig:
            rig.snapshots.state = State.REFUSES
            with caplog.at_level(logging.WARNING, "interlock"):
                await rig.load()
                await rig.load()
                await rig.load()
                await rig.deposit(1, 1)
                await settled()
            assert rig.app.counters().get("snapshot.put_skipped", 0) >= 1
            assert lines_of(caplog) == ["snapshot.breaker_opened"]
            await rig.load()
            assert (Source.SNAPSHOT, Reason.NOT_WRITTEN) in rig.misses

    @in_virtual_time
    async def test_it_is_used_again_after_its_rest(self) -> None:
        async with self._rig() as rig:
            await rig.deposit(1)
            await settled()
            rig.snapshots.state = State.BLACK_HOLE
            for _ in range(4):
                await rig.load()
            rig.snapshots.state = State.UP
            await pass_by(31)
            await rig.load()
            assert rig.report.baseline is Source.SNAPSHOT
            assert rig.app.counters().get("snapshot.breaker_closed") == 1

    @in_virtual_time
    async def test_who_prunes_or_forgets_is_notrefused(self) -> None:
        async with self._rig() as rig:
            await rig.deposit(1)
            await pass_by(1)
            rig.snapshots.state = State.REFUSES
            for _ in range(3):
                await rig.load()
            rig.snapshots.state = State.UP
            await rig.app.prune(Account)
            await rig.forget()
            assert rig.snapshots.calls[-1] == "forget"
            assert rig.snapshots.records() == {}

    @in_virtual_time
    async def test_the_cache_works_meanwhile(self) -> None:
        async with Rig(
            cache=RemoteCache(),
            snapshots=RemoteSnapshots(),
            snapshot_strategy=SnapshotAfterN(1),
            settings={"breaker_failures": 3},
        ) as rig:
            rig.snapshots.state = State.REFUSES
            for each in OTHERS:
                await rig.load(each)
            await rig.deposit(1)
            await rig.load()
            assert rig.report.baseline is Source.CACHE
