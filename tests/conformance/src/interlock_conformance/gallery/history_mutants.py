"""Broken snapshot stores: which versions are kept, read at or below a bound, and listed."""

from interlock_conformance.gallery.mutants import code, text

HISTORY_MUTANTS = (
    code(
        "no-bound-is-zero",
        "SNAP-135",
        "ShelfSnapshotBackend.read",
        "_BEYOND if at_or_below is None else at_or_below",
        "at_or_below or _BEYOND",
    ),
    text(
        "one-above-the-bound", "SNAP-040", "_READ", "version <= :bound\n", "version <= :bound + 1\n"
    ),
    text("bound-is-exclusive", "SNAP-041", "_READ", "version <= :bound\n", "version < :bound\n"),
    text(
        "oldest-below-the-bound",
        "SNAP-042",
        "_READ",
        "ORDER BY version DESC LIMIT 1\n",
        "ORDER BY version LIMIT 1\n",
    ),
    text("keeps-one-more", "SNAP-043", "_RETAIN_RECORDS", "LIMIT :keep)", "LIMIT :keep + 1)"),
    text(
        "keeps-one-less", "SNAP-044", "_RETAIN_RECORDS", "LIMIT :keep)", "LIMIT max(:keep - 1, 1))"
    ),
    text(
        "what-was-just-put-is-kept",
        "SNAP-045",
        "_RETAIN_RECORDS",
        "ORDER BY version DESC LIMIT :keep)",
        "ORDER BY rowid = (SELECT max(rowid) FROM snapshots) DESC, version DESC LIMIT :keep)",
    ),
    text(
        "keeps-for-all-revisions",
        "SNAP-046",
        "_RETAIN_RECORDS",
        "WHERE {_KEY}\nAND version NOT IN (SELECT version FROM snapshots WHERE {_KEY} ORDER",
        (
            "WHERE {_AGGREGATE}\nAND version NOT IN (SELECT version FROM snapshots WHERE "
            "{_AGGREGATE} ORDER"
        ),
    ),
    text(
        "keeps-one-revision-more",
        "SNAP-047",
        "_RETAIN_REVISIONS",
        "LIMIT :keep_revisions)",
        "LIMIT :keep_revisions + 1)",
    ),
    text("revisions-oldest-first", "SNAP-048", "_REVISIONS", "max(taken_at) DESC", "max(taken_at)"),
    text(
        "an-id-for-each-record",
        "SNAP-049",
        "_IDS",
        "DISTINCT aggregate_id FROM",
        "aggregate_id FROM",
    ),
    text(
        "ids-of-all-revisions",
        "SNAP-050",
        "_IDS",
        ":aggregate_type AND revision = :revision",
        ":aggregate_type",
    ),
    code(
        "pruned-records-not-counted",
        "SNAP-051",
        "ShelfSnapshotBackend._retain",
        "removed + self._shelf.change(_RETAIN_REVISIONS, limited)",
        "self._shelf.change(_RETAIN_REVISIONS, limited)",
    ),
    code(
        "pruned-by-age",
        "SNAP-052",
        "ShelfSnapshotBackend.prune",
        "with self._shelf.transaction():",
        """
old = {"bound": 946_684_800_000_000}  # the year 2000
self._shelf.change("DELETE FROM snapshots WHERE taken_at < :bound", old)
with self._shelf.transaction():
""",
    ),
    code(
        "too-large-is-left-out",
        "SNAP-053",
        "ShelfSnapshotBackend.put",
        "with self._shelf.transaction():",
        """
if len(record.payload) > 4_000_000:
    return
with self._shelf.transaction():
""",
    ),
    text(
        "removes-the-older-too",
        "SNAP-054",
        "_REMOVE",
        "AND version = :version AND last_event_id = :last_event_id",
        (
            "AND version <= (SELECT version FROM snapshots WHERE {_KEY} AND version = "
            ":version AND last_event_id = :last_event_id)"
        ),
    ),
)
