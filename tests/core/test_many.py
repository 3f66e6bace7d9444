"""Loading many: each as a load of its own would give it, for one read of each store a batch."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from interlock._engine.reports import Reason, Source
from interlock.application.aggregates import (
    FastForward,
    MaxAge,
    Replay,
    SnapshotAfterN,
    Trust,
)
from interlock.errors import (
    ConfigurationError,
)
from many_accounts import IDS, OneByOne, balances, filled
from rig import Rig, ended
from rig_domain import ID, Account


class TestAnswers:
    """What is given for each id."""

    async def test_they_come_in_the_order_asked(self) -> None:
        async with Rig() as rig:
            await filled(rig)
            asked = [IDS[4], IDS[0], IDS[6], IDS[2]]
            found = await rig.load_many(*asked)
            assert [account.id for account in found] == asked
            assert found == [await rig.load(i, freshness=Replay()) for i in asked]

    async def test_an_id_without_events_is_the_empty_aggregate(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            found = await rig.load_many(IDS[0], ID)
            assert found == [Account(id=IDS[0]), Account(id=ID, version=1, balance=1)]
            assert rig.cache.found.aggregate_id == ID

    async def test_none_is_none(self) -> None:
        async with Rig() as rig:
            assert await rig.load_many() == []
            assert rig.events.calls == []

    async def test_an_id_named_twice_gives_two_objects(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            first, second, third = await rig.load_many(ID, ID, ID)
            first.marks.append("mine")
            first.balance = 99
            assert second == third == Account(id=ID, version=1, balance=1)
            second.marks.append("yours")
            assert third.marks == (await rig.load()).marks == []

    async def test_each_carries_the_stamp_of_its_last_event(self) -> None:
        async with Rig() as rig:
            (last,) = rig.events.write(1)
            (account,) = await rig.load_many(ID)
            stamp = account.model_dump(mode="json")["interlock_stamp"]
            assert (stamp["version"], stamp["last_event_id"]) == (1, str(last))

    async def test_what_is_no_id_is_refused_when_its_turn_has_come(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            wrong: Any = "7"
            accounts = rig.app.load_many(rig.cls, [ID, wrong])
            assert (await anext(accounts)).balance == 1
            with pytest.raises(TypeError, match="one of the ids is of type str; wanted a UUID"):
                await anext(accounts)


class TestReads:
    """How often the stores are asked."""

    async def test_each_store_is_read_once(self) -> None:
        async with Rig(snapshot_strategy=SnapshotAfterN(2)) as rig:
            for aggregate_id in IDS:
                await rig.deposit(1, 1, aggregate_id=aggregate_id)
            rig.events.write(5, aggregate_id=IDS[0])
            rig.cache.evict()
            for noted in (rig.events.calls, rig.cache.calls, rig.snapshots.calls, rig.reports):
                noted.clear()
            assert balances(await rig.load_many(*IDS)) == [7, 2, 2, 2, 2, 2, 2]
            assert rig.cache.calls.count("read_many") == 1
            assert rig.snapshots.calls.count("read_many") == 1
            assert rig.events.calls == ["read_many", *["reading"] * len(IDS)]
            assert [report.events_folded for report in rig.reports] == [1, 0, 0, 0, 0, 0, 0]

    async def test_only_what_the_cache_lacks_is_read_elsewhere(self) -> None:
        async with Rig() as rig:
            await filled(rig)
            await rig.load(IDS[0])
            rig.events.calls.clear()
            await rig.load_many(*IDS[:3])
            assert rig.events.calls == ["read_many", "reading", "reading"]

    async def test_ids_are_taken_by_the_batch_when_its_first_is_asked_for(self) -> None:
        async with Rig() as rig:
            taken: list[UUID] = []

            def asked() -> Any:
                for number in range(501):
                    taken.append(UUID(int=number))
                    yield taken[-1]

            accounts = rig.app.load_many(rig.cls, asked())
            await anext(accounts)
            assert (len(taken), rig.events.calls.count("read_many")) == (500, 1)
            rest = [account.id async for account in accounts]
            assert (len(rest), rig.events.calls.count("read_many")) == (500, 2)

    async def test_a_store_without_the_capability_is_read_id_by_id(self) -> None:
        async with Rig(events=OneByOne()) as rig:
            await filled(rig)
            assert balances(await rig.load_many(*IDS[:3])) == [1, 3, 6]
            assert rig.events.calls.count("read") == 3
            assert rig.cache.calls.count("read_many") == 1
            assert balances(await rig.load_many(*IDS[:3], freshness=Trust())) == [1, 3, 6]
            assert rig.events.calls.count("read") == 3

    async def test_a_cache_that_gave_no_answer_is_not_put_to(self) -> None:
        async with Rig() as rig:
            await filled(rig)
            rig.cache.down |= {"read_many", "put"}
            assert balances(await rig.load_many(*IDS[:3])) == [1, 3, 6]
            assert rig.cache.calls == ["read_many"]
            assert rig.misses[0] == (Source.CACHE, Reason.UNAVAILABLE)


class TestFreshness:
    """As that of a load."""

    async def test_trust_returns_hits_without_reading_the_stream(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            rig.events.write(2)
            rig.events.calls.clear()
            assert balances(await rig.load_many(ID)) == [1]
            assert rig.events.calls == []

    async def test_fast_forward_reads_on_from_hits(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            rig.events.write(2)
            assert balances(await rig.load_many(ID, freshness=FastForward())) == [3]
            assert (rig.report.baseline, rig.report.events_folded) == (Source.CACHE, 1)
            assert rig.cache.found.version == 2

    async def test_replay_uses_neither_cache_nor_snapshot(self) -> None:
        async with Rig(snapshot_strategy=SnapshotAfterN(1)) as rig:
            await rig.deposit(1)
            rig.cache.plant(rig.cache.found, payload=b"{")
            await rig.snapshots.plant(rig.snapshots.records()[1], payload=b"{")
            rig.cache.calls.clear()
            rig.snapshots.calls.clear()
            assert balances(await rig.load_many(ID, freshness=Replay())) == [1]
            assert rig.cache.calls == rig.snapshots.calls == []

    async def test_what_grew_too_old_since_the_batch_was_read_is_loaded_anew(self) -> None:
        age = MaxAge(timedelta(seconds=10))
        async with Rig(freshness=age) as rig:
            for aggregate_id in IDS[:2]:
                await rig.deposit(1, aggregate_id=aggregate_id)
            accounts = rig.app.load_many(rig.cls, IDS[:2])
            assert (await anext(accounts)).balance == 1
            rig.events.write(2, aggregate_id=IDS[1])
            rig.clock.pass_by(10)
            assert (await anext(accounts)).balance == 3


class TestMeanwhile:
    """What happens between the read of a batch and an id's turn."""

    async def test_an_own_commit_is_seen(self) -> None:
        async with Rig() as rig:
            await filled(rig)
            accounts = rig.app.load_many(rig.cls, IDS[:2])
            await anext(accounts)
            await rig.deposit(10, aggregate_id=IDS[1])
            assert (await anext(accounts)).balance == 13

    async def test_a_commit_during_the_read_is_not_overwritten(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            gate = rig.events.hold("reading")
            many = asyncio.create_task(rig.load_many(ID, freshness=FastForward()))
            await gate.reached.wait()
            rig.cache.then("put", OSError("lost"))
            await rig.deposit(2)
            gate.opened.set()
            assert balances(await many) == [3]
            assert rig.cache.found.version == 2
            assert rig.app.counters()["cache.put_below_floor"] == 1

    async def test_nothing_older_is_returned_than_what_was_returned_before(self) -> None:
        async with Rig() as writer, writer.other() as rig:
            await writer.deposit(1)
            old = writer.cache.found
            await writer.deposit(2)
            rig.cache.plant(writer.cache.found)
            assert balances(await rig.load_many(ID)) == [3]
            rig.cache.plant(old)
            assert (await rig.load()).balance == 3
            rig.cache.plant(old)
            assert balances(await rig.load_many(ID)) == [3]

    async def test_an_entry_below_the_floor_is_no_baseline(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            old = rig.cache.found
            await rig.deposit(2)
            rig.cache.plant(old)
            assert balances(await rig.load_many(ID, freshness=FastForward())) == [3]
            assert rig.misses[:1] == [(Source.CACHE, Reason.BELOW_FLOOR)]

    async def test_what_is_forgotten_meanwhile_is_loaded_anew(self) -> None:
        async with Rig() as rig:
            await filled(rig)
            accounts = rig.app.load_many(rig.cls, IDS[:2])
            await anext(accounts)
            await rig.forget(IDS[1], events=True)
            assert await anext(accounts) == Account(id=IDS[1])

    async def test_a_rollback_that_a_batch_proves_clears_the_floor(self) -> None:
        async with Rig() as rig:
            await rig.deposit(1, 2)
            rig.events.roll_back(1)
            assert balances(await rig.load_many(ID, freshness=FastForward())) == [1]
            assert rig.app.counters()["stream.rolled_back"] == 1
            assert (await rig.load()).balance == 1

    async def test_after_the_close_there_is_no_more(self) -> None:
        rig = Rig()
        async with rig:
            await filled(rig)
            accounts = rig.app.load_many(rig.cls, IDS[:2])
            await anext(accounts)
        with pytest.raises(ConfigurationError, match="isn't running"):
            await ended(anext(accounts))
