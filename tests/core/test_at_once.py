"""Stores in this process are looked into without a coroutine, and the answers stay the same."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from interlock._values.ids import _drawn, new_id
from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryAggregateCacheBackend,
    InMemoryEventStore,
    Trust,
)
from interlock.backends import AggregateRecord, RecordKey, StoredEvent
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from rig_domain import ID, Account, Deposit

KEY = RecordKey("default", 0, "Account", ID, "1")


class Counting(InMemoryAggregateCacheBackend):
    """Overrides `read` alone."""

    reads = 0

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        self.reads += 1
        return await super().read(key)


@asynccontextmanager
async def running(
    events: InMemoryEventStore, cache: InMemoryAggregateCacheBackend
) -> AsyncIterator[Application]:
    builder = ApplicationBuilder().register_event_store(events)
    builder.register_aggregate(Account, cache_strategy=AlwaysCache, cache_backend=cache)
    async with builder.build() as app:
        yield app


@asynccontextmanager
async def deposited(
    cache: InMemoryAggregateCacheBackend | None = None,
) -> AsyncIterator[tuple[Application, InMemoryEventStore, InMemoryAggregateCacheBackend]]:
    events, cache = InMemoryEventStore(), cache or InMemoryAggregateCacheBackend()
    async with running(events, cache) as app:
        await app.dispatch(Deposit(aggregate_id=ID, amount=1))
        yield app, events, cache


async def test_trust_takes_the_entry_and_fast_forward_what_stands_since() -> None:
    async with deposited() as (app, events, _), running(events, Counting()) as other:
        await other.dispatch(Deposit(aggregate_id=ID, amount=2))
        assert (await app.load(Account, ID, freshness=Trust())).balance == 1
        assert (await app.load(Account, ID, freshness=FastForward())).balance == 3


async def test_fast_forward_tells_another_event_at_the_same_version() -> None:
    async with deposited() as (app, events, _):
        del events._streams["Account", ID]
        async with running(events, Counting()) as other:
            await other.dispatch(Deposit(aggregate_id=ID, amount=5))
        assert (await app.load(Account, ID, freshness=FastForward())).balance == 5


async def test_an_entry_below_what_was_committed_is_no_hit() -> None:
    async with deposited() as (app, _, cache):
        old = cache._records[KEY]
        await app.dispatch(Deposit(aggregate_id=ID, amount=2))
        cache._records[KEY] = old
        assert (await app.load(Account, ID, freshness=Trust())).balance == 3


async def test_what_a_hit_returned_is_the_least_that_is_returned_later() -> None:
    async with deposited() as (app, events, cache), running(events, cache) as other:
        old = cache._records[KEY]
        await app.dispatch(Deposit(aggregate_id=ID, amount=2))
        await other.load(Account, ID, freshness=Trust())
        cache._records[KEY] = old
        assert (await other.load(Account, ID, freshness=Trust())).balance == 3


async def test_an_entry_that_does_not_decode_is_no_hit() -> None:
    async with deposited() as (app, _, cache):
        cache._records[KEY] = cache._records[KEY]._replace(payload=b"{")
        assert (await app.load(Account, ID, freshness=Trust())).balance == 1
        assert app.counters().get("cache.unusable") == 1


async def test_an_entry_of_another_revision_is_no_hit() -> None:
    async with deposited() as (app, _, cache):
        cache._records[KEY] = cache._records[KEY]._replace(revision="0")
        assert (await app.load(Account, ID, freshness=Trust())).balance == 1
        assert app.counters().get("cache.unusable") == 1


async def test_each_hit_is_an_object_of_its_own() -> None:
    async with deposited() as (app, _, _cache):
        first, second = [await app.load(Account, ID) for _ in range(2)]
        assert first is not second
        first.balance = 100
        assert (await app.load(Account, ID)).balance == 1


async def test_a_method_that_a_class_overrides_is_called() -> None:
    cache = Counting()
    async with deposited(cache) as (app, _, _cache):
        before = cache.reads
        assert (await app.load(Account, ID)).balance == 1
        assert cache.reads == before + 1


def test_ids_are_random_and_of_version_4() -> None:
    ids = [new_id() for _ in range(200)]
    assert len({*ids}) == len(ids)
    assert {(each.version, each.variant) for each in ids} == {(4, uuid4().variant)}
    assert all(type(each) is UUID and each == UUID(str(each)) for each in ids)


# Windows has no fork, so that nothing there inherits what was drawn.
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # of threads: it ends at once
def test_a_fork_makes_ids_of_its_own() -> None:
    while not _drawn:
        new_id()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, new_id().bytes)
        os._exit(0)
    made = os.read(reader, 16)
    os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert made != new_id().bytes


class Overtaken(InMemoryEventStore):
    """While it appends, the process hears of a later event."""

    app: Application

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        await super().append(events, after=after)
        self.app._services[Account].context.heads.raise_to(ID, (9, uuid4()))


async def test_a_commit_is_not_put_below_what_is_known() -> None:
    events, cache = Overtaken(), InMemoryAggregateCacheBackend()
    async with running(events, cache) as events.app:
        await events.app.dispatch(Deposit(aggregate_id=ID, amount=1))
        assert events.app.counters().get("cache.put_below_floor") == 1
        assert KEY not in cache._records


async def test_a_commit_that_is_put_is_what_the_next_command_starts_from() -> None:
    async with deposited() as (app, events, cache):
        await app.dispatch(Deposit(aggregate_id=ID, amount=2))
        assert cache._records[KEY].version == 2
        events._streams.clear()  # so that only the cache can answer
        assert (await app.load(Account, ID, freshness=Trust())).balance == 3


class Grown(BaseModel):
    digits: int


class Grow(Command[None]):
    digits: int


class Number(Aggregate):
    revision = "1"
    value: int = 0

    @handles_command
    def grow(self, command: Grow) -> None:
        self.emit(Grown(digits=command.digits))

    @applies_event
    def apply_grown(self, event: Grown) -> None:
        self.value = 10**event.digits


async def test_a_commit_whose_json_cannot_be_read_again_is_not_put() -> None:
    cache, builder = InMemoryAggregateCacheBackend(), ApplicationBuilder()
    builder.register_aggregate(Number, cache_strategy=AlwaysCache, cache_backend=cache)
    async with builder.build() as app:
        await app.dispatch(Grow(aggregate_id=ID, digits=5_000))
        assert not cache._records
        assert app.counters()["cache.not_kept"] == 1
        await app.dispatch(Grow(aggregate_id=ID, digits=5))
        assert [record.version for record in cache._records.values()] == [2]
