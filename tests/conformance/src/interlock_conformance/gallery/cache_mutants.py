"""Broken caches."""

from interlock_conformance.gallery.mutants import code, text

CACHE_MUTANTS = (
    code(
        "first-row-of-none",
        "CACHE-001",
        "ShelfCacheBackend.read",
        "_decoded(key, rows[0][0]) if rows else None",
        "_decoded(key, rows[0][0])",
    ),
    code(
        "microseconds-cut",
        "CACHE-002",
        "_decoded",
        "return AggregateRecord.from_bytes(blob, key=key)",
        """
        record = AggregateRecord.from_bytes(blob, key=key)
        return record._replace(anchor_at=record.anchor_at.replace(microsecond=0))
        """,
    ),
    code(
        "details-dropped",
        "CACHE-002",
        "_decoded",
        "return AggregateRecord.from_bytes(blob, key=key)",
        """
        return AggregateRecord.from_bytes(blob, key=key)._replace(details=b"")
        """,
    ),
    code("first-put-wins", "CACHE-003", "ShelfCacheBackend.put", "newer(found, record)", "found"),
    code("last-put-wins", "CACHE-004", "ShelfCacheBackend.put", "await self._usable(key)", "None"),
    code(
        "versions-as-text",
        "CACHE-005",
        "ShelfCacheBackend.put",
        "newer(found, record)",
        "found if str(found.version) > str(record.version) else record",
    ),
    code(
        "only-greater-replaces",
        "CACHE-006",
        "ShelfCacheBackend.put",
        "newer(found, record)",
        "record if record.version > found.version else found",
    ),
    code(
        "supersedes-ignored",
        "CACHE-007",
        "ShelfCacheBackend.put",
        "if found is not None and found.stamp not in supersedes:",
        "if found is not None:",
    ),
    code(
        "supersedes-by-version",
        "CACHE-008",
        "ShelfCacheBackend.put",
        "if found is not None and found.stamp not in supersedes:",
        """
versions = {stamp.version for stamp in supersedes}
if found is not None and found.version not in versions:
""",
    ),
    code(
        "the-very-same-stamp",
        "CACHE-009",
        "ShelfCacheBackend.remove",
        "found.stamp == stamp",
        "found.stamp is stamp",
    ),
    code(
        "removed-by-version",
        "CACHE-010",
        "ShelfCacheBackend.remove",
        "found.stamp == stamp",
        "found.version == stamp.version",
    ),
    code(
        "removal-expects-a-record",
        "CACHE-011",
        "ShelfCacheBackend.remove",
        "found is not None and found.stamp == stamp",
        "found.stamp == stamp",
    ),
    code(
        "answers-by-position",
        "CACHE-012",
        "ShelfCacheBackend.read_many",
        """
        for text, record in rows:
            key = wanted[text]
            try:
                found[key] = _decoded(key, record)
            except RecordUnusableError:
                continue
        """,
        """
        for key, (_, record) in zip(keys, rows):
            try:
                found[key] = _decoded(key, record)
            except RecordUnusableError:
                continue
        """,
    ),
    code(
        "key-without-type",
        "CACHE-013",
        "_name",
        "return key.text()",
        """
        return key._replace(aggregate_type="").text()
        """,
    ),
    code(
        "key-without-id",
        "CACHE-014",
        "_name",
        "key.text()",
        'f"{key.namespace}/{key.epoch}/{key.aggregate_type}/{key.revision}"',
    ),
    code(
        "key-without-namespace",
        "CACHE-015",
        "_name",
        "return key.text()",
        """
        return key._replace(namespace="").text()
        """,
    ),
    code(
        "key-without-revision",
        "CACHE-016",
        "_name",
        "return key.text()",
        """
        return key._replace(revision="").text()
        """,
    ),
    text(
        "keys-without-case",
        "CACHE-017",
        "_SCHEMA",
        "key TEXT PRIMARY KEY",
        "key TEXT COLLATE NOCASE PRIMARY KEY",
    ),
    code("keys-in-ascii", "CACHE-018", "_name", "key.text", 'f"{key}".encode("ascii").decode'),
    code(
        "key-ends-with-nul",
        "CACHE-019",
        "_name",
        "return key.text()",
        r"""
        text = f"{key.aggregate_id}/{key.epoch}/{key.revision}/{key.namespace}"
        return text.partition("\x00")[0]
        """,
    ),
    code(
        "empty-is-nothing",
        "CACHE-020",
        "ShelfCacheBackend.read",
        "return _decoded(key, rows[0][0]) if rows else None",
        """
        record = _decoded(key, rows[0][0]) if rows else None
        return record if record and record.payload else None
        """,
    ),
    text(
        "values-of-a-million-bytes",
        "CACHE-021",
        "_PUT",
        "(:key, :record,",
        "(:key, substr(:record, 1, 1e6),",
    ),
    code(
        "line-ends-of-text",
        "CACHE-022",
        "ShelfCacheBackend._write",
        "record.to_bytes()",
        r'record.to_bytes().replace(b"\r\n", b"\n")',
    ),
    code(
        "key-without-epoch",
        "CACHE-040",
        "_name",
        "return key.text()",
        """
        return key._replace(epoch=0).text()
        """,
    ),
    code(
        "equal-is-not-newer",
        "CACHE-041",
        "ShelfCacheBackend.put",
        "newer(found, record)",
        "found if found.stamp == record.stamp else newer(found, record)",
    ),
    code(
        "verification-not-compared",
        "CACHE-042",
        "ShelfCacheBackend.put",
        "newer(found, record)",
        "found if found.version > record.version else record",
    ),
    code(
        "removal-wants-a-stamp",
        "CACHE-043",
        "ShelfCacheBackend.remove",
        "if stamp is None or (found is not None and found.stamp == stamp):",
        "if found is not None and found.stamp == stamp:",
    ),
    code(
        "too-large-is-left-out",
        "CACHE-044",
        "ShelfCacheBackend._write",
        "ends = None if self._ttl is None else self.clock() + self._ttl.total_seconds()",
        """
        if len(record.payload) > 4000000:
            return
        ends = None if self._ttl is None else self.clock() + self._ttl.total_seconds()
        """,
    ),
    code(
        "nothing-is-evicted",
        "CACHE-045",
        "ShelfCacheBackend._write",
        'self._shelf.change(_EVICT, {"size": self._size})',
        "pass",
    ),
    text("the-youngest-goes", "CACHE-046", "_EVICT", "ORDER BY rowid DESC", "ORDER BY rowid"),
    code(
        "minutes-for-seconds",
        "CACHE-047",
        "ShelfCacheBackend._write",
        "self._ttl.total_seconds()",
        "self._ttl.total_seconds() / 60",
    ),
    text(
        "end-not-looked-at", "CACHE-048", "_READ", ":key AND (ends IS NULL OR ends > :now)", ":key"
    ),
    code(
        "verification-of-another-branch",
        "CACHE-060",
        "ShelfCacheBackend.put",
        "record = newer(found, record)",
        """
        same = found.version == record.version
        is_later = found.verified_at > record.verified_at
        record = found if same and is_later else newer(found, record)
        """,
    ),
    code(
        "states-in-ascii",
        "CACHE-061",
        "ShelfCacheBackend._write",
        "ends = None if self._ttl is None else self.clock() + self._ttl.total_seconds()",
        """
        text = record.payload.decode(errors="ignore").encode("ascii", "ignore")
        record = record._replace(payload=text)
        ends = None if self._ttl is None else self.clock() + self._ttl.total_seconds()
        """,
    ),
)
