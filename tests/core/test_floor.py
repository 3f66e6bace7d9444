"""One reads one's own writes, whatever the cache does."""

import asyncio
from collections.abc import Collection
from uuid import UUID, uuid4

import pytest

from interlock._engine.known_heads import KnownHeads
from interlock._engine.reports import Reason, Source
from interlock.application.aggregates import FastForward, Trust
from interlock.backends import AggregateRecord, RecordKey, Stamp
from rig import Rig, settled
from rig_domain import ID, Account, Deposited
from rig_stores import Cache

A, B, C = (UUID(int=number) for number in range(3))


def test_the_highest_head_is_kept() -> None:
    floor, event = KnownHeads(10), uuid4()
    floor.raise_to(A, (2, event))
    floor.raise_to(A, (1, uuid4()))
    assert floor.head(A) == (2, event)
    assert (floor.version(A), floor.version(B)) == (2, 0)


def test_of_so_many_ids_the_least_recently_raised_is_forgotten() -> None:
    floor = KnownHeads(2)
    for aggregate_id in (A, B, A, C):
        floor.raise_to(aggregate_id, (1, uuid4()))
    assert [floor.version(aggregate_id) for aggregate_id in (A, B, C)] == [1, 0, 1]


def test_what_was_noted_since_is_not_refuted() -> None:
    floor, old, new = KnownHeads(10), (1, uuid4()), (2, uuid4())
    floor.raise_to(A, old)
    floor.raise_to(A, new)
    floor.refute(A, old)
    assert floor.head(A) == new
    floor.refute(A, new)
    assert floor.head(A) is None


def test_of_a_forget_too_long_ago_it_is_assumed_that_it_was_then() -> None:
    forgets = KnownHeads(3).forgets
    ids = [UUID(int=number) for number in range(10_002)]
    before = forgets.count
    for aggregate_id in ids:
        with forgets.forgetting(aggregate_id), forgets.deleting(aggregate_id):
            pass
    for are_forgotten in (forgets.since, forgets.deleted_since):
        assert all(are_forgotten(aggregate_id, before) for aggregate_id in ids)
        assert not any(are_forgotten(aggregate_id, forgets.count) for aggregate_id in ids)
    assert len(forgets._forgets._moments) == len(forgets._deletions._moments) == 10_000


class Lossy(Cache):
    """Acknowledges puts and drops them."""

    is_losing = False

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        if not self.is_losing:
            await super().put(key, record, supersedes)


async def test_own_writes_are_read_from_a_cache_that_lost_the_put() -> None:
    cache = Lossy()
    async with Rig(cache=cache) as rig:
        await rig.deposit(1)
        cache.is_losing = True
        await rig.deposit(2)
        assert (await rig.load()).balance == 3
        assert rig.misses[0] == (Source.CACHE, Reason.BELOW_FLOOR)


async def test_own_writes_are_read_while_the_cache_can_only_be_read() -> None:
    async with Rig() as rig:
        await rig.deposit(1)
        rig.cache.down |= {"put", "remove"}
        await rig.deposit(2)
        assert (await rig.load()).balance == 3


async def test_what_was_returned_once_is_the_least_that_is_returned_later() -> None:
    async with Rig() as rig:
        await rig.deposit(1)
        rig.cache.down |= {"put", "remove"}
        rig.events.write(2)
        await rig.load(freshness=FastForward())
        assert (await rig.load(freshness=Trust())).balance == 3


@pytest.mark.parametrize("is_local", [True, False], ids=["fast", "slow"])
async def test_what_a_cache_returned_once_is_the_least_that_is_returned_later(
    *, is_local: bool
) -> None:
    async with Rig() as writer, writer.other() as rig:
        rig.cache.is_local = is_local
        await writer.deposit(1)
        old = writer.cache.found
        await writer.deposit(2)
        rig.cache.plant(writer.cache.found)
        assert (await rig.load()).balance == 3
        rig.cache.plant(old)
        assert (await rig.load()).balance == 3


async def test_what_a_command_was_answered_from_is_the_least_that_is_returned_later() -> None:
    async with Rig() as writer, writer.other() as rig:
        await writer.deposit(1)
        old = writer.cache.found
        await writer.deposit(2)
        rig.cache.plant(writer.cache.found)
        assert await rig.do(lambda account: account.balance) == 3
        rig.cache.plant(old)
        assert (await rig.load()).balance == 3


async def test_events_that_were_read_are_the_least_that_is_loaded_later() -> None:
    async with Rig() as writer, writer.other() as rig:
        await writer.deposit(1)
        old = writer.cache.found
        await writer.deposit(2)
        assert len([event async for event in rig.app.events(Account, ID)]) == 2
        rig.cache.plant(old)
        assert (await rig.load()).balance == 3


async def test_a_slow_load_does_not_refill_the_cache_after_a_failed_put() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        gate = rig.events.hold("reading")
        slow = asyncio.create_task(rig.load(freshness=FastForward()))
        await gate.reached.wait()
        rig.cache.then("put", OSError("lost"))
        await rig.deposit(2)
        assert rig.cache.record is None
        gate.opened.set()
        assert (await slow).balance == 1
        assert rig.cache.record is None
        assert rig.app.counters()["cache.put_below_floor"] == 1


async def test_a_put_that_arrives_late_is_not_read() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        gate = rig.cache.hold("put")
        slow = asyncio.create_task(rig.load())
        await gate.reached.wait()
        rig.cache.then("put", OSError("lost"))
        await rig.deposit(2)
        gate.opened.set()
        await slow
        assert rig.cache.found.version == 1
        assert (await rig.load()).balance == 3


async def test_a_rollback_that_a_load_proves_clears_the_floor() -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2, 4)
        rig.events.roll_back(to=1)
        assert (await rig.load(freshness=FastForward())).balance == 1
        rig.events.calls.clear()
        assert (await rig.load(freshness=Trust())).balance == 1
        assert rig.events.calls == []
        assert rig.app.counters()["stream.rolled_back"] == 1


async def test_a_rollback_to_nothing_clears_the_floor() -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2)
        rig.events.roll_back(to=0)
        assert (await rig.load(freshness=FastForward())).balance == 0
        await rig.deposit(4)
        rig.events.calls.clear()
        assert (await rig.load(freshness=Trust())).balance == 4
        assert rig.events.calls == []


async def test_a_rollback_to_another_event_of_the_same_version_clears_the_floor() -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2)
        rig.events.roll_back(to=1)
        rig.events.write(4)
        await rig.load(freshness=FastForward())
        assert rig.app.counters().get("stream.rolled_back") == 1


async def test_a_rollback_that_an_append_proves_clears_the_floor() -> None:
    async with Rig() as rig:
        await rig.deposit(1)

        async def see_a_later_state_and_roll_back(account: Account) -> None:
            rig.events.write(2, 4)
            rig.cache.then("put", OSError("lost"))
            await rig.load(freshness=FastForward())
            rig.events.roll_back(to=1)
            account.emit(Deposited(amount=8))

        await rig.do(see_a_later_state_and_roll_back)
        assert rig.cache.found.version == 2
        assert (await rig.load()).balance == 9
        assert rig.app.counters()["stream.rolled_back"] == 1


async def test_what_was_committed_during_a_tail_read_is_no_rollback() -> None:
    async with Rig() as rig:
        rig.events.write(1)
        gate = rig.events.hold("reading")
        slow = asyncio.create_task(rig.load(freshness=FastForward()))
        await gate.reached.wait()
        await rig.deposit(2)
        gate.opened.set()
        await settled(slow)
        assert "stream.rolled_back" not in rig.app.counters()
        assert (await rig.load()).balance == 3


async def test_more_ids_than_the_floor_holds_are_no_error() -> None:
    async with Rig(settings={"floor_size": 1}) as rig:
        for aggregate_id in (A, B, C):
            await rig.deposit(1, aggregate_id=aggregate_id)
        assert [(await rig.load(aggregate_id)).balance for aggregate_id in (A, B, C)] == [1, 1, 1]
