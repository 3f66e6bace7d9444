"""A load begins at a cache entry, or says why it does not."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from interlock._engine.reports import Reason, Source
from interlock.application.aggregates import (
    FastForward,
)
from interlock.backends import AggregateRecord, RecordKey
from interlock.errors import (
    BackendUnavailableError,
    RecordUnusableError,
)
from rig import Rig, ended, unharmed
from rig_domain import ID, Account
from rig_stores import Cache

OTHER_ID = UUID(int=8)


UNUSABLE = {
    "corrupt": {"payload": b"{"},
    "other type": {"aggregate_type": "Wallet"},
    "other id": {"aggregate_id": uuid4()},
    "other revision": {"revision": "0"},
    "other codec": {"codec": "pickle"},
    "other version than its state's": {"version": 9},
    "version 0": {"version": 0},
}


class TestCache:
    """The cache's entry."""

    @pytest.mark.parametrize("changes", UNUSABLE.values(), ids=UNUSABLE)
    async def test_an_unusable_entry_is_a_miss(self, changes: dict[str, Any]) -> None:
        async with Rig() as writer, writer.other(freshness=FastForward()) as rig:
            await writer.deposit(1, 2)
            _plant(rig.cache, writer.cache.found, changes)
            assert await rig.load() == Account(id=ID, version=2, balance=3)
            assert rig.misses[0] == (Source.CACHE, Reason.UNUSABLE)
            assert rig.app.counters()["cache.unusable"] == 1

    async def test_an_unusable_entry_is_removed(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            rig.cache.plant(rig.cache.found, payload=b"{")
            rig.events.then("read", OSError("down"))
            with pytest.raises(BackendUnavailableError):
                await rig.load()
            assert rig.cache.record is None

    async def test_an_entry_of_another_aggregate_is_not_taken(self) -> None:
        async with Rig() as rig, rig.other() as other:
            await rig.deposit(1, aggregate_id=OTHER_ID)
            _plant(other.cache, rig.cache.found, {})
            with unharmed("another aggregate's state was taken"):
                assert await other.load() == Account(id=ID)

    async def test_only_the_unusable_entry_itself_is_removed(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            good = rig.cache.found
            rig.cache.plant(good, payload=b"{", version=1)

            async def another_process_replaces_it() -> None:
                rig.cache.plant(good)

            async with rig.other(cache=rig.cache) as other:
                rig.cache.then("remove", another_process_replaces_it)
                rig.events.then("read", OSError("down"))
                with pytest.raises(BackendUnavailableError):
                    await other.load()
            assert rig.cache.record == good

    async def test_what_a_cache_that_never_waits_said_is_counted_and_reported_once(self) -> None:
        async with Rig() as rig, rig.other() as other:
            await rig.deposit(1)
            other.cache.plant(rig.cache.found, payload=b"{")
            await other.load()
            assert other.misses == [
                (Source.CACHE, Reason.UNUSABLE),
                (Source.SNAPSHOT, Reason.ABSENT),
            ]
            assert other.cache.calls == ["read", "remove", "put"]

    async def test_an_entry_that_the_store_cannot_read_is_removed(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            rig.cache.then("read", RecordUnusableError("not a record"))
            rig.cache.down.add("put")
            assert (await rig.load()).balance == 1
            assert "remove" in rig.cache.calls

    async def test_a_cache_that_is_down_is_a_miss(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            rig.cache.down |= {"read", "put", "remove"}
            with unharmed("the cache's outage reached the caller"):
                assert (await rig.load()).balance == 1
                await rig.deposit(2)
                assert (await rig.load()).balance == 3
            assert rig.misses[0] == (Source.CACHE, Reason.UNAVAILABLE)

    async def test_a_cache_that_never_answers_is_a_miss(self) -> None:
        cache = Cache()
        async with Rig(cache=cache) as rig:
            await rig.deposit(1)
            cache.timeout = timedelta(milliseconds=1)
            cache.hold("read")
            assert (await ended(rig.load())).balance == 1
            assert rig.misses[0] == (Source.CACHE, Reason.UNAVAILABLE)

    async def test_an_unproven_entry_ahead_of_the_stream_is_dropped_by_a_load(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            rig.events.roll_back(to=1)
            assert (await rig.load(freshness=FastForward())).balance == 1
            assert rig.cache.found.version == 1


def _plant(cache: Cache, record: AggregateRecord, changes: dict[str, Any]) -> None:
    cache._records[RecordKey("default", 0, "Account", ID, "1")] = record._replace(**changes)
