"""Broken snapshot stores: what is put, read and removed, and under which key."""

from interlock_conformance.gallery.mutants import code, text

SNAPSHOT_MUTANTS = (
    code(
        "first-row-of-none",
        "SNAP-001",
        "ShelfSnapshotBackend.read",
        "_decoded(key, rows[0][1], version=rows[0][0]) if rows else None",
        "_decoded(key, rows[0][1], version=rows[0][0])",
    ),
    code(
        "microseconds-cut",
        "SNAP-002",
        "_decoded",
        "return AggregateRecord.from_bytes(blob, key=key)",
        """
        record = AggregateRecord.from_bytes(blob, key=key)
        return record._replace(anchor_at=record.anchor_at.replace(microsecond=0))
        """,
    ),
    code(
        "details-dropped",
        "SNAP-002",
        "_decoded",
        "return AggregateRecord.from_bytes(blob, key=key)",
        """
        return AggregateRecord.from_bytes(blob, key=key)._replace(details=b"")
        """,
    ),
    text(
        "oldest-kept",
        "SNAP-003",
        "_RETAIN_RECORDS",
        "ORDER BY version DESC LIMIT :keep)",
        "ORDER BY version LIMIT :keep)",
    ),
    text(
        "last-put-kept",
        "SNAP-004",
        "_RETAIN_RECORDS",
        "ORDER BY version DESC LIMIT :keep)",
        "ORDER BY rowid DESC LIMIT :keep)",
    ),
    text(
        "versions-as-text",
        "SNAP-005",
        "_RETAIN_RECORDS",
        "ORDER BY version DESC LIMIT :keep)",
        "ORDER BY CAST(version AS TEXT) DESC LIMIT :keep)",
    ),
    text(
        "first-put-wins",
        "SNAP-006",
        "_PUT",
        "INSERT OR REPLACE INTO snapshots",
        "INSERT OR IGNORE INTO snapshots",
    ),
    code(
        "supersedes-ignored",
        "SNAP-007",
        "ShelfSnapshotBackend.put",
        "for stamp in supersedes:",
        "for stamp in ():",
    ),
    code(
        "supersedes-by-version",
        "SNAP-008",
        "ShelfSnapshotBackend.put",
        "self._remove(key, stamp)",
        """
        self._shelf.change(
            f"DELETE FROM snapshots WHERE {_KEY} AND version = :version",
            {**_values(key), "version": stamp.version},
        )
        """,
    ),
    code(
        "ids-as-text",
        "SNAP-009",
        "ShelfSnapshotBackend._remove",
        "stamp.last_event_id.bytes",
        "stamp.last_event_id.hex",
    ),
    text(
        "removed-by-version",
        "SNAP-010",
        "_REMOVE",
        "AND version = :version AND last_event_id = :last_event_id",
        "AND version = :version",
    ),
    code(
        "removal-expects-a-record",
        "SNAP-011",
        "ShelfSnapshotBackend._remove",
        "self._shelf.change(_REMOVE, values)",
        """
        if self._shelf.change(_REMOVE, values) == 0:
            raise KeyError(stamp)
        """,
    ),
    code(
        "answers-by-position",
        "SNAP-012",
        "ShelfSnapshotBackend.read_many",
        """
        for row in rows:
            key = wanted[row[:4]]
            try:
                found.setdefault(key, _decoded(key, row[4]))
            except RecordUnusableError:
                continue
        """,
        """
        for key, row in zip(keys, rows):
            try:
                found.setdefault(key, _decoded(key, row[4]))
            except RecordUnusableError:
                continue
        """,
    ),
    text(
        "key-without-type",
        "SNAP-013",
        "_AGGREGATE",
        "AND aggregate_type = :aggregate_type ",
        "",
    ),
    text(
        "key-without-id",
        "SNAP-014",
        "_AGGREGATE",
        " AND aggregate_id = :aggregate_id",
        "",
    ),
    text(
        "key-without-namespace",
        "SNAP-015",
        "_AGGREGATE",
        "namespace = :namespace AND ",
        "",
    ),
    code(
        "key-without-revision",
        "SNAP-016",
        "_KEY",
        'f"{_AGGREGATE} AND revision = :revision"',
        "_AGGREGATE",
    ),
    text(
        "keys-without-case",
        "SNAP-017",
        "_SCHEMA",
        "EXISTS snapshots (\n    namespace TEXT,",
        "EXISTS snapshots (\n    namespace TEXT COLLATE NOCASE,",
    ),
    code(
        "keys-in-latin-1",
        "SNAP-018",
        "_values",
        "key.namespace",
        'key.namespace.encode("latin-1").decode("latin-1")',
    ),
    code(
        "key-ends-with-nul",
        "SNAP-019",
        "_values",
        "key.namespace",
        r'key.namespace.partition("\x00")[0]',
    ),
    code(
        "empty-is-nothing",
        "SNAP-020",
        "ShelfSnapshotBackend.read",
        "return _decoded(key, rows[0][1], version=rows[0][0]) if rows else None",
        """
        record = _decoded(key, rows[0][1], version=rows[0][0]) if rows else None
        return record if record and record.payload else None
        """,
    ),
    text(
        "column-of-a-million-bytes",
        "SNAP-021",
        "_PUT",
        ":taken_at, :record\n",
        ":taken_at, substr(:record, 1, 1000000)\n",
    ),
    code(
        "line-ends-of-text",
        "SNAP-022",
        "ShelfSnapshotBackend.put",
        "record.to_bytes()",
        r'record.to_bytes().replace(b"\r\n", b"\n")',
    ),
    code(
        "version-not-told",
        "SNAP-055",
        "_decoded",
        "RecordUnusableError(str(error), version=version)",
        "RecordUnusableError(str(error))",
    ),
    code(
        "supersedes-what-was-just-put",
        "SNAP-060",
        "ShelfSnapshotBackend.put",
        """
        for stamp in supersedes:
            self._remove(key, stamp)
        self._shelf.change(_PUT, values)
        """,
        """
        self._shelf.change(_PUT, values)
        for stamp in supersedes:
            self._remove(key, stamp)
        """,
    ),
    code(
        "states-in-ascii",
        "SNAP-061",
        "ShelfSnapshotBackend.put",
        "record.to_bytes()",
        """
record._replace(
    payload=record.payload.decode(errors="ignore").encode("ascii", "ignore")
).to_bytes()
""",
    ),
)
