"""Broken event stores."""

from interlock_conformance.gallery.mutants import code, in_memory, text

_STORE = "self._streams.setdefault(name, []).extend(event.row() for event in events)"
_BY_VERSION = "WHERE (SELECT max(version) FROM events WHERE {_STREAM}) IS :after_version\n"
_IN_CHUNKS = """
for chunk in in_chunks(stream[place] for place in range(start, stop)):
    yield chunk
"""
_BY_ID = """\
AND (SELECT event_id FROM events WHERE {_STREAM} ORDER BY version DESC LIMIT 1) IS :after_id
"""

EVENT_MUTANTS = (
    text(
        "columns-swapped",
        "EVENTS-001",
        "_READ",
        "recorded_at, metadata, payload FROM events",
        "recorded_at, payload, metadata FROM events",
    ),
    code(
        "refused-insert-unnoticed",
        "EVENTS-002",
        "ShelfEventStore._append",
        "if self._shelf.change(_APPEND, values) == 0:",
        "if self._shelf.change(_APPEND, values) < 0:",
    ),
    code("guard-off-by-one", "EVENTS-003", "ShelfEventStore._append", "after[0]", "event.version"),
    text("guard-by-version-alone", "EVENTS-004", "_APPEND", _BY_ID, ""),
    in_memory(
        "refuses-only-who-is-behind",
        "EVENTS-005",
        "Events.append",
        "if found != after:",
        "if (found or (0,))[0] > (after or (0,))[0]:",
    ),
    in_memory(
        "repeat-taken-for-a-retry",
        "EVENTS-006",
        "Events.append",
        "if found != after:",
        "if found != after and events[0].row() not in self._streams.get(name, []):",
    ),
    in_memory(
        "new-stream-takes-anything",
        "EVENTS-007",
        "Events.append",
        "if found != after:",
        "if found is not None and found != after:",
    ),
    in_memory(
        "none-means-anywhere",
        "EVENTS-008",
        "Events.append",
        "if found != after:",
        "if after is not None and found != after:",
    ),
    text(
        "asks-only-for-the-event-before",
        "EVENTS-009",
        "_APPEND",
        f"{_BY_VERSION}{_BY_ID}",
        "WHERE (SELECT event_id FROM events WHERE {_STREAM} AND version = :version - 1) "
        "IS :after_id\n",
    ),
    in_memory(
        "stores-and-then-refuses",
        "EVENTS-010",
        "Events.append",
        """
        if found != after:
            raise ConcurrencyError(f"{name}: the head is {found}, not {after}")
        self._streams.setdefault(name, []).extend((event.row() for event in events))
        """,
        """
        self._streams.setdefault(name, []).extend((event.row() for event in events))
        if found != after:
            raise ConcurrencyError(f"{name}: the head is {found}, not {after}")
        """,
    ),
    in_memory(
        "one-event-at-a-time",
        "EVENTS-011",
        "Events.append",
        _STORE,
        """
        import asyncio

        stream = self._streams.setdefault(name, [])
        for event in events:
            stream.append(event.row())
            await asyncio.sleep(0)
        """,
    ),
    text("last-is-exclusive", "EVENTS-012", "_READ", "version <= :last", "version < :last"),
    code(
        "first-page-only",
        "EVENTS-013",
        "ShelfEventStore.read",
        "if len(rows) < _CHUNK:",
        "if len(rows) <= _CHUNK:",
    ),
    in_memory(
        "everything-at-once",
        "EVENTS-014",
        "Events.read",
        _IN_CHUNKS,
        """
        if start < stop:
            yield stream[start:stop]
        """,
    ),
    code(
        "nothing-has-a-head",
        "EVENTS-015",
        "ShelfEventStore.head",
        "(rows[0][0], UUID(bytes=rows[0][1])) if rows else None",
        "(rows[0][0], UUID(bytes=rows[0][1])) if rows else (0, UUID(int=0))",
    ),
    in_memory(
        "start-clamped-to-the-head",
        "EVENTS-016",
        "Events.read",
        "max(first - 1 - deleted, 0)",
        "min(max(first - 1 - deleted, 0), len(stream) - 1)",
    ),
    text("head-is-the-first", "EVENTS-017", "_HEAD", "DESC LIMIT", "LIMIT"),
    text(
        "order-by-text",
        "EVENTS-018",
        "_READ",
        "ORDER BY version LIMIT {_CHUNK}",
        "ORDER BY CAST(version AS TEXT) LIMIT {_CHUNK}",
    ),
    in_memory(
        "acknowledged-before-it-is-stored",
        "EVENTS-019",
        "Events.append",
        _STORE,
        """
        import asyncio

        stream = self._streams.setdefault(name, [])
        rows = [event.row() for event in events]
        asyncio.get_running_loop().call_soon(stream.extend, rows)
        """,
    ),
    text(
        "key-without-type",
        "EVENTS-020",
        "_STREAM",
        "AND aggregate_type = :aggregate_type ",
        "",
    ),
    text(
        "key-without-id",
        "EVENTS-021",
        "_STREAM",
        " AND aggregate_id = :aggregate_id",
        "",
    ),
    code(
        "namespace-ignored",
        "EVENTS-022",
        "ShelfEventStore.__init__",
        "config.namespace",
        '"default"',
    ),
    code(
        "whole-stream-is-below-one",
        "EVENTS-023",
        "ShelfEventStore.delete",
        "_BEYOND if below is None else below",
        "1 if below is None else below",
    ),
    in_memory(
        "tombstone",
        "EVENTS-024",
        "Events.delete",
        "if kept:",
        """
if stream:
    self._streams[aggregate_type, aggregate_id] = ()
if kept:
""",
    ),
    text("below-is-inclusive", "EVENTS-025", "_DELETE", "version < :below", "version <= :below"),
    text(
        "version-by-count",
        "EVENTS-026",
        "_APPEND",
        "SELECT max(version) FROM events",
        "SELECT nullif(count(*), 0) FROM events",
    ),
    in_memory(
        "hands-out-its-own-list",
        "EVENTS-027",
        "Events.read",
        "yield chunk",
        """
        yield (stream if len(chunk) == len(stream) else chunk)
        """,
    ),
    text(
        "types-without-case",
        "EVENTS-028",
        "_SCHEMA",
        "aggregate_type TEXT,",
        "aggregate_type TEXT COLLATE NOCASE,",
    ),
    in_memory("last-by-its-truth", "EVENTS-029", "Events.read", "last is None", "not last"),
    code(
        "rows-as-lists",
        "EVENTS-030",
        "ShelfEventStore.read",
        'cast("list[EventRow]", found)',
        'cast("list[EventRow]", [[*row] for row in found])',
    ),
    text(
        "json-column",
        "EVENTS-031",
        "_APPEND",
        ":recorded_at, :metadata,",
        ":recorded_at, CAST(json(CAST(:metadata AS TEXT)) AS BLOB),",
    ),
    text(
        "column-of-64-kib",
        "EVENTS-032",
        "_APPEND",
        ":metadata, :payload",
        ":metadata, substr(:payload, 1, 65535)",
    ),
    code(
        "type-names-in-ascii",
        "EVENTS-033",
        "ShelfEventStore._append",
        "event.row()._asdict()",
        """
{
    **event.row()._asdict(),
    "type": event.type.encode("ascii", "replace").decode(),
}
""",
    ),
    text(
        "seconds-as-float",
        "EVENTS-034",
        "_APPEND",
        ":schema_version, :recorded_at,",
        ":schema_version, CAST(:recorded_at / 1e6 * 1e6 AS INTEGER),",
    ),
    text(
        "schema-version-is-a-constant",
        "EVENTS-035",
        "_APPEND",
        ":type, :schema_version, :recorded_at",
        ":type, 1, :recorded_at",
    ),
    code(
        "below-by-its-truth",
        "EVENTS-036",
        "ShelfEventStore.delete",
        "_BEYOND if below is None else below",
        "below or _BEYOND",
    ),
)
