"""An entry that a put or a removal didn't reach isn't used again."""

import asyncio
from typing import Any

import pytest

from interlock._engine.reports import Source
from interlock._storage.unsettled_keys import UnsettledKeys
from interlock.application.aggregates import (
    CacheWhen,
    Replay,
)
from outage_rig import OTHERS, refused, with_breaker
from rig import Rig, settled
from rig_domain import ID
from tiers_rig import KEY
from virtual_time import RemoteCache, State, in_virtual_time, pass_by

pytestmark = pytest.mark.usefixtures("no_settler")


def _rig(**options: Any) -> Rig:
    return Rig(cache=RemoteCache(), **with_breaker(options))


def _stored(rig: Rig) -> int | None:
    """The version that stands in the cache."""
    record = rig.cache._records.get(KEY)
    return None if record is None else int(record.version)


class TestOutdatedEntries:
    """An entry that a put or a removal didn't reach isn't used again."""

    def _forgetful(self, **options: Any) -> Rig:
        """A process that knows the head of the latest id only."""
        return _rig(settings={"floor_size": 1, "breaker_failures": 1}, **options)

    async def _outage(self, rig: Rig) -> None:
        """Version 1 stands in the cache, and the process knows nothing of version 2."""
        await rig.deposit(1)
        rig.clock.pass_by(1)
        rig.cache.state = State.BLACK_HOLE
        await rig.load(OTHERS[0])  # opens
        await rig.deposit(1)
        await rig.deposit(1, aggregate_id=OTHERS[1])
        await pass_by(31)
        rig.cache.state = State.UP
        assert _stored(rig) == 1

    @in_virtual_time
    async def test_after_a_put_that_was_skipped(self) -> None:
        async with self._forgetful() as rig:
            await self._outage(rig)
            assert (await rig.load()).version == 2
            assert _stored(rig) == 2
            assert (await rig.load()).version == 2
            assert rig.report.baseline is Source.CACHE

    @in_virtual_time
    async def test_after_a_put_that_was_refused_while_another_call_tried_the_cache(self) -> None:
        async with self._forgetful() as rig:
            await rig.deposit(1)
            rig.cache.state = State.BLACK_HOLE
            await rig.load(OTHERS[0])  # opens
            await pass_by(31)
            trying = asyncio.create_task(rig.load(OTHERS[0]))
            await settled()
            await rig.deposit(1)
            await rig.deposit(1, aggregate_id=OTHERS[1])
            await trying
            await pass_by(31)
            rig.cache.state = State.UP
            assert _stored(rig) == 1
            assert (await rig.load()).version == 2

    @in_virtual_time
    async def test_many_at_once_leave_it_out(self) -> None:
        async with self._forgetful() as rig:
            await self._outage(rig)
            states = await rig.load_many(ID, OTHERS[2])
            assert states[0].version == 2

    @in_virtual_time
    async def test_after_a_removal_that_was_skipped(self) -> None:
        small = CacheWhen(lambda moment: moment.version < 2)
        async with self._forgetful(cache_strategy=small) as rig:
            await self._outage(rig)
            assert rig.app.counters().get("cache.remove_skipped") == 1
            assert (await rig.load()).version == 2
            assert _stored(rig) is None

    @in_virtual_time
    async def test_after_a_put_and_a_removal_that_failed(self) -> None:
        async with _rig(settings={"floor_size": 1}) as rig:
            await rig.deposit(1)
            for call in ("put", "remove"):
                rig.cache.then(call, refused)
            await rig.deposit(1)
            await rig.deposit(1, aggregate_id=OTHERS[1])
            assert _stored(rig) == 1
            assert (await rig.load()).version == 2

    @in_virtual_time
    async def test_a_removal_that_fails_again_leaves_it_unused(self) -> None:
        async with self._forgetful() as rig:
            await self._outage(rig)
            rig.cache.then("remove", refused)
            assert (await rig.load()).version == 2
            await rig.deposit(1, aggregate_id=OTHERS[1])
            await pass_by(31)
            assert _stored(rig) == 1
            assert (await rig.load()).version == 2

    @in_virtual_time
    async def test_a_put_removes_it_first(self) -> None:
        async with self._forgetful(freshness=Replay()) as rig:
            rig.cache.state = State.BLACK_HOLE
            await rig.deposit(1, 1)
            rig.cache.state = State.UP
            await pass_by(31)
            rig.cache.calls.clear()
            await rig.deposit(1)
            assert rig.cache.calls == ["remove", "put"]

    @in_virtual_time
    async def test_with_too_many_to_remember_what_is_older_is_removed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(UnsettledKeys.__init__, "__kwdefaults__", {"size": 1})
        async with self._forgetful() as rig:
            await self._outage(rig)
            rig.cache.calls.clear()
            assert (await rig.load()).version == 2
            assert rig.cache.calls == ["read", "remove", "put"]
            assert _stored(rig) == 2
