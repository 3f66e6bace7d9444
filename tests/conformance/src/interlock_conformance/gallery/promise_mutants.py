"""Broken backends whose promises have no method, whose methods do half, or that promise nothing."""

from interlock_conformance.gallery.mutants import code, in_memory

_TRIPS = "def round_trips(self) -> int:"
_UNCOUNTED = "def trips(self) -> int:"
_TAIL = "self.read(key.aggregate_type, key.aggregate_id, first=first, last=last)"

PROMISE_MUTANTS = (
    code(
        "promises-to-notify",
        "CACHE-074",
        "interlock_register_backends",
        '{"durable", "shared", "bounded", "round_trips"}',
        '{"durable", "shared", "bounded", "round_trips", "notifies"}',
    ),
    code("counts-under-another-name", "CACHE-074", "ShelfCacheBackend", _TRIPS, _UNCOUNTED),
    code("counts-under-another-name", "SNAP-074", "ShelfSnapshotBackend", _TRIPS, _UNCOUNTED),
    code(
        "promises-to-read-many",
        "EVENTS-066",
        "interlock_register_backends",
        '{"durable", "shared", "round_trips"}',
        '{"durable", "shared", "round_trips", "read_many"}',
    ),
    code(
        "promises-to-read-from-snapshots",
        "EVENTS-066",
        "interlock_register_backends",
        '{"durable", "shared", "round_trips"}',
        '{"durable", "shared", "round_trips", "read_from_snapshot"}',
    ),
    code(
        "reads-many-in-secret",
        "PLUG-013",
        "ShelfEventStore",
        "timeout = None",
        """
        timeout = None

        async def read_many(self, aggregate_type, first):
            for aggregate_id, version in first.items():
                async for chunk in self.read(aggregate_type, aggregate_id, first=version):
                    yield aggregate_id, chunk
        """,
    ),
    in_memory(
        "folds-whatever-is-there",
        "EVENTS-109",
        "Events.read_to_fold",
        "self.read(aggregate_type, aggregate_id, first=first, last=last)",
        "self.read(aggregate_type, aggregate_id, first=first)",
    ),
    in_memory(
        "folds-the-first-chunk",
        "EVENTS-109",
        "Events.read_to_fold",
        "yield [(*row[:5], None, row[6]) for row in chunk]",
        """
        yield [(*row[:5], None, row[6]) for row in chunk]
        return
        """,
    ),
    in_memory(
        "folds-events-without-ids",
        "EVENTS-109",
        "Events.read_to_fold",
        "(*row[:5], None, row[6])",
        "(row[0], None, *row[2:5], None, row[6])",
    ),
    in_memory(
        "tail-behind-the-record",
        "EVENTS-067",
        "Events.read_from_snapshot",
        "1 if record is None else record.version",
        "1 if record is None else record.version + 1",
    ),
    in_memory(
        "tail-of-a-page",
        "EVENTS-067",
        "Events.read_from_snapshot",
        _TAIL,
        _TAIL.replace("last=last", "last=last or first + 499"),
    ),
    in_memory(
        "no-record-no-events",
        "EVENTS-067",
        "Events.read_from_snapshot",
        "1 if record is None else record.version",
        "2**63 if record is None else record.version",
    ),
    in_memory(
        "tail-without-an-end",
        "EVENTS-059",
        "Events.read_from_snapshot",
        _TAIL,
        _TAIL.replace(", last=last", ""),
    ),
    in_memory(
        "newest-record-whatever-is-asked",
        "EVENTS-059",
        "Events.read_from_snapshot",
        "snapshots.read(key, last)",
        "snapshots.read(key)",
    ),
)
