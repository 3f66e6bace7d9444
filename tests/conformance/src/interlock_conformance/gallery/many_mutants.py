"""Broken caches and snapshot stores whose `read` is right and whose `read_many` isn't."""

from interlock_conformance.gallery.mutants import code, text

MANY_MUTANTS = (
    code(
        "many-remembered-by-id",
        "CACHE-065",
        "ShelfCacheBackend.read_many",
        "return found",
        """
        known = self.__dict__.setdefault("_known", {})
        known.update((key.aggregate_id, record) for key, record in found.items())
        return {key: known[key.aggregate_id] for key in keys if key.aggregate_id in known}
        """,
    ),
    code(
        "many-of-the-epoch-before",
        "CACHE-065",
        "ShelfCacheBackend.read_many",
        "return found",
        """
        for key in {*keys} - {*found}:
            older = await self.read(key._replace(epoch=0))
            if older is not None:
                found[key] = older
        return found
        """,
    ),
    code(
        "many-of-another-revision-than-none",
        "SNAP-065",
        "ShelfSnapshotBackend.read_many",
        "return found",
        """
        for key in {*keys} - {*found}:
            for revision in await self.revisions(key):
                found[key] = await self.read(key._replace(revision=revision))
        return found
        """,
    ),
    code(
        "last-page-of-many",
        "CACHE-066",
        "ShelfCacheBackend.read_many",
        "wanted = {_name(key): key for key in keys}",
        """
        if len(keys) > 500:
            for start in range(0, len(keys), 500):
                found = await self.read_many(keys[start : start + 500])
            return found
        wanted = {_name(key): key for key in keys}
        """,
    ),
    code(
        "last-of-each-page-of-many",
        "SNAP-066",
        "ShelfSnapshotBackend.read_many",
        "wanted = {tuple(_values(key).values()): key for key in keys}",
        """
        if len(keys) > 250:
            found = {}
            for start in range(0, len(keys), 250):
                found |= await self.read_many(keys[start : start + 249])
            return found
        wanted = {tuple(_values(key).values()): key for key in keys}
        """,
    ),
    code(
        "first-of-many-keys",
        "CACHE-067",
        "ShelfCacheBackend.read_many",
        "wanted = {_name(key): key for key in keys}",
        """
        namespace = keys[0].namespace
        wanted = {_name(key): key for key in keys if key.namespace == namespace}
        """,
    ),
    code(
        "each-answer-taken-once",
        "CACHE-067",
        "ShelfCacheBackend.read_many",
        "return found",
        "return {key: found.pop(key) for key in keys if _name(key) in {row[0] for row in rows}}",
    ),
    code(
        "nothing-is-a-syntax-error",
        "SNAP-067",
        "ShelfSnapshotBackend.read_many",
        "if not wanted:\n    return {}",
        "",
    ),
    code(
        "large-ones-cut-among-many",
        "CACHE-068",
        "ShelfCacheBackend.read_many",
        "_decoded(key, record)",
        "_decoded(key, record[:1000000])",
    ),
    text(
        "large-ones-left-out-of-many",
        "SNAP-068",
        "_READ_MANY",
        "ORDER BY version DESC",
        "AND length(record) < 65536 ORDER BY version DESC",
    ),
    code(
        "many-end-by-another-clock",
        "CACHE-049",
        "ShelfCacheBackend.read_many",
        "self.clock()",
        "time.time()",
    ),
    code(
        "oldest-of-many",
        "SNAP-056",
        "ShelfSnapshotBackend.read_many",
        "found.setdefault(key, _decoded(key, row[4]))",
        "found[key] = _decoded(key, row[4])",
    ),
)
