"""Two instances of one store: one has looked before, and looks again after the other's write.

They stand at different doors of the store where the test class gives several, by `backends`.
"""

from collections.abc import AsyncIterator
from typing import cast

from interlock.backends import AggregateRecord, RecordKey, RemovesOne
from interlock_conformance.checks import IF, both, check, expect
from interlock_conformance.forgetting import forgotten, taken
from interlock_conformance.harness import CacheHarness, Harness, S, SnapshotHarness
from interlock_conformance.records import told

_ROUNDS, _ROUNDS_AT_DOORS = 2, 100
"""A node that lags by a moment is not met by every read."""
_ASK_EACH_TIME = (
    "let a transaction end with the call that began it, and remember neither records nor keys "
    "without one; at a node of a cluster wait for what the others acknowledged"
)


async def takes_turns(harness: Harness[S]) -> AsyncIterator[tuple[S, S]]:
    """Instances that write and read by turns, several times."""
    stores = await harness.doors()
    for place in range(_ROUNDS_AT_DOORS if "doors" in harness.capabilities else _ROUNDS):
        yield stores[place % len(stores)], stores[(place + 1) % len(stores)]


@both("140", IF("shared"), others=_ASK_EACH_TIME)
async def others_see_what_they_had_missed(harness: CacheHarness) -> None:
    """What is put is read at once by another who has looked before, also where nothing was."""
    async for writer, reader in takes_turns(harness):
        key = harness.key()
        _expect(await harness.read(reader, key), None)
        for version in (1, 2):
            record = harness.record(key, version)
            await writer.put(key, record)
            _expect(await harness.read(reader, key), record)
        record = harness.record(key, 3)
        await reader.put(key, record)
        _expect(await harness.read(writer, key), record)


@both("141", IF("shared"), others=_ASK_EACH_TIME)
async def others_see_it_among_many(harness: CacheHarness) -> None:
    """`read_many` gives at once what another put, also where it gave nothing before."""
    async for writer, reader in takes_turns(harness):
        keys, records = [harness.key() for _ in range(3)], dict[RecordKey, AggregateRecord]()
        for count, version in ((0, 1), (2, 1), (3, 2)):
            for key in keys[:count]:
                records[key] = harness.record(key, version)
                await writer.put(key, records[key])
            found = dict(await reader.read_many(keys))
            right = sum(found.get(key) == record for key, record in records.items())
            expect(
                found == records,
                f"{len(records)} records for another instance, as they were put last",
                f"{len(found)}, {right} of them as they were put last",
            )


@both("142", IF("shared"), snapshots=IF("shared", "remove"), others=_ASK_EACH_TIME)
async def others_see_what_is_removed(harness: CacheHarness) -> None:
    """What is removed is gone at once for another who has read it, by `read` and `read_many`."""
    async for writer, reader in takes_turns(harness):
        key = harness.key()
        record = harness.record(key, 5)
        await writer.put(key, record)
        _expect(await harness.read(reader, key), record)
        _expect((await reader.read_many([key])).get(key), record)
        await cast("RemovesOne", writer).remove(key, record.stamp)
        _expect(await harness.read(reader, key), None)
        _expect((await reader.read_many([key])).get(key), None)


@check(
    "SNAP-143",
    IF("shared", "forget"),
    others="a tombstone that stands beside the records, where each put looks for it",
)
async def others_see_what_is_forgotten(harness: SnapshotHarness) -> None:
    """What is forgotten is gone at once for another who has read it, and isn't put again there."""
    async for writer, reader in takes_turns(harness):
        key = harness.key()
        record = taken(harness.record(key, 5), seconds=-60)
        await writer.put(key, record)
        _expect(await harness.read(reader, key), record)
        await forgotten(writer, key)
        _expect(await harness.read(reader, key), None)
        await reader.put(key, taken(harness.record(key, 6), seconds=-30))
        for store in (reader, writer):
            _expect(await harness.read(store, key), None)


def _expect(found: AggregateRecord | Exception | None, wanted: AggregateRecord | None) -> None:
    expect(found == wanted, f"{told(wanted)} for another instance", told(found))
