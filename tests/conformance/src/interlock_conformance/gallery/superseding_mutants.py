"""Broken backends that supersede, end or erase the wrong records."""

from interlock_conformance.gallery.mutants import code, text

SUPERSEDING_MUTANTS = (
    code(
        "last-stamp-counts",
        "CACHE-069",
        "ShelfCacheBackend.put",
        "found.stamp not in supersedes",
        "found.stamp not in [*supersedes][-1:]",
    ),
    code(
        "one-stamp-is-superseded",
        "SNAP-069",
        "ShelfSnapshotBackend.put",
        "self._remove(key, stamp)",
        """
        self._remove(key, stamp)
        break
        """,
    ),
    code(
        "superseded-by-event",
        "CACHE-070",
        "ShelfCacheBackend.put",
        "found.stamp not in supersedes",
        "found.last_event_id not in [stamp.last_event_id for stamp in supersedes]",
    ),
    text("superseded-in-all-revisions", "SNAP-070", "_REMOVE", "{_KEY}", "{_AGGREGATE}"),
    code(
        "removed-by-event",
        "CACHE-071",
        "ShelfCacheBackend.remove",
        "found.stamp == stamp",
        "found.last_event_id == stamp.last_event_id",
    ),
    code(
        "removed-under-the-key",
        "SNAP-071",
        "ShelfSnapshotBackend.remove",
        "self._remove(key, stamp)",
        """
        self._remove(key, stamp._replace(revision=key.revision))
        """,
    ),
    code(
        "own-stamp-is-not-superseded",
        "CACHE-050",
        "ShelfCacheBackend.put",
        "if found is not None and found.stamp not in supersedes:",
        "if found is not None and found.stamp not in {*supersedes} - {record.stamp}:",
    ),
    code(
        "same-stamp-is-no-news",
        "SNAP-057",
        "ShelfSnapshotBackend.put",
        "with self._shelf.transaction():",
        """
try:
    found = await self.read(key)
except RecordUnusableError:
    found = None
if found is not None and found.stamp == record.stamp and not supersedes:
    return
with self._shelf.transaction():
""",
    ),
    code(
        "supersedes-its-own-revision-only",
        "SNAP-058",
        "ShelfSnapshotBackend.put",
        "self._remove(key, stamp)",
        """
        if stamp.revision == key.revision:
            self._remove(key, stamp)
        """,
    ),
    code(
        "reads-keep-alive",
        "CACHE-051",
        "ShelfCacheBackend.read",
        "return _decoded(key, rows[0][0]) if rows else None",
        """
        if rows and self._ttl is not None:
            later = {"key": _name(key), "ends": self.clock() + self._ttl.total_seconds()}
            self._shelf.change("UPDATE entries SET ends = :ends WHERE key = :key", later)
        return _decoded(key, rows[0][0]) if rows else None
        """,
    ),
    code(
        "batch-reads-keep-alive",
        "CACHE-051",
        "ShelfCacheBackend.read_many",
        "return found",
        """
        for key, record in found.items():
            self._write(key, record)
        return found
        """,
    ),
    text(
        "end-of-the-first-put",
        "CACHE-052",
        "_PUT",
        "INSERT OR REPLACE INTO entries VALUES (:key, :record, :ends)",
        "INSERT INTO entries VALUES (:key, :record, :ends) "
        "ON CONFLICT (key) DO UPDATE SET record = excluded.record",
    ),
    code(
        "never-below-what-was-put",
        "CACHE-053",
        "ShelfCacheBackend.put",
        "with self._shelf.transaction():",
        """
highest = self.__dict__.setdefault("_highest", {})
if not supersedes and highest.get(key, 0) > record.version:
    return
highest[key] = record.version
with self._shelf.transaction():
""",
    ),
    code(
        "removal-reads-first",
        "CACHE-054",
        "ShelfCacheBackend.remove",
        "found = None if stamp is None else await self._usable(key)",
        "found = await self.read(key)",
    ),
    code(
        "forgets-what-it-can-read",
        "SNAP-122",
        "ShelfSnapshotBackend.forget",
        "return self._shelf.change(_FORGET, _values(key))",
        """
        removed = 0
        for revision in await self.revisions(key):
            own = key._replace(revision=revision)
            while record := (await self.read_many([own])).get(own):
                self._remove(own, record.stamp)
                removed += 1
        return removed
        """,
    ),
    code(
        "prunes-graves-of-yesterday",
        "SNAP-123",
        "ShelfSnapshotBackend.prune",
        "with self._shelf.transaction():",
        """
half = {"half": to_micros(self.clock() - _TOMBSTONE_STANDS / 2)}
self._shelf.change("DELETE FROM tombstones WHERE forgotten_at < :half", half)
with self._shelf.transaction():
""",
    ),
)
