"""Broken caches: callers beside each other, what survives, what is damaged, what a call costs."""

from interlock_conformance.gallery.driver_edits import IN_MEMORY_UNTIL_CLOSED, LOCK, NEVER_GIVEN_UP
from interlock_conformance.gallery.mutants import Mutant, code, in_memory
from interlock_conformance.mutation import CodeEdit, Edits

_SLOW_LOOK = CodeEdit(
    "ShelfCacheBackend.put",
    "found = await self._usable(key)",
    """
    found = await self._usable(key)
    time.sleep(0.1)  # others look meanwhile, however busy the machine is
    """,
)

CACHE_RACE_MUTANTS = (
    in_memory(
        "looks-waits-writes",
        "CACHE-023",
        "Cache.put",
        "found = self._records.pop(key, None)",
        """
        found = self._records.get(key)
        import asyncio

        await asyncio.sleep(0)
        """,
    ),
    code(
        "a-file-for-each-instance",
        "CACHE-024",
        "ShelfCacheBackend.__init__",
        "config.url",
        'f"{config.url}-{id(self)}"',
    ),
    Mutant(
        "no-transaction",
        "CACHE-025",
        Edits(
            (
                CodeEdit("ShelfCacheBackend.put", "with self._shelf.transaction():", "if True:"),
                _SLOW_LOOK,
            )
        ),
    ),
    Mutant(
        "lock-in-memory",
        "CACHE-026",
        Edits(
            (
                CodeEdit("ShelfCacheBackend", "", LOCK),
                CodeEdit(
                    "ShelfCacheBackend.put", "with self._shelf.transaction():", "with self._lock:"
                ),
                _SLOW_LOOK,
            )
        ),
    ),
    Mutant(
        "mark-left-behind",
        "CACHE-027",
        Edits(
            (
                CodeEdit(
                    "Cache.put",
                    "found = self._records.pop(key, None)",
                    """
        putting = self.__dict__.setdefault("_putting", set())
        if key in putting:
            return
        putting.add(key)
        import asyncio

        await asyncio.sleep(0)
        found = self._records.pop(key, None)
        """,
                ),
                CodeEdit("Cache.put", "", "putting.remove(key)"),
            )
        ),
        base="memory",
    ),
    in_memory(
        "taken-out-meanwhile",
        "CACHE-028",
        "Cache.put",
        "found = self._records.pop(key, None)",
        """
        found = self._records.pop(key, None)
        import asyncio

        await asyncio.sleep(0)
        """,
    ),
    code(
        "begins-empty",
        "CACHE-029",
        "ShelfCacheBackend.open",
        "self._shelf.open()",
        """
        self._shelf.open()
        self._shelf.change("DELETE FROM entries", {})
        """,
    ),
    Mutant(
        "lock-never-given-up", "CACHE-030", CodeEdit("Cache", "", NEVER_GIVEN_UP), base="memory"
    ),
    Mutant("written-when-closed", "CACHE-031", IN_MEMORY_UNTIL_CLOSED),
    code(
        "checksum-made-anew",
        "CACHE-032",
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
        "CACHE-033",
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
        "CACHE-034",
        "ShelfCacheBackend.put",
        "found = await self._usable(key)",
        """
        try:
            found = await self.read(key)
        except RecordUnusableError:
            return
        """,
    ),
    code(
        "one-unusable-all-unread",
        "CACHE-035",
        "ShelfCacheBackend.read_many",
        "continue",
        "return {}",
    ),
    code(
        "copies-by-pickle",
        "CACHE-036",
        "_decoded",
        "return AggregateRecord.from_bytes(blob, key=key)",
        """
        import pickle

        return pickle.loads(pickle.dumps(AggregateRecord.from_bytes(blob, key=key)))
        """,
    ),
    code(
        "sweeps-before-each-read",
        "CACHE-037",
        "ShelfCacheBackend.read",
        'rows: list[Any] = self._shelf.fetch(_READ, {"key": _name(key), "now": self.clock()})',
        """
        now = {"now": self.clock()}
        self._shelf.change("DELETE FROM entries WHERE ends <= :now", now)
        rows: list[Any] = self._shelf.fetch(_READ, {"key": _name(key), **now})
        """,
    ),
    code(
        "one-read-for-each-key",
        "CACHE-038",
        "ShelfCacheBackend.read_many",
        "_decoded(key, record)",
        "await self.read(key)",
    ),
    in_memory(
        "turns-of-the-first-loop",
        "CACHE-064",
        "Cache.read",
        "return self._records.get(key)",
        """
        import asyncio

        async with self.__dict__.setdefault("_turns", asyncio.Semaphore(1)):
            await asyncio.sleep(0)
            return self._records.get(key)
        """,
    ),
    code(
        "compares-with-what-it-has-put",
        "CACHE-034",
        "ShelfCacheBackend.put",
        "found = await self._usable(key)",
        """
        known = self.__dict__.setdefault("_known", {})
        found = known.get(key)
        if found is None or record.version >= found.version:
            known[key] = record
        """,
    ),
    code(
        "of-any-namespace",
        "CACHE-062",
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
        "starts-anew-where-one-is-damaged",
        "CACHE-063",
        "ShelfCacheBackend._usable",
        "return None",
        """
        self._shelf.change("DELETE FROM entries", {})
        return None
        """,
    ),
)
