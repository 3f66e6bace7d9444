"""Broken event stores."""

from interlock_conformance.gallery.mutants import Mutant, in_memory

_GUARD = """\
WHERE (SELECT max(version) FROM events WHERE {_STREAM}) IS :after_version
AND (SELECT event_id FROM events WHERE {_STREAM} ORDER BY version DESC LIMIT 1) IS :after_id
"""
_STREAM = (
    "namespace = :namespace AND aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id"
)
STORE = "        self._streams.setdefault(name, []).extend(event.row() for event in events)\n"
LOOP = "        import asyncio\n\n        stream = self._streams.setdefault(name, [])\n"
REFUSE = """\
        if found != after:
            raise ConcurrencyError(f"{name}: the head is {found}, not {after}")
"""


EVENT_MUTANTS = (
    Mutant(
        "columns-swapped",
        "EVENTS-001",
        "recorded_at, metadata, payload FROM events",
        "recorded_at, payload, metadata FROM events",
    ),
    Mutant(
        "refused-insert-unnoticed",
        "EVENTS-002",
        "if self._shelf.change(_APPEND, values) == 0:",
        "if self._shelf.change(_APPEND, values) < 0:",
    ),
    Mutant(
        "guard-off-by-one",
        "EVENTS-003",
        '"after_version": None if after is None else after[0],',
        '"after_version": None if after is None else event.version,',
    ),
    Mutant(
        "guard-by-version-alone",
        "EVENTS-004",
        _GUARD,
        _GUARD.partition("AND (")[0],
    ),
    in_memory(
        "refuses-only-who-is-behind",
        "EVENTS-005",
        "if found != after:",
        "if (found or (0,))[0] > (after or (0,))[0]:",
    ),
    in_memory(
        "repeat-taken-for-a-retry",
        "EVENTS-006",
        "if found != after:",
        "if found != after and events[0].row() not in self._streams.get(name, []):",
    ),
    in_memory(
        "new-stream-takes-anything",
        "EVENTS-007",
        "if found != after:",
        "if found is not None and found != after:",
    ),
    in_memory(
        "none-means-anywhere",
        "EVENTS-008",
        "if found != after:",
        "if after is not None and found != after:",
    ),
    Mutant(
        "asks-only-for-the-event-before",
        "EVENTS-009",
        _GUARD,
        "WHERE (SELECT event_id FROM events WHERE {_STREAM} AND version = :version - 1) "
        "IS :after_id\n",
    ),
    in_memory(
        "stores-and-then-refuses",
        "EVENTS-010",
        f"{REFUSE}{STORE}",
        f"{STORE}{REFUSE}",
    ),
    in_memory(
        "one-event-at-a-time",
        "EVENTS-011",
        STORE,
        f"{LOOP}        for event in events:\n"
        "            stream.append(event.row())\n            await asyncio.sleep(0)\n",
    ),
    Mutant("last-is-exclusive", "EVENTS-012", "version <= :last", "version < :last"),
    Mutant("first-page-only", "EVENTS-013", "if len(rows) < _CHUNK:", "if len(rows) <= _CHUNK:"),
    Mutant("everything-at-once", "EVENTS-014", "_CHUNK = 500", "_CHUNK = 1_000_000"),
    Mutant(
        "nothing-has-a-head",
        "EVENTS-015",
        "UUID(bytes=rows[0][1])) if rows else None",
        "UUID(bytes=rows[0][1])) if rows else (0, UUID(int=0))",
    ),
    in_memory(
        "start-clamped-to-the-head",
        "EVENTS-016",
        "start = max(first - 1 - deleted, 0)",
        "start = min(max(first - 1 - deleted, 0), len(stream) - 1)",
    ),
    Mutant(
        "head-is-the-first",
        "EVENTS-017",
        'version, event_id FROM events WHERE {_STREAM} ORDER BY version DESC LIMIT 1"',
        'version, event_id FROM events WHERE {_STREAM} ORDER BY version LIMIT 1"',
    ),
    Mutant(
        "order-by-text",
        "EVENTS-018",
        "ORDER BY version LIMIT {_CHUNK}",
        "ORDER BY CAST(version AS TEXT) LIMIT {_CHUNK}",
    ),
    in_memory(
        "acknowledged-before-it-is-stored",
        "EVENTS-019",
        STORE,
        f"{LOOP}        rows = [event.row() for event in events]\n"
        "        asyncio.get_running_loop().call_soon(stream.extend, rows)\n",
    ),
    Mutant(
        "key-without-type",
        "EVENTS-020",
        _STREAM,
        "namespace = :namespace AND aggregate_id = :aggregate_id",
    ),
    Mutant(
        "key-without-id",
        "EVENTS-021",
        _STREAM,
        "namespace = :namespace AND aggregate_type = :aggregate_type",
    ),
    Mutant(
        "namespace-ignored",
        "EVENTS-022",
        "self._namespace = config.namespace",
        'self._namespace = "default"',
    ),
    Mutant(
        "whole-stream-is-below-one",
        "EVENTS-023",
        "bound = _BEYOND if below is None else below",
        "bound = 1 if below is None else below",
    ),
    in_memory(
        "tombstone",
        "EVENTS-024",
        "        if kept:\n",
        "        if stream:\n            self._streams[aggregate_type, aggregate_id] = ()\n"
        "        if kept:\n",
    ),
    Mutant("below-is-inclusive", "EVENTS-025", "version < :below", "version <= :below"),
    Mutant(
        "version-by-count",
        "EVENTS-026",
        "SELECT max(version) FROM events",
        "SELECT nullif(count(*), 0) FROM events",
    ),
    in_memory(
        "hands-out-its-own-list",
        "EVENTS-027",
        "yield stream[place : min(place + _CHUNK, stop)]",
        "whole = (place, stop) == (0, len(stream))\n"
        "            yield stream if whole else stream[place : min(place + _CHUNK, stop)]",
    ),
    Mutant(
        "types-without-case",
        "EVENTS-028",
        "aggregate_type TEXT,",
        "aggregate_type TEXT COLLATE NOCASE,",
    ),
    in_memory(
        "last-by-its-truth",
        "EVENTS-029",
        "len(stream) if last is None else",
        "len(stream) if not last else",
    ),
    Mutant(
        "rows-as-lists",
        "EVENTS-030",
        'rows = cast("list[EventRow]", found)',
        'rows = cast("list[EventRow]", [[*row] for row in found])',
    ),
    Mutant(
        "json-column",
        "EVENTS-031",
        ":recorded_at, :metadata,",
        ":recorded_at, CAST(json(CAST(:metadata AS TEXT)) AS BLOB),",
    ),
    Mutant(
        "column-of-64-kib",
        "EVENTS-032",
        ":metadata, :payload",
        ":metadata, substr(:payload, 1, 65535)",
    ),
    Mutant(
        "type-names-in-ascii",
        "EVENTS-033",
        "**event.row()._asdict(),\n",
        "**event.row()._asdict(),\n"
        '            "type": event.type.encode("ascii", "replace").decode(),\n',
    ),
    Mutant(
        "seconds-as-float",
        "EVENTS-034",
        ":schema_version, :recorded_at,",
        ":schema_version, CAST(:recorded_at / 1e6 * 1e6 AS INTEGER),",
    ),
    Mutant(
        "schema-version-is-a-constant",
        "EVENTS-035",
        ":type, :schema_version, :recorded_at",
        ":type, 1, :recorded_at",
    ),
    Mutant(
        "below-by-its-truth",
        "EVENTS-036",
        "bound = _BEYOND if below is None else below",
        "bound = below or _BEYOND",
    ),
)
