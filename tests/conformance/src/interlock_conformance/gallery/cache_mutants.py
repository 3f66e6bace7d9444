"""Broken caches."""

from interlock_conformance.gallery.driver_edits import IN_MEMORY_UNTIL_CLOSED
from interlock_conformance.gallery.mutants import Mutant

_NEWER = "record = newer(found, record)"
_SUPERSEDED = "if found is not None and found.stamp not in supersedes:"
_READ = "return _decoded(key, rows[0][0]) if rows else None"
_DECODED = "    record = AggregateRecord.from_bytes(blob)\n"
_NAME = "return key.text()"
_REMOVED = "if stamp is None or (found is not None and found.stamp == stamp):"
_LOOK = "            found = await self._usable(key)\n"
_TRANSACTION = f"        with self._shelf.transaction():\n{_LOOK}"
_PUT = f'''\
    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        """See `CacheStore.put`."""
{_TRANSACTION}'''
_TAKE = "        found = self._records.pop(key, None)\n"
_MEMORY_PUT = f"""\
{_TAKE}        if found is not None and found.stamp not in supersedes:
            record = newer(found, record)
        self._records[key] = record
"""
_MEMORY_READ = """\
    async def read(self, key: RecordKey) -> AggregateRecord | None:
        \"""See `CacheStore.read`.\"""
"""
_NAP = "        import asyncio\n\n        await asyncio.sleep(0)\n"


def _named(text: str) -> str:
    return f"from dataclasses import replace\n\n    {text}"


CACHE_MUTANTS = (
    Mutant("first-row-of-none", "CACHE-001", _READ, "return _decoded(key, rows[0][0])"),
    Mutant(
        "microseconds-cut",
        "CACHE-002",
        _DECODED,
        f"    from dataclasses import replace\n\n{_DECODED}"
        "    record = replace(record, anchor_at=record.anchor_at.replace(microsecond=0))\n",
    ),
    Mutant("first-put-wins", "CACHE-003", _NEWER, "record = found"),
    Mutant("last-put-wins", "CACHE-004", _LOOK, "            found = None\n"),
    Mutant(
        "versions-as-text",
        "CACHE-005",
        _NEWER,
        "record = found if str(found.version) > str(record.version) else record",
    ),
    Mutant(
        "only-greater-replaces",
        "CACHE-006",
        _NEWER,
        "record = record if record.version > found.version else found",
    ),
    Mutant("supersedes-ignored", "CACHE-007", _SUPERSEDED, "if found is not None:"),
    Mutant(
        "supersedes-by-version",
        "CACHE-008",
        _SUPERSEDED,
        "versions = {stamp.version for stamp in supersedes}\n"
        "            if found is not None and found.version not in versions:",
    ),
    Mutant(
        "the-very-same-stamp",
        "CACHE-009",
        _REMOVED,
        _REMOVED.replace("found.stamp == stamp", "found.stamp is stamp"),
    ),
    Mutant(
        "removed-by-version",
        "CACHE-010",
        _REMOVED,
        _REMOVED.replace("found.stamp == stamp", "found.version == stamp.version"),
    ),
    Mutant(
        "removal-expects-a-record",
        "CACHE-011",
        _REMOVED,
        "if stamp is None or found.stamp == stamp:",
    ),
    Mutant(
        "answers-by-position",
        "CACHE-012",
        "        for text, record in rows:\n            key = wanted[text]\n",
        "        for key, (_, record) in zip(keys, rows):\n",
    ),
    Mutant(
        "key-without-type",
        "CACHE-013",
        _NAME,
        _named('return replace(key, aggregate_type="").text()'),
    ),
    Mutant(
        "key-without-id",
        "CACHE-014",
        _NAME,
        'return f"{key.namespace}/{key.epoch}/{key.aggregate_type}/{key.revision}"',
    ),
    Mutant(
        "key-without-namespace",
        "CACHE-015",
        _NAME,
        _named('return replace(key, namespace="").text()'),
    ),
    Mutant(
        "key-without-revision",
        "CACHE-016",
        _NAME,
        _named('return replace(key, revision="").text()'),
    ),
    Mutant(
        "keys-without-case",
        "CACHE-017",
        "key TEXT PRIMARY KEY",
        "key TEXT COLLATE NOCASE PRIMARY KEY",
    ),
    Mutant(
        "keys-in-ascii",
        "CACHE-018",
        _NAME,
        'return f"{key}".encode("ascii").decode()',
    ),
    Mutant(
        "key-ends-with-nul",
        "CACHE-019",
        _NAME,
        'text = f"{key.aggregate_id}/{key.epoch}/{key.revision}/{key.namespace}"\n'
        '    return text.partition("\\0")[0]',
    ),
    Mutant(
        "empty-is-nothing",
        "CACHE-020",
        _READ,
        "record = _decoded(key, rows[0][0]) if rows else None\n"
        "        return record if record and record.payload else None",
    ),
    Mutant(
        "values-of-a-million-bytes",
        "CACHE-021",
        "(:key, :record,",
        "(:key, substr(:record, 1, 1e6),",
    ),
    Mutant(
        "line-ends-of-text",
        "CACHE-022",
        "record.to_bytes()",
        'record.to_bytes().replace(b"\\r\\n", b"\\n")',
    ),
    Mutant(
        "looks-waits-writes",
        "CACHE-023",
        _TAKE,
        f"        found = self._records.get(key)\n{_NAP}",
        base="memory",
    ),
    Mutant(
        "a-file-for-each-instance",
        "CACHE-024",
        "self._shelf = Shelf(config.url, _SCHEMA)",
        'self._shelf = Shelf(f"{config.url}-{id(self)}", _SCHEMA)',
    ),
    Mutant(
        "no-transaction",
        "CACHE-025",
        _TRANSACTION,
        f"        if True:\n{_LOOK}            time.sleep(0.02)\n",
    ),
    Mutant(
        "lock-in-memory",
        "CACHE-026",
        _PUT,
        '    _lock = __import__("threading").Lock()\n\n'
        + _PUT.replace("self._shelf.transaction()", "self._lock")
        + "            time.sleep(0.02)\n",
    ),
    Mutant(
        "mark-left-behind",
        "CACHE-027",
        _MEMORY_PUT,
        '        putting = self.__dict__.setdefault("_putting", set())\n'
        "        if key in putting:\n            return\n        putting.add(key)\n"
        f"{_NAP}{_MEMORY_PUT}        putting.remove(key)\n",
        base="memory",
    ),
    Mutant("taken-out-meanwhile", "CACHE-028", _TAKE, f"{_TAKE}{_NAP}", base="memory"),
    Mutant(
        "begins-empty",
        "CACHE-029",
        "self._shelf.open()",
        'self._shelf.open()\n        self._shelf.change("DELETE FROM entries", {})',
    ),
    Mutant(
        "lock-never-given-up",
        "CACHE-030",
        _MEMORY_READ,
        "    async def open(self) -> None:\n"
        '        if "in_use" in vars(type(self)):\n            raise RuntimeError("in use")\n'
        "        type(self).in_use = True\n\n    async def close(self) -> None:\n        pass\n\n"
        f"{_MEMORY_READ}",
        base="memory",
    ),
    Mutant("written-when-closed", "CACHE-031", *IN_MEMORY_UNTIL_CLOSED),
    Mutant(
        "checksum-made-anew",
        "CACHE-032",
        _DECODED,
        "    from hashlib import blake2b\n\n"
        "    checksum = blake2b(blob[:-16], digest_size=16).digest()\n"
        "    record = AggregateRecord.from_bytes(blob[:-16] + checksum)\n",
    ),
    Mutant(
        "id-of-the-key-written-over",
        "CACHE-033",
        "    found = (record.aggregate_type, record.aggregate_id, record.revision)\n",
        "    from dataclasses import replace\n\n"
        "    record = replace(record, aggregate_id=key.aggregate_id)\n"
        "    found = (record.aggregate_type, record.aggregate_id, record.revision)\n",
    ),
    Mutant(
        "unusable-stays",
        "CACHE-034",
        _LOOK,
        "            try:\n                found = await self.read(key)\n"
        "            except RecordUnusableError:\n                return\n",
    ),
    Mutant(
        "one-unusable-all-unread",
        "CACHE-035",
        "                continue\n",
        "                return {}\n",
    ),
    Mutant(
        "copies-by-pickle",
        "CACHE-036",
        _DECODED,
        "    import pickle\n\n"
        "    record = pickle.loads(pickle.dumps(AggregateRecord.from_bytes(blob)))\n",
    ),
    Mutant(
        "sweeps-before-each-read",
        "CACHE-037",
        "        rows: list[Any] = self._shelf.fetch(  # Any: bytes\n",
        '        now = {"now": self.clock()}\n'
        '        self._shelf.change("DELETE FROM entries WHERE ends <= :now", now)\n'
        "        rows: list[Any] = self._shelf.fetch(  # Any: bytes\n",
    ),
    Mutant(
        "one-read-for-each-key",
        "CACHE-038",
        "found[key] = _decoded(key, record)",
        "found[key] = await self.read(key)",
    ),
    Mutant(
        "key-without-epoch",
        "CACHE-040",
        _NAME,
        _named("return replace(key, epoch=0).text()"),
    ),
    Mutant(
        "equal-is-not-newer",
        "CACHE-041",
        _NEWER,
        "record = found if found.stamp == record.stamp else newer(found, record)",
    ),
    Mutant(
        "verification-not-compared",
        "CACHE-042",
        _NEWER,
        "record = found if found.version > record.version else record",
    ),
    Mutant(
        "removal-wants-a-stamp",
        "CACHE-043",
        _REMOVED,
        "if found is not None and found.stamp == stamp:",
    ),
    Mutant(
        "too-large-is-left-out",
        "CACHE-044",
        "        ends = None if self._ttl is None",
        "        if len(record.payload) > 4_000_000:\n            return\n"
        "        ends = None if self._ttl is None",
    ),
    Mutant(
        "nothing-is-evicted",
        "CACHE-045",
        'self._shelf.change(_EVICT, {"size": self._size})',
        "pass",
    ),
    Mutant("the-youngest-goes", "CACHE-046", "ORDER BY rowid DESC", "ORDER BY rowid"),
    Mutant(
        "minutes-for-seconds",
        "CACHE-047",
        "self._ttl.total_seconds()",
        "self._ttl.total_seconds() / 60",
    ),
    Mutant(
        "end-not-looked-at",
        "CACHE-048",
        'WHERE key = :key AND (ends IS NULL OR ends > :now)"',
        'WHERE key = :key"',
    ),
    Mutant(
        "verification-of-another-branch",
        "CACHE-060",
        _NEWER,
        "same = found.version == record.version\n"
        "                is_later = found.verified_at > record.verified_at\n"
        "                record = found if same and is_later else newer(found, record)",
    ),
    Mutant(
        "states-in-ascii",
        "CACHE-061",
        "        ends = None if self._ttl is None",
        "        from dataclasses import replace\n\n"
        '        text = record.payload.decode(errors="ignore").encode("ascii", "ignore")\n'
        "        record = replace(record, payload=text)\n"
        "        ends = None if self._ttl is None",
    ),
)
