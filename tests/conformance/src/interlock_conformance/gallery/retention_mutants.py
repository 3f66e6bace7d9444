"""Broken snapshot stores: retention of too little or too much, or not in the order of time."""

from interlock_conformance.gallery.mutants import code, text

_PRUNE = "with self._shelf.transaction():"
_OLD = """
self._shelf.change(
    "DELETE FROM snapshots AS old WHERE {condition} AND version < (SELECT max(version) "
    "FROM snapshots AS own WHERE own.namespace = old.namespace AND own.revision = old.revision "
    "AND own.aggregate_type = old.aggregate_type AND own.aggregate_id = old.aggregate_id)",
    _scope_values(scope),
)
"""

RETENTION_MUTANTS = (
    text(
        "prunes-the-revision-of-the-scope",
        "SNAP-129",
        "_KEYS",
        "aggregate_type = :aggregate_type\n",
        "aggregate_type = :aggregate_type AND revision = :revision\n",
    ),
    code(
        "prunes-one-revision-of-each",
        "SNAP-129",
        "ShelfSnapshotBackend.prune",
        "self._shelf.fetch(_KEYS, _scope_values(scope))",
        "dict(self._shelf.fetch(_KEYS, _scope_values(scope))).items()",
    ),
    code(
        "prunes-every-namespace",
        "SNAP-130",
        "ShelfSnapshotBackend.prune",
        _PRUNE,
        _OLD.format(condition="namespace <> :namespace AND aggregate_type = :aggregate_type")
        + _PRUNE,
    ),
    code(
        "prunes-every-type",
        "SNAP-130",
        "ShelfSnapshotBackend.prune",
        _PRUNE,
        _OLD.format(condition="namespace = :namespace AND aggregate_type <> :aggregate_type")
        + _PRUNE,
    ),
    text(
        "revisions-by-version", "SNAP-131", "_REVISIONS", "max(taken_at) DESC", "max(version) DESC"
    ),
    text("revisions-by-put", "SNAP-131", "_REVISIONS", "max(taken_at) DESC", "max(rowid) DESC"),
    text(
        "lower-versions-go",
        "SNAP-132",
        "_RETAIN_REVISIONS",
        "max(taken_at) DESC",
        "max(version) DESC",
    ),
    text(
        "revisions-go-by-their-names",
        "SNAP-132",
        "_RETAIN_REVISIONS",
        "max(taken_at) DESC",
        "CASE revision WHEN 'b' THEN 0 ELSE 1 END",
    ),
)
