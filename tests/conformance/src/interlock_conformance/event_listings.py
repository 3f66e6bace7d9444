"""What event stores list for tools: the ids of a type's streams."""

import asyncio
from collections.abc import Sequence
from typing import cast
from uuid import UUID, uuid4

from interlock.backends import EventStore, ListsStreams
from interlock_conformance.checks import IF, check, expect, unless_raised
from interlock_conformance.harness import EventsHarness
from interlock_conformance.records import NOTEBOOK
from interlock_conformance.streams import started
from interlock_conformance.waiting import is_hasty

_MANY = 10_000
_SOME = 1_200
"""More than a page of whatever server."""
_DELETED = 60
_AT_ONCE = 8


@check(
    "EVENTS-096",
    IF("ids"),
    others="ask for the next page behind the last id of the page before, until a page is empty",
)
async def many_ids_are_listed(harness: EventsHarness) -> None:
    """`ids` lists 10,000 streams in ascending order, each once, or those behind an id."""
    store = await harness.open()
    many = _SOME if is_hasty() else _MANY
    wanted = await _started(store, many)
    _expect_ids(await _listed(store), wanted)
    for place in (0, many // 2, many - 1):
        _expect_ids(await _listed(store, after=wanted[place]), wanted[place + 1 :])


@check("EVENTS-097", IF("ids"), others="a selection of distinct ids among the events that stand")
async def streams_with_an_event_are_listed(harness: EventsHarness) -> None:
    """`ids` lists a stream once, though it has many events or lost its first; no deleted one."""
    store = await harness.open()
    long, cut, gone = [await started(store, count) for count in (5, 4, 3)]
    await store.delete(NOTEBOOK, cut[0].aggregate_id, below=3)
    await store.delete(NOTEBOOK, gone[0].aggregate_id)
    _expect_ids(await _listed(store), sorted(each[0].aggregate_id for each in (long, cut)))


@check(
    "EVENTS-098",
    IF("ids"),
    others="compare the type's bytes: no LIKE, no prefix of a key without its separator",
)
async def ids_are_of_one_type(harness: EventsHarness) -> None:
    """`ids` lists the streams of exactly this type, though others begin or look like it."""
    store, shared = await harness.open(), uuid4()
    of_types: dict[str, list[UUID]] = {}
    for name in ("Or", "Order", "order", "Order_", "Order%", "Orders", "Order:1", "_rder"):
        first = await started(store, 1, aggregate_type=name)
        await started(store, 1, aggregate_type=name, aggregate_id=shared)
        of_types[name] = sorted([first[0].aggregate_id, shared])
    for name, wanted in of_types.items():
        _expect_ids(await _listed(store, name), wanted)
    _expect_ids(await _listed(store, "Orde"), [])


@check("EVENTS-099", IF("ids", "namespace"), others="select by the namespace and the type, both")
async def ids_are_of_one_namespace(harness: EventsHarness) -> None:
    """`ids` lists the streams of its own namespace."""
    store = await harness.open(namespace=f"{harness.namespace}-a")
    other = await harness.open(namespace=f"{harness.namespace}-b")
    wanted = await _started(store, 3)
    await _started(other, 2)
    _expect_ids(await _listed(store), wanted)


@check(
    "EVENTS-100",
    IF("ids"),
    others="page by the last id, never by an offset; hold no cursor open between two pages",
)
async def ids_are_listed_beside_deletions(harness: EventsHarness) -> None:
    """`ids` lists every stream that stands, though others are deleted and begun meanwhile."""
    store = await harness.open()
    stand = await _started(store, _SOME)
    found: list[UUID] = []
    with unless_raised(f"{_SOME} ids, {_DELETED} of them deleted once they were listed"):
        async for aggregate_id in cast("ListsStreams", store).ids(NOTEBOOK):
            found.append(aggregate_id)
            if len(found) <= _DELETED:
                await store.delete(NOTEBOOK, aggregate_id)
                await started(store, 1)
    wanted = set(stand)
    _expect_ids([each for each in found if each in wanted], stand)
    expect(found == sorted(set(found)), "each id once, ascending", "an id twice, or out of order")


async def _started(store: EventStore, count: int) -> Sequence[UUID]:
    """Make so many new streams; their ids, ascending."""
    ids: list[UUID] = []
    while len(ids) < count:
        some = min(_AT_ONCE, count - len(ids))
        streams = await asyncio.gather(*(started(store, 1) for _ in range(some)))
        ids += [events[0].aggregate_id for events in streams]
    return sorted(ids)


async def _listed(
    store: EventStore, aggregate_type: str = NOTEBOOK, *, after: UUID | None = None
) -> Sequence[UUID]:
    with unless_raised("`ids` succeeds"):
        ids = cast("ListsStreams", store).ids(aggregate_type, after=after)
        return [found async for found in ids]


def _expect_ids(found: Sequence[UUID], wanted: Sequence[UUID]) -> None:
    __tracebackhide__ = True
    missing, others = len(set(wanted) - set(found)), len(set(found) - set(wanted))
    expect(
        list(found) == list(wanted),
        f"{len(wanted)} ids, ascending",
        f"{len(found)} ids, {len(set(found))} different, {missing} missing, {others} of others",
    )
