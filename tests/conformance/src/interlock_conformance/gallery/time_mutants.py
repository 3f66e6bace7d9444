"""Broken backends: time that isn't UTC, ends too late, or is cut."""

from interlock_conformance.gallery.mutants import Mutant, code, text
from interlock_conformance.mutation import CodeEdit, Edits

_LOCAL = '__import__("calendar").timegm(__import__("time").localtime(self.clock()))'
_OFFSET = '__import__("time").localtime().tm_gmtoff * 1_000_000'
_STORE = "self._streams.setdefault(name, []).extend((event.row() for event in events))"

TIME_MUTANTS = (
    code(
        "clock-face-for-a-moment",
        "CACHE-073",
        "ShelfCacheBackend._write",
        "record.to_bytes()",
        """
        record._replace(
            verified_at=record.verified_at.astimezone().replace(tzinfo=record.verified_at.tzinfo),
        ).to_bytes()
        """,
    ),
    Mutant(
        "local-time-there-and-back",
        "SNAP-073",
        Edits(
            (
                CodeEdit(
                    "ShelfSnapshotBackend.put",
                    "record.to_bytes()",
                    """
                    record._replace(
                        taken_at=record.taken_at.astimezone().replace(tzinfo=UTC)
                    ).to_bytes()
                    """,
                ),
                CodeEdit(
                    "_decoded",
                    "return AggregateRecord.from_bytes(blob, key=key)",
                    """
                    record = AggregateRecord.from_bytes(blob, key=key)
                    local = record.taken_at.replace(tzinfo=None).astimezone(UTC)
                    return record._replace(taken_at=local)
                    """,
                ),
            )
        ),
    ),
    Mutant(
        "ends-by-the-clock-on-the-wall",
        "CACHE-059",
        Edits(
            (
                CodeEdit("ShelfCacheBackend._write", "self.clock()", _LOCAL),
                CodeEdit("ShelfCacheBackend.read", "self.clock()", _LOCAL),
            )
        ),
    ),
    code(
        "buried-by-the-clock-on-the-wall",
        "SNAP-134",
        "ShelfSnapshotBackend.forget",
        "self.clock()",
        "datetime.now().replace(tzinfo=UTC)",
    ),
    code(
        "clock-face-for-a-moment",
        "EVENTS-068",
        "ShelfEventStore._append",
        "event.row()._asdict()",
        f"""
        {{**event.row()._asdict(), "recorded_at": event.row().recorded_at + {_OFFSET}}}
        """,
    ),
    Mutant(
        "local-time-there-and-back",
        "EVENTS-068",
        Edits(
            (
                CodeEdit(
                    "Events.append",
                    _STORE,
                    f"""
                    rows = [event.row() for event in events]
                    self._streams.setdefault(name, []).extend(
                        row._replace(recorded_at=row.recorded_at - {_OFFSET}) for row in rows
                    )
                    """,
                ),
                CodeEdit(
                    "Events.read",
                    "stream[place] for place in range(start, stop)",
                    f"""
                    (
                        stream[place]._replace(recorded_at=stream[place].recorded_at + {_OFFSET})
                        for place in range(start, stop)
                    )
                    """,
                ),
            )
        ),
        base="memory",
    ),
    code(
        "writes-what-stays",
        "CACHE-058",
        "ShelfCacheBackend.put",
        "if record is not found:",
        "if record is not None:",
    ),
    code(
        "every-put-is-a-touch",
        "CACHE-058",
        "ShelfCacheBackend.put",
        "found = await self._usable(key)",
        """
        found = await self._usable(key)
        if found is not None and self._ttl is not None:
            later = {"key": _name(key), "ends": self.clock() + self._ttl.total_seconds()}
            self._shelf.change("UPDATE entries SET ends = :ends WHERE key = :key", later)
        """,
    ),
    text("a-second-longer", "CACHE-076", "_READ", "ends > :now", "ends + 1 > :now"),
    code(
        "ends-rounded-up",
        "CACHE-076",
        "ShelfCacheBackend._write",
        "self.clock() + self._ttl.total_seconds()",
        "int(self.clock() + self._ttl.total_seconds()) + 1.9",
    ),
    text(
        "too-late-after-the-forget-only",
        "SNAP-133",
        "_PUT",
        "forgotten_at >= :taken_at",
        "forgotten_at > :taken_at",
    ),
    code(
        "graves-to-the-millisecond",
        "SNAP-133",
        "ShelfSnapshotBackend.forget",
        "to_micros(self.clock())",
        "to_micros(self.clock()) // 1000 * 1000",
    ),
    text(
        "all-of-a-second-comes-too-late",
        "SNAP-133",
        "_PUT",
        "forgotten_at >= :taken_at",
        "forgotten_at / 1000000 >= :taken_at / 1000000",
    ),
)
