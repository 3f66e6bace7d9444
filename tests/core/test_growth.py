"""What `interlock streams stats` says of the events that came of late."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
import operated_shop as shop
from interlock.application.aggregates import InMemoryEventStore
from interlock.backends import EventRow, StoredEvent
from interlock.cli.growth import Growth, Sample, growth_line
from operated_shop import stores, told_json

__all__ = ["stores"]


class CountedStore(InMemoryEventStore):
    """Counts its reads; what it has is of a type that no code decodes."""

    reads = 0

    def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        self.reads += 1
        return super().read(aggregate_type, aggregate_id, first=first, last=last)


def filled(streams: dict[UUID, list[int]]) -> CountedStore:
    """A store whose events are so many days old."""
    store, now = CountedStore(), datetime.now(UTC)

    async def fill() -> None:
        for aggregate_id, ages in streams.items():
            events = [
                StoredEvent(
                    *("Order", aggregate_id, version, uuid4(), "Gone", 1),
                    *(now - timedelta(days=age), b"{}", b"{}"),
                )
                for version, age in enumerate(ages, 1)
            ]
            await store.append(events, after=None)

    asyncio.run(fill())
    return store


def growth(stores: shop.Stores, store: CountedStore, *options: object) -> dict[str, float]:
    """What the command says of it."""
    stores.events = store
    (found,) = told_json("streams", "stats", "Order", *options)
    return dict(found["growth"])


@pytest.mark.parametrize("recent", [0, 1, 2, 63, 99, 100])
def test_events_within_the_days_are_counted(stores: shop.Stores, recent: int) -> None:
    store = filled({UUID(int=1): [30] * (100 - recent) + [2] * recent, UUID(int=2): [30]})
    found = growth(stores, store, "--days", 10)
    assert found == {"days": 10, "events": recent, "a_day": recent / 10, "sampled": 2}
    assert store.reads <= 8 + 1


def test_a_stream_that_got_nothing_costs_one_read(stores: shop.Stores) -> None:
    store = filled({UUID(int=1): [30] * 100})
    assert (growth(stores, store)["events"], store.reads) == (0, 1)


def test_archived_events_are_old(stores: shop.Stores) -> None:
    store = filled({UUID(int=1): [1] * 100})
    asyncio.run(store.delete("Order", UUID(int=1), below=41))
    assert growth(stores, store)["events"] == 60


def test_of_many_streams_some_are_read(stores: shop.Stores) -> None:
    ages = {UUID(int=number): [9, 9, 1, 1] if number % 2 else [9] for number in range(2_000)}
    ages[UUID(int=5_000)] = [1] * 10_000
    store = filled(ages)
    found = growth(stores, store)
    assert 10_000 + 2_000 * 0.75 < found["events"] < 10_000 + 2_000 * 1.25
    assert store.reads <= 250 * 3 + 14
    assert 200 <= found["sampled"] <= 250


def test_an_estimate_is_no_more_than_there_is(stores: shop.Stores) -> None:
    ages = {UUID(int=number): [1] * (1 + number % 7) for number in range(1_000)}
    total = sum(map(len, ages.values()))
    assert growth(stores, filled(ages))["events"] == total


def test_each_stream_may_be_drawn() -> None:
    sample = Sample()
    for number in range(20_000):
        sample.add((1, UUID(int=number)))
    drawn = sorted(each.int for _, each in sample.drawn)
    assert len(drawn) == 200
    assert 8_000 < sum(drawn) / 200 < 12_000


def test_an_estimate_is_told_as_one() -> None:
    of = Growth(days=7, events=1_400, a_day=200.0, sampled=250)
    assert growth_line(of, 250) == "  1,400 events in the last 7 days, 200.0 a day"
    assert growth_line(of, 9_000) == (
        "  about 1,400 events in the last 7 days, 200.0 a day (by 250 of the streams)"
    )
