"""What snapshot stores list for tools: ids, and when the newest snapshots were taken."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    Forgetful,
    ListsIds,
    RecordKey,
    SnapshotStore,
    TellsNewest,
)
from interlock_conformance.checks import IF, check, expect, unless_raised
from interlock_conformance.harness import SnapshotHarness
from interlock_conformance.records import DIARY, NOTEBOOK
from interlock_conformance.snapshots import scope_of

_MANY = 600
"""More than a page of whatever server."""
_AT_ONCE = 8
_FORGOTTEN = 60


@check(
    "SNAP-127",
    IF("ids"),
    others="ask for the next page behind the last id of the page before, until a page is empty",
)
async def many_ids_are_listed(harness: SnapshotHarness) -> None:
    """`ids` lists 600 aggregates, each once."""
    store = await harness.open()
    keys = await _put_many(harness, store)
    with unless_raised(f"{_MANY} ids"):
        found = Counter([found async for found in cast("ListsIds", store).ids(scope_of(keys[0]))])
    _expect_once(found, keys)


@check(
    "SNAP-128",
    IF("ids", "forget"),
    others="page by the last id, never by an offset; hold no cursor open between two pages",
)
async def ids_are_listed_beside_forgets(harness: SnapshotHarness) -> None:
    """`ids` lists every aggregate whose records stand, though others are forgotten meanwhile."""
    store = await harness.open()
    keys = await _put_many(harness, store)
    found, forgotten = Counter[UUID](), set[UUID]()
    with unless_raised(f"{_MANY} ids, {_FORGOTTEN} of them forgotten once they were listed"):
        async for aggregate_id in cast("ListsIds", store).ids(scope_of(keys[0])):
            found[aggregate_id] += 1
            if len(forgotten) < _FORGOTTEN:
                forgotten.add(aggregate_id)
                await cast("Forgetful", store).forget(keys[0]._replace(aggregate_id=aggregate_id))
    _expect_once(found, keys)


@check(
    "SNAP-126",
    IF("newest"),
    others="select the greatest `taken_at` by type, of the namespace, of all revisions",
)
async def newest_is_told(harness: SnapshotHarness) -> None:
    """`newest` tells when the last record of each type was taken, in the namespace asked for."""
    options = {"keep": 2} if "keep" in harness.capabilities else {}
    store = await harness.open(**options)
    key, diary = harness.key(), harness.key(aggregate_type=DIARY)
    elsewhere = harness.key()._replace(namespace=f"{key.namespace}2")
    last = await _taken_at(harness, store, key._replace(revision="conformance-0"), 2, minute=50)
    wanted = {NOTEBOOK: last.taken_at}
    await _taken_at(harness, store, harness.key(), 4, minute=40)
    for version, minute in ((7, 20), (8, 10)):
        await _taken_at(harness, store, key, version, minute=minute)
    wanted[DIARY] = (await _taken_at(harness, store, diary, 9, minute=30)).taken_at
    await _taken_at(harness, store, elsewhere, 3, minute=55)
    for namespace, right in ((key.namespace, wanted), (f"{key.namespace}3", {})):
        with unless_raised(f"{right}"):
            found = dict(await cast("TellsNewest", store).newest(namespace))
        expect(found == right, f"{right}", f"{found}")


async def _put_many(harness: SnapshotHarness, store: SnapshotStore) -> Sequence[RecordKey]:
    keys = [harness.key() for _ in range(_MANY)]
    for start in range(0, _MANY, _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        await asyncio.gather(*(store.put(key, harness.record(key, 5)) for key in some))
    return keys


def _expect_once(found: Counter[UUID], keys: Sequence[RecordKey]) -> None:
    __tracebackhide__ = True
    wanted = Counter(key.aggregate_id for key in keys)
    expect(
        found == wanted,
        f"{len(keys)} ids",
        f"{found.total()} ids, {len(found)} different, {len(wanted - found)} missing",
    )


async def _taken_at(
    harness: SnapshotHarness, store: SnapshotStore, key: RecordKey, version: int, *, minute: int
) -> AggregateRecord:
    record = harness.record(key, version)
    record = record._replace(taken_at=record.taken_at.replace(minute=minute))
    await store.put(key, record)
    return record
