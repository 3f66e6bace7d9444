"""Broken snapshot stores."""

from textwrap import indent

from interlock_conformance.gallery.driver_edits import IN_MEMORY_UNTIL_CLOSED
from interlock_conformance.gallery.mutants import Mutant

_READ = "return _decoded(key, rows[0][1], version=rows[0][0]) if rows else None"
_DECODED = "        record = AggregateRecord.from_bytes(blob)\n"
_NEWEST_KEPT = "ORDER BY version DESC LIMIT :keep)"
_AGGREGATE = (
    "namespace = :namespace AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id"
)
_BY_STAMP = "AND version = :version AND last_event_id = :last_event_id"
_SUPERSEDE = """\
            for stamp in supersedes:
                self._remove(key, stamp)
"""
_WRITE = f"""\
        with self._shelf.transaction():
{_SUPERSEDE}            self._shelf.change(_PUT, values)
            self._retain(_values(key))
"""
_LOOK_WAIT_WRITE = """\
newest = await self.read(key)
time.sleep(0.02)
if newest is None or newest.version <= record.version:
    self._shelf.change(f"DELETE FROM snapshots WHERE {_KEY}", _values(key))
    self._shelf.change(_PUT, values)
"""
_PUT = '''\
    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """See `SnapshotStore.put`."""
        values = {
            **_values(key),
            "version": record.version,
            "last_event_id": record.last_event_id.bytes,
            "taken_at": to_micros(record.taken_at),
            "record": record.to_bytes(),
            "standing_since": to_micros(self.clock() - _TOMBSTONE_STANDS),
        }
'''
_FETCH = "        rows: list[Any] = self._shelf.fetch(  # Any: an int and bytes\n"
_TAKE = "        kept = self._records.pop(key, None)\n"
_KEEP = """\
        if kept is not None and kept.stamp not in supersedes and kept.version > record.version:
            record = kept
"""
_MEMORY_PUT = f"""\
{_TAKE}{_KEEP}        self._records[key] = record
"""
_MEMORY_READ = """\
    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        \"""See `SnapshotStore.read`.\"""
"""
_NAP = "        import asyncio\n\n        await asyncio.sleep(0)\n"

SNAPSHOT_MUTANTS = (
    Mutant(
        "first-row-of-none",
        "SNAP-001",
        _READ,
        "return _decoded(key, rows[0][1], version=rows[0][0])",
    ),
    Mutant(
        "microseconds-cut",
        "SNAP-002",
        _DECODED,
        f"        from dataclasses import replace\n\n{_DECODED}"
        "        record = replace(record, anchor_at=record.anchor_at.replace(microsecond=0))\n",
    ),
    Mutant("oldest-kept", "SNAP-003", _NEWEST_KEPT, "ORDER BY version LIMIT :keep)"),
    Mutant("last-put-kept", "SNAP-004", _NEWEST_KEPT, "ORDER BY rowid DESC LIMIT :keep)"),
    Mutant(
        "versions-as-text",
        "SNAP-005",
        _NEWEST_KEPT,
        "ORDER BY CAST(version AS TEXT) DESC LIMIT :keep)",
    ),
    Mutant(
        "first-put-wins",
        "SNAP-006",
        "INSERT OR REPLACE INTO snapshots",
        "INSERT OR IGNORE INTO snapshots",
    ),
    Mutant("supersedes-ignored", "SNAP-007", "for stamp in supersedes:", "for stamp in ():"),
    Mutant(
        "supersedes-by-version",
        "SNAP-008",
        _SUPERSEDE,
        "            for stamp in supersedes:\n                self._shelf.change(\n"
        '                    f"DELETE FROM snapshots WHERE {_KEY} AND version = :version",\n'
        '                    {**_values(key), "version": stamp.version},\n                )\n',
    ),
    Mutant(
        "ids-as-text",
        "SNAP-009",
        "stamp.last_event_id.bytes",
        "stamp.last_event_id.hex",
    ),
    Mutant("removed-by-version", "SNAP-010", _BY_STAMP, "AND version = :version"),
    Mutant(
        "removal-expects-a-record",
        "SNAP-011",
        "        self._shelf.change(_REMOVE, values)\n",
        "        if self._shelf.change(_REMOVE, values) == 0:\n            raise KeyError(stamp)\n",
    ),
    Mutant(
        "answers-by-position",
        "SNAP-012",
        "        for row in rows:\n            key = wanted[row[:4]]\n",
        "        for key, row in zip(keys, rows):\n",
    ),
    Mutant(
        "key-without-type",
        "SNAP-013",
        _AGGREGATE,
        "namespace = :namespace AND aggregate_id = :aggregate_id",
    ),
    Mutant(
        "key-without-id",
        "SNAP-014",
        _AGGREGATE,
        "namespace = :namespace AND aggregate_type = :aggregate_type",
    ),
    Mutant(
        "key-without-namespace",
        "SNAP-015",
        _AGGREGATE,
        "aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id",
    ),
    Mutant(
        "key-without-revision",
        "SNAP-016",
        '_KEY = f"{_AGGREGATE} AND revision = :revision"',
        "_KEY = _AGGREGATE",
    ),
    Mutant(
        "keys-without-case",
        "SNAP-017",
        "EXISTS snapshots (\n    namespace TEXT,",
        "EXISTS snapshots (\n    namespace TEXT COLLATE NOCASE,",
    ),
    Mutant(
        "keys-in-latin-1",
        "SNAP-018",
        '"namespace": key.namespace,',
        '"namespace": key.namespace.encode("latin-1").decode("latin-1"),',
    ),
    Mutant(
        "key-ends-with-nul",
        "SNAP-019",
        '"namespace": key.namespace,',
        '"namespace": key.namespace.partition("\\0")[0],',
    ),
    Mutant(
        "empty-is-nothing",
        "SNAP-020",
        _READ,
        "record = _decoded(key, rows[0][1], version=rows[0][0]) if rows else None\n"
        "        return record if record and record.payload else None",
    ),
    Mutant(
        "column-of-a-million-bytes",
        "SNAP-021",
        ":taken_at, :record\n",
        ":taken_at, substr(:record, 1, 1000000)\n",
    ),
    Mutant(
        "line-ends-of-text",
        "SNAP-022",
        "record.to_bytes()",
        'record.to_bytes().replace(b"\\r\\n", b"\\n")',
    ),
    Mutant(
        "looks-waits-writes",
        "SNAP-023",
        _TAKE,
        f"        kept = self._records.get(key)\n{_NAP}",
        base="memory",
    ),
    Mutant(
        "a-file-for-each-instance",
        "SNAP-024",
        "self._shelf = Shelf(config.url, _SCHEMA)",
        'self._shelf = Shelf(f"{config.url}-{id(self)}", _SCHEMA)',
    ),
    Mutant(
        "looks-and-then-writes",
        "SNAP-025",
        _WRITE,
        f"        import time\n\n{indent(_LOOK_WAIT_WRITE, ' ' * 8)}",
    ),
    Mutant(
        "lock-in-memory",
        "SNAP-026",
        f"{_PUT}{_WRITE}",
        f'    _lock = __import__("threading").Lock()\n\n{_PUT}        import time\n\n'
        f"        with self._lock:\n{indent(_LOOK_WAIT_WRITE, ' ' * 12)}",
    ),
    Mutant(
        "mark-left-behind",
        "SNAP-027",
        _MEMORY_PUT,
        '        putting = self.__dict__.setdefault("_putting", set())\n'
        "        if key in putting:\n            return\n        putting.add(key)\n"
        f"{_NAP}{_MEMORY_PUT}        putting.remove(key)\n",
        base="memory",
    ),
    Mutant("taken-out-meanwhile", "SNAP-028", _TAKE, f"{_TAKE}{_NAP}", base="memory"),
    Mutant(
        "begins-empty",
        "SNAP-029",
        "self._shelf.open()",
        'self._shelf.open()\n        self._shelf.change("DELETE FROM snapshots", {})',
    ),
    Mutant(
        "lock-never-given-up",
        "SNAP-030",
        _MEMORY_READ,
        "    async def open(self) -> None:\n"
        '        if "in_use" in vars(type(self)):\n            raise RuntimeError("in use")\n'
        "        type(self).in_use = True\n\n    async def close(self) -> None:\n        pass\n\n"
        f"{_MEMORY_READ}",
        base="memory",
    ),
    Mutant("written-when-closed", "SNAP-031", *IN_MEMORY_UNTIL_CLOSED),
    Mutant(
        "checksum-made-anew",
        "SNAP-032",
        _DECODED,
        "        from hashlib import blake2b\n\n"
        "        checksum = blake2b(blob[:-16], digest_size=16).digest()\n"
        "        record = AggregateRecord.from_bytes(blob[:-16] + checksum)\n",
    ),
    Mutant(
        "id-of-the-key-written-over",
        "SNAP-033",
        "    found = (record.aggregate_type, record.aggregate_id, record.revision)\n",
        "    from dataclasses import replace\n\n"
        "    record = replace(record, aggregate_id=key.aggregate_id)\n"
        "    found = (record.aggregate_type, record.aggregate_id, record.revision)\n",
    ),
    Mutant(
        "unusable-stays",
        "SNAP-034",
        _WRITE,
        "        try:\n            await self.read(key, record.version)\n"
        f"        except RecordUnusableError:\n            return\n{_WRITE}",
    ),
    Mutant(
        "one-unusable-all-unread",
        "SNAP-035",
        "                continue\n",
        "                return {}\n",
    ),
    Mutant(
        "copies-by-pickle",
        "SNAP-036",
        _DECODED,
        "        import pickle\n\n"
        "        record = pickle.loads(pickle.dumps(AggregateRecord.from_bytes(blob)))\n",
    ),
    Mutant(
        "asks-before-it-reads",
        "SNAP-037",
        _FETCH,
        f"        if not self._shelf.fetch(_REVISIONS, _values(key)):\n            return None\n"
        f"{_FETCH}",
    ),
    Mutant(
        "one-read-for-each-key",
        "SNAP-038",
        "found.setdefault(key, _decoded(key, row[4]))",
        "found.setdefault(key, await self.read(key))",
    ),
    Mutant("one-above-the-bound", "SNAP-040", "version <= :bound\n", "version <= :bound + 1\n"),
    Mutant("bound-is-exclusive", "SNAP-041", "version <= :bound\n", "version < :bound\n"),
    Mutant(
        "oldest-below-the-bound",
        "SNAP-042",
        "ORDER BY version DESC LIMIT 1\n",
        "ORDER BY version LIMIT 1\n",
    ),
    Mutant("keeps-one-more", "SNAP-043", "LIMIT :keep)", "LIMIT :keep + 1)"),
    Mutant("keeps-one-less", "SNAP-044", "LIMIT :keep)", "LIMIT max(:keep - 1, 1))"),
    Mutant(
        "what-was-just-put-is-kept",
        "SNAP-045",
        _NEWEST_KEPT,
        "ORDER BY rowid = (SELECT max(rowid) FROM snapshots) DESC, version DESC LIMIT :keep)",
    ),
    Mutant(
        "keeps-for-all-revisions",
        "SNAP-046",
        "WHERE {_KEY}\nAND version NOT IN (SELECT version FROM snapshots WHERE {_KEY} ORDER",
        "WHERE {_AGGREGATE}\n"
        "AND version NOT IN (SELECT version FROM snapshots WHERE {_AGGREGATE} ORDER",
    ),
    Mutant(
        "keeps-one-revision-more",
        "SNAP-047",
        "LIMIT :keep_revisions)",
        "LIMIT :keep_revisions + 1)",
    ),
    Mutant(
        "revisions-oldest-first",
        "SNAP-048",
        'ORDER BY max(taken_at) DESC\n"""',
        'ORDER BY max(taken_at)\n"""',
    ),
    Mutant("an-id-for-each-record", "SNAP-049", "DISTINCT aggregate_id FROM", "aggregate_id FROM"),
    Mutant(
        "ids-of-all-revisions",
        "SNAP-050",
        'aggregate_type = :aggregate_type AND revision = :revision\n"""',
        'aggregate_type = :aggregate_type\n"""',
    ),
    Mutant(
        "pruned-records-not-counted",
        "SNAP-051",
        "return removed + self._shelf",
        "return self._shelf",
    ),
    Mutant(
        "pruned-by-age",
        "SNAP-052",
        '        """See `SnapshotStore.prune`."""\n',
        '        """See `SnapshotStore.prune`."""\n'
        '        old = {"bound": 946_684_800_000_000}  # the year 2000\n'
        '        self._shelf.change("DELETE FROM snapshots WHERE taken_at < :bound", old)\n',
    ),
    Mutant(
        "too-large-is-left-out",
        "SNAP-053",
        _WRITE,
        f"        if len(record.payload) > 4_000_000:\n            return\n{_WRITE}",
    ),
    Mutant(
        "removes-the-older-too",
        "SNAP-054",
        _BY_STAMP,
        "AND version <= (SELECT version FROM snapshots WHERE {_KEY} "
        "AND version = :version AND last_event_id = :last_event_id)",
    ),
    Mutant(
        "version-not-told",
        "SNAP-055",
        "raise RecordUnusableError(str(error), version=version) from error",
        "raise RecordUnusableError(str(error)) from error",
    ),
    Mutant(
        "supersedes-what-was-just-put",
        "SNAP-060",
        f"{_SUPERSEDE}            self._shelf.change(_PUT, values)\n",
        f"            self._shelf.change(_PUT, values)\n{_SUPERSEDE}",
    ),
    Mutant(
        "states-in-ascii",
        "SNAP-061",
        '        """See `SnapshotStore.put`."""\n',
        '        """See `SnapshotStore.put`."""\n        from dataclasses import replace\n\n'
        '        text = record.payload.decode(errors="ignore").encode("ascii", "ignore")\n'
        "        record = replace(record, payload=text)\n",
    ),
)
