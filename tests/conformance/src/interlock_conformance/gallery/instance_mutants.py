"""Broken backends that another instance's writes don't reach: it has looked before."""

from interlock_conformance.gallery.mutants import Mutant, code
from interlock_conformance.mutation import CodeEdit, Edits

_READS_IN_ONE_TRANSACTION = Edits(
    (
        CodeEdit(
            "Shelf.open",
            'self._connection.execute("PRAGMA synchronous = OFF")',
            'self._connection.execute("PRAGMA journal_mode = WAL")',
        ),
        CodeEdit(
            "Shelf.fetch",
            "return self._run(statement, values).fetchall()",
            """
            if self._connection is not None and not self._connection.in_transaction:
                self._run("BEGIN", {})
                self._is_reading = True
            return self._run(statement, values).fetchall()
            """,
        ),
        CodeEdit(
            "Shelf.change",
            "return self._run(statement, values).rowcount",
            """
            if vars(self).pop("_is_reading", False):
                self._connection.rollback()
            return self._run(statement, values).rowcount
            """,
        ),
        CodeEdit(
            "Shelf.transaction",
            'self._run("BEGIN IMMEDIATE", {})',
            """
            if vars(self).pop("_is_reading", False):
                self._connection.rollback()
            self._run("BEGIN IMMEDIATE", {})
            """,
        ),
    )
)
"""A transaction that the first read begins is ended by the next write of the same instance."""

INSTANCE_MUTANTS = (
    Mutant("reads-in-one-transaction", "EVENTS-070", _READS_IN_ONE_TRANSACTION),
    code(
        "no-stream-is-remembered",
        "EVENTS-070",
        "ShelfEventStore.head",
        """
        rows: list[Any] = self._shelf.fetch(
            _HEAD, self._stream(aggregate_type, aggregate_id)
        )
        """,
        """
        none = self.__dict__.setdefault("_none", set())
        if (aggregate_type, aggregate_id) in none:
            return None
        rows: list[Any] = self._shelf.fetch(_HEAD, self._stream(aggregate_type, aggregate_id))
        if not rows:
            none.add((aggregate_type, aggregate_id))
        """,
    ),
    code(
        "short-streams-stay-in-memory",
        "EVENTS-070",
        "ShelfEventStore.read",
        "found = self._shelf.fetch(_READ, {**values, 'first': first})",
        """
        kept = self.__dict__.setdefault("_kept", {})
        place = aggregate_type, aggregate_id, first, last
        if place not in kept:
            kept[place] = self._shelf.fetch(_READ, {**values, "first": first})
        found = kept[place]
        """,
    ),
    Mutant(
        "ids-without-events-asked-once",
        "EVENTS-071",
        CodeEdit(
            "Events.read_many",
            """
            async for rows in self.read(aggregate_type, aggregate_id, first=version):
                yield aggregate_id, rows
            """,
            """
            none = self.__dict__.setdefault("_none", set())
            if aggregate_id in none:
                continue
            none.add(aggregate_id)
            async for rows in self.read(aggregate_type, aggregate_id, first=version):
                none.discard(aggregate_id)
                yield aggregate_id, rows
            """,
        ),
        base="network",
    ),
    Mutant(
        "tails-of-many-are-kept",
        "EVENTS-071",
        CodeEdit(
            "Events.read_many",
            """
            async for rows in self.read(aggregate_type, aggregate_id, first=version):
                yield aggregate_id, rows
            """,
            """
            kept = self.__dict__.setdefault("_kept", {})
            if aggregate_id not in kept:
                read = self.read(aggregate_type, aggregate_id, first=version)
                found = [row async for rows in read for row in rows]
                if not found:
                    continue
                kept[aggregate_id] = found
            yield aggregate_id, kept[aggregate_id]
            """,
        ),
        base="network",
    ),
    code(
        "head-of-what-is-gone",
        "EVENTS-072",
        "ShelfEventStore.head",
        "return (rows[0][0], UUID(bytes=rows[0][1])) if rows else None",
        """
        known = self.__dict__.setdefault("_known", {})
        if rows:
            known[aggregate_type, aggregate_id] = rows[0][0], UUID(bytes=rows[0][1])
        return known.get((aggregate_type, aggregate_id))
        """,
    ),
    code(
        "first-version-is-remembered",
        "EVENTS-072",
        "ShelfEventStore.read",
        "rows = cast('list[EventRow]', found)",
        """
        kept = self.__dict__.setdefault("_kept", {})
        rows = list(found)
        for row in kept.get(aggregate_id, ()) if rows else ():
            if row[0] < rows[0][0] and row[0] >= first:
                rows.insert(0, row)
        kept[aggregate_id] = rows[:1]
        """,
    ),
    Mutant("reads-in-one-transaction", "CACHE-140", _READS_IN_ONE_TRANSACTION),
    code(
        "misses-are-remembered",
        "CACHE-140",
        "ShelfCacheBackend.read",
        "return _decoded(key, rows[0][0]) if rows else None",
        """
        missed = self.__dict__.setdefault("_missed", set())
        if not rows:
            missed.add(key)
        return None if key in missed else _decoded(key, rows[0][0])
        """,
    ),
    code(
        "unchanged-while-nobody-writes-here",
        "CACHE-140",
        "ShelfCacheBackend.read",
        """
        rows: list[Any] = self._shelf.fetch(
            _READ, {"key": _name(key), "now": self.clock()}
        )
        """,
        """
        kept, changes = self.__dict__.setdefault("_kept", {}), self._shelf._connection.total_changes
        if kept.get("at") != changes:
            kept.clear()
            kept["at"] = changes
        if key not in kept:
            kept[key] = self._shelf.fetch(_READ, {"key": _name(key), "now": self.clock()})
        rows = kept[key]
        """,
    ),
    code(
        "misses-of-many-are-remembered",
        "CACHE-141",
        "ShelfCacheBackend.read_many",
        "return found",
        """
        missed = self.__dict__.setdefault("_missed", set())
        missed.update({*keys} - {*found})
        return {key: record for key, record in found.items() if key not in missed}
        """,
    ),
    code(
        "removed-elsewhere-and-known-here",
        "CACHE-142",
        "ShelfCacheBackend.read",
        "return _decoded(key, rows[0][0]) if rows else None",
        """
        known = self.__dict__.setdefault("_known", {})
        if rows:
            known[key] = _decoded(key, rows[0][0])
        return known.get(key)
        """,
    ),
    Mutant("reads-in-one-transaction", "SNAP-140", _READS_IN_ONE_TRANSACTION),
    code(
        "newest-version-is-remembered",
        "SNAP-140",
        "ShelfSnapshotBackend.read",
        "return _decoded(key, rows[0][1], version=rows[0][0]) if rows else None",
        """
        known = self.__dict__.setdefault("_known", {})
        if rows and at_or_below is None:
            rows = [known.setdefault(key, rows[0])]
        return _decoded(key, rows[0][1], version=rows[0][0]) if rows else None
        """,
    ),
    code(
        "scopes-without-records-asked-once",
        "SNAP-141",
        "ShelfSnapshotBackend.read_many",
        "if not wanted:\n    return {}",
        """
        none = self.__dict__.setdefault("_none", set())
        wanted = {values: key for values, key in wanted.items() if key not in none}
        if not wanted:
            return {}
        none.update({*keys} - {*await RecordSnapshotBackend.read_many(self, keys)})
        """,
    ),
    code(
        "removed-elsewhere-and-known-here",
        "SNAP-142",
        "ShelfSnapshotBackend.read_many",
        "return found",
        """
        known = self.__dict__.setdefault("_known", {})
        known.update(found)
        return {key: known[key] for key in keys if key in known}
        """,
    ),
    code(
        "tombstones-of-the-process",
        "SNAP-143",
        "ShelfSnapshotBackend.put",
        "with self._shelf.transaction():",
        """
        if key.aggregate_id not in self.__dict__.get("_forgotten", ()):
            self._shelf.change("DELETE FROM tombstones", {})
        with self._shelf.transaction():
        """,
    ),
)
