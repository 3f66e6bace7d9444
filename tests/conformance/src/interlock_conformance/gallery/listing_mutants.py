"""Broken stores: what they list for tools isn't what stands in them."""

from interlock_conformance.gallery.mutants import code, text

_ALL_IDS = """
rows: list[Any] = self._shelf.fetch(_IDS, _scope_values(scope))
for (aggregate_id,) in rows:
    yield UUID(bytes=aggregate_id)
"""
_BY_OFFSET = """
place = 0
while rows := self._shelf.fetch(f"{_IDS} LIMIT 500 OFFSET {place}", _scope_values(scope)):
    place += len(rows)
    for (aggregate_id,) in rows:
        yield UUID(bytes=aggregate_id)
"""

LISTING_MUTANTS = (
    text(
        "newest-of-all-namespaces",
        "SNAP-126",
        "_NEWEST",
        "WHERE namespace = :namespace\n",
        "WHERE :namespace IS NOT NULL\n",
    ),
    text(
        "newest-is-the-highest-version",
        "SNAP-126",
        "_NEWEST",
        "max(taken_at) FROM snapshots WHERE namespace = :namespace\nGROUP BY aggregate_type\n",
        "taken_at FROM (SELECT *, max(version) FROM snapshots WHERE namespace = :namespace\n"
        "GROUP BY aggregate_type)\n",
    ),
    code(
        "newest-to-the-second",
        "SNAP-126",
        "ShelfSnapshotBackend.newest",
        "from_micros(taken_at)",
        "from_micros(taken_at).replace(microsecond=0)",
    ),
    text(
        "five-hundred-ids",
        "SNAP-127",
        "_IDS",
        "revision = :revision\n",
        "revision = :revision LIMIT 500\n",
    ),
    code(
        "a-page-of-ids-begins-with-the-last-one",
        "SNAP-127",
        "ShelfSnapshotBackend.ids",
        _ALL_IDS,
        """
        behind = b""
        while True:
            rows = self._shelf.fetch(
                f"{_IDS} AND aggregate_id >= :behind ORDER BY aggregate_id LIMIT 250",
                {**_scope_values(scope), "behind": behind},
            )
            for (aggregate_id,) in rows:
                yield UUID(bytes=aggregate_id)
            if len(rows) < 250:
                return
            behind = aggregate_id
        """,
    ),
    code("pages-of-ids-by-offset", "SNAP-128", "ShelfSnapshotBackend.ids", _ALL_IDS, _BY_OFFSET),
    code(
        "gives-up-when-the-list-changes",
        "SNAP-128",
        "ShelfSnapshotBackend.ids",
        "yield UUID(bytes=aggregate_id)",
        """
        yield UUID(bytes=aggregate_id)
        if len(self._shelf.fetch(_IDS, _scope_values(scope))) < len(rows):
            return
        """,
    ),
    code(
        "one-page-of-streams",
        "EVENTS-096",
        "ShelfEventStore.ids",
        "if len(rows) < _CHUNK:",
        "if rows:",
    ),
    text(
        "streams-begin-with-the-one-that-was-had",
        "EVENTS-096",
        "_IDS",
        "aggregate_id > :behind",
        "aggregate_id >= :behind",
    ),
    text(
        "streams-in-any-order", "EVENTS-096", "_IDS", "ORDER BY aggregate_id", "ORDER BY random()"
    ),
    text("a-stream-for-each-event", "EVENTS-097", "_IDS", "SELECT DISTINCT", "SELECT"),
    text(
        "streams-that-have-their-first-event",
        "EVENTS-097",
        "_IDS",
        "aggregate_id > :behind",
        "aggregate_id > :behind AND version = 1",
    ),
    text(
        "streams-of-types-that-look-alike",
        "EVENTS-098",
        "_IDS",
        "aggregate_type = :aggregate_type",
        "aggregate_type LIKE :aggregate_type",
    ),
    text(
        "streams-of-types-that-begin-alike",
        "EVENTS-098",
        "_IDS",
        "aggregate_type = :aggregate_type",
        "substr(aggregate_type, 1, length(:aggregate_type)) = :aggregate_type",
    ),
    text(
        "streams-of-all-namespaces",
        "EVENTS-099",
        "_IDS",
        "namespace = :namespace",
        ":namespace IS NOT NULL",
    ),
    code(
        "pages-of-streams-by-offset",
        "EVENTS-100",
        "ShelfEventStore.ids",
        """
        while True:
            rows: list[Any] = self._shelf.fetch(_IDS, {**of_type, "behind": behind})
            for (behind,) in rows:
                yield UUID(bytes=behind)
            if len(rows) < _CHUNK:
                return
        """,
        """
        place = 0
        while rows := self._shelf.fetch(
            f"{_IDS} OFFSET {place}", {**of_type, "behind": behind}
        ):
            place += len(rows)
            for (aggregate_id,) in rows:
                yield UUID(bytes=aggregate_id)
        """,
    ),
)
