"""Broken snapshot stores: what is forgotten comes back, or never comes again."""

from interlock_conformance.gallery.mutants import Mutant, code, text
from interlock_conformance.mutation import Edits, TextEdit

FORGETTING_MUTANTS = (
    text("forgets-one-revision", "SNAP-110", "_FORGET", "{_AGGREGATE}", "{_KEY}"),
    code(
        "forgets-by-id-alone",
        "SNAP-111",
        "_FORGET",
        'f"DELETE FROM snapshots WHERE {_AGGREGATE}"',
        '"DELETE FROM snapshots WHERE aggregate_id = :aggregate_id"',
    ),
    code(
        "forgets-that-it-forgot",
        "SNAP-112",
        "ShelfSnapshotBackend.forget",
        'self._shelf.change(_BURY, {**_values(key), "now": to_micros(self.clock())})',
        "",
    ),
    text("nothing-grows-on-a-grave", "SNAP-113", "_PUT", "forgotten_at >= :taken_at AND ", ""),
    code(
        "nobody-there-nobody-buried",
        "SNAP-114",
        "ShelfSnapshotBackend.forget",
        """
        self._shelf.change(_BURY, {**_values(key), "now": to_micros(self.clock())})
        return self._shelf.change(_FORGET, _values(key))
        """,
        """
        removed = self._shelf.change(_FORGET, _values(key))
        if removed:
            self._shelf.change(_BURY, {**_values(key), "now": to_micros(self.clock())})
        return removed
        """,
    ),
    Mutant(
        "a-grave-for-each-revision",
        "SNAP-115",
        Edits(
            (
                TextEdit(
                    "_PUT",
                    "{_AGGREGATE}",
                    "namespace = :namespace AND aggregate_id = :aggregate_id "
                    "AND aggregate_type = :aggregate_type || :revision",
                ),
                TextEdit("_BURY", ":aggregate_type", ":aggregate_type || :revision"),
            )
        ),
    ),
    text(
        "graves-of-one-connection",
        "SNAP-116",
        "_SCHEMA",
        "CREATE TABLE IF NOT EXISTS tombstones (",
        "CREATE TEMPORARY TABLE IF NOT EXISTS tombstones (",
    ),
    text(
        "graves-are-levelled-at-the-start",
        "SNAP-117",
        "_SCHEMA",
        "CREATE TABLE IF NOT EXISTS tombstones (",
        "DROP TABLE IF EXISTS tombstones;\nCREATE TABLE IF NOT EXISTS tombstones (",
    ),
    code(
        "forgets-and-buries-later",
        "SNAP-118",
        "ShelfSnapshotBackend.forget",
        """
        with self._shelf.transaction():
            self._shelf.change(_BURY, {**_values(key), "now": to_micros(self.clock())})
            return self._shelf.change(_FORGET, _values(key))
        """,
        """
        removed = self._shelf.change(_FORGET, _values(key))
        await __import__("asyncio").sleep(0)
        self._shelf.change(_BURY, {**_values(key), "now": to_micros(self.clock())})
        return removed
        """,
    ),
    text(
        "first-forget-counts",
        "SNAP-119",
        "_BURY",
        "INSERT OR REPLACE INTO tombstones",
        "INSERT OR IGNORE INTO tombstones",
    ),
    code(
        "prunes-graves",
        "SNAP-120",
        "ShelfSnapshotBackend.prune",
        "with self._shelf.transaction():",
        """
self._shelf.change("DELETE FROM tombstones", {})
with self._shelf.transaction():
""",
    ),
    code("stands-for-an-hour", "SNAP-121", "_TOMBSTONE_STANDS", "days=1", "hours=1"),
)
