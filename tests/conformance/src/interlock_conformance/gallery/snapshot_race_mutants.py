"""Broken snapshot stores: callers beside each other, what survives, what is damaged, cost."""

from textwrap import indent

from interlock_conformance.gallery.driver_edits import IN_MEMORY_UNTIL_CLOSED, LOCK, NEVER_GIVEN_UP
from interlock_conformance.gallery.mutants import Mutant, code, in_memory
from interlock_conformance.mutation import CodeEdit, Edits

_TRANSACTION = """
with self._shelf.transaction():
    for stamp in supersedes:
        self._remove(key, stamp)
    self._shelf.change(_PUT, values)
    self._retain(_values(key))
"""
_LOOK_WAIT_WRITE = """
import time

newest = await self.read(key)
time.sleep(0.1)  # others look meanwhile, however busy the machine is
if newest is None or newest.version <= record.version:
    self._shelf.change(f"DELETE FROM snapshots WHERE {_KEY}", _values(key))
    self._shelf.change(_PUT, values)
"""

SNAPSHOT_RACE_MUTANTS = (
    in_memory(
        "looks-waits-writes",
        "SNAP-023",
        "Snapshots.put",
        "kept = self._records.pop(key, None)",
        """
        kept = self._records.get(key)
        import asyncio

        await asyncio.sleep(0)
        """,
    ),
    code(
        "a-file-for-each-instance",
        "SNAP-024",
        "ShelfSnapshotBackend.__init__",
        "config.url",
        'f"{config.url}-{id(self)}"',
    ),
    code(
        "looks-and-then-writes",
        "SNAP-025",
        "ShelfSnapshotBackend.put",
        _TRANSACTION,
        _LOOK_WAIT_WRITE,
    ),
    Mutant(
        "lock-in-memory",
        "SNAP-026",
        Edits(
            (
                CodeEdit("ShelfSnapshotBackend", "", LOCK),
                CodeEdit(
                    "ShelfSnapshotBackend.put",
                    _TRANSACTION,
                    f"with self._lock:{indent(_LOOK_WAIT_WRITE, '    ')}",
                ),
            )
        ),
    ),
    Mutant(
        "mark-left-behind",
        "SNAP-027",
        Edits(
            (
                CodeEdit(
                    "Snapshots.put",
                    "kept = self._records.pop(key, None)",
                    """
        putting = self.__dict__.setdefault("_putting", set())
        if key in putting:
            return
        putting.add(key)
        import asyncio

        await asyncio.sleep(0)
        kept = self._records.pop(key, None)
        """,
                ),
                CodeEdit("Snapshots.put", "", "putting.remove(key)"),
            )
        ),
        base="memory",
    ),
    in_memory(
        "taken-out-meanwhile",
        "SNAP-028",
        "Snapshots.put",
        "kept = self._records.pop(key, None)",
        """
        kept = self._records.pop(key, None)
        import asyncio

        await asyncio.sleep(0)
        """,
    ),
    code(
        "begins-empty",
        "SNAP-029",
        "ShelfSnapshotBackend.open",
        "self._shelf.open()",
        """
        self._shelf.open()
        self._shelf.change("DELETE FROM snapshots", {})
        """,
    ),
    Mutant(
        "lock-never-given-up", "SNAP-030", CodeEdit("Snapshots", "", NEVER_GIVEN_UP), base="memory"
    ),
    Mutant("written-when-closed", "SNAP-031", IN_MEMORY_UNTIL_CLOSED),
    code(
        "checksum-made-anew",
        "SNAP-032",
        "_decoded",
        "return AggregateRecord.from_bytes(blob, key=key)",
        """
        from hashlib import blake2b

        checksum = blake2b(blob[:-16], digest_size=16).digest()
        return AggregateRecord.from_bytes(blob[:-16] + checksum, key=key)
        """,
    ),
    code(
        "id-of-the-key-written-over",
        "SNAP-033",
        "_decoded",
        "return AggregateRecord.from_bytes(blob, key=key)",
        """
        import json
        from uuid import UUID

        size = int.from_bytes(blob[6:10], "big")
        true_id = UUID(hex=json.loads(blob[18 : 18 + size])[3])
        record = AggregateRecord.from_bytes(blob, key=key._replace(aggregate_id=true_id))
        return record._replace(aggregate_id=key.aggregate_id)
        """,
    ),
    code(
        "unusable-stays",
        "SNAP-034",
        "ShelfSnapshotBackend.put",
        "with self._shelf.transaction():",
        """
try:
    await self.read(key, record.version)
except RecordUnusableError:
    return
with self._shelf.transaction():
""",
    ),
    code(
        "one-unusable-all-unread",
        "SNAP-035",
        "ShelfSnapshotBackend.read_many",
        "continue",
        "return {}",
    ),
    code(
        "copies-by-pickle",
        "SNAP-036",
        "_decoded",
        "return AggregateRecord.from_bytes(blob, key=key)",
        """
        import pickle

        return pickle.loads(pickle.dumps(AggregateRecord.from_bytes(blob, key=key)))
        """,
    ),
    code(
        "asks-before-it-reads",
        "SNAP-037",
        "ShelfSnapshotBackend.read",
        "_READ",
        "_READ if self._shelf.fetch(_REVISIONS, _values(key)) else _READ",
    ),
    code(
        "one-read-for-each-key",
        "SNAP-038",
        "ShelfSnapshotBackend.read_many",
        "_decoded(key, row[4])",
        "await self.read(key)",
    ),
    code(
        "closed-for-good",
        "SNAP-064",
        "ShelfSnapshotBackend.close",
        "self._shelf.close()",
        """
        self._shelf.close()
        del self._shelf
        """,
    ),
    code(
        "of-any-namespace",
        "SNAP-062",
        "_decoded",
        "return AggregateRecord.from_bytes(blob, key=key)",
        """
        import json

        size = int.from_bytes(blob[6:10], "big")
        namespace = json.loads(blob[18 : 18 + size])[0]
        return AggregateRecord.from_bytes(blob, key=key._replace(namespace=namespace))
        """,
    ),
    code(
        "ends-with-a-damaged-one",
        "SNAP-063",
        "ShelfSnapshotBackend.read_many",
        "continue",
        "break",
    ),
)
