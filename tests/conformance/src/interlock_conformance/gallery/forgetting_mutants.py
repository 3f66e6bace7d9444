"""Broken snapshot stores: what is forgotten comes back, or never comes again."""

from interlock_conformance.gallery.mutants import Mutant

_FORGOTTEN = 'DELETE FROM snapshots WHERE {_AGGREGATE}"'
_FORGET = """\
        with self._shelf.transaction():
            self._shelf.change(_BURY, {**_values(key), "now": to_micros(self.clock())})
            return self._shelf.change(_FORGET, _values(key))
"""
_BURY = '            self._shelf.change(_BURY, {**_values(key), "now": to_micros(self.clock())})\n'
_TOMBSTONES = "CREATE TABLE IF NOT EXISTS tombstones ("
_STATEMENTS = '''\
WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE {_AGGREGATE}
    AND forgotten_at >= :taken_at AND forgotten_at > :standing_since)
"""
_BURY = """
INSERT OR REPLACE INTO tombstones VALUES (:namespace, :aggregate_type, :aggregate_id, :now)
"""
'''
_BY_REVISION = _STATEMENTS.replace(
    "{_AGGREGATE}",
    "namespace = :namespace\n    AND aggregate_type = :aggregate_type || :revision "
    "AND aggregate_id = :aggregate_id",
).replace(
    ":aggregate_type, :aggregate_id, :now", ":aggregate_type || :revision, :aggregate_id, :now"
)
_PRUNE = '        """See `SnapshotStore.prune`."""\n'

FORGETTING_MUTANTS = (
    Mutant("forgets-one-revision", "SNAP-110", _FORGOTTEN, 'DELETE FROM snapshots WHERE {_KEY}"'),
    Mutant(
        "forgets-by-id-alone",
        "SNAP-111",
        f'f"{_FORGOTTEN}',
        '"DELETE FROM snapshots WHERE aggregate_id = :aggregate_id"',
    ),
    Mutant("forgets-that-it-forgot", "SNAP-112", _BURY, ""),
    Mutant("nothing-grows-on-a-grave", "SNAP-113", "forgotten_at >= :taken_at AND ", ""),
    Mutant(
        "nobody-there-nobody-buried",
        "SNAP-114",
        _FORGET,
        "        with self._shelf.transaction():\n"
        "            removed = self._shelf.change(_FORGET, _values(key))\n"
        f"            if removed:\n    {_BURY}            return removed\n",
    ),
    Mutant("a-grave-for-each-revision", "SNAP-115", _STATEMENTS, _BY_REVISION),
    Mutant(
        "graves-of-one-connection",
        "SNAP-116",
        _TOMBSTONES,
        _TOMBSTONES.replace("TABLE", "TEMPORARY TABLE"),
    ),
    Mutant(
        "graves-are-levelled-at-the-start",
        "SNAP-117",
        _TOMBSTONES,
        f"DROP TABLE IF EXISTS tombstones;\n{_TOMBSTONES}",
    ),
    Mutant(
        "forgets-and-buries-later",
        "SNAP-118",
        _FORGET,
        "        removed = self._shelf.change(_FORGET, _values(key))\n"
        '        await __import__("asyncio").sleep(0)\n'
        f"{_BURY.replace('            self', '        self')}        return removed\n",
    ),
    Mutant(
        "first-forget-counts",
        "SNAP-119",
        "INSERT OR REPLACE INTO tombstones",
        "INSERT OR IGNORE INTO tombstones",
    ),
    Mutant(
        "prunes-graves",
        "SNAP-120",
        _PRUNE,
        _PRUNE + '        self._shelf.change("DELETE FROM tombstones", {})\n',  # noqa: S608 # an edit
    ),
    Mutant("stands-for-an-hour", "SNAP-121", "timedelta(days=1)", "timedelta(hours=1)"),
)
