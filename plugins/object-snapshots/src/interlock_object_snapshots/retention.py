"""Retention: which records of an aggregate have to go."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.backends import to_micros
from interlock_object_snapshots.names import RecordName, Tombstone

_TOMBSTONE_LIFETIME = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention options of `ObjectSnapshotsConfig`."""

    keep: int
    keep_revisions: int
    keep_for: timedelta | None

    def surplus(
        self, records: Sequence[RecordName], now: datetime, put: RecordName | None = None
    ) -> list[RecordName]:
        """Find those of an aggregate's records that nothing keeps.

        One always stays: the newest of the revision that was taken last. That of a record that is
        being put counts as this, and the record replaces one of its version.
        """
        surplus = list[RecordName]()
        revisions: defaultdict[str, list[RecordName]] = defaultdict(list)
        for name in sorted(records, key=lambda name: name.version, reverse=True):
            is_replaced = (
                put is not None
                and (name.folder, name.version) == (put.folder, put.version)
                and name != put
            )
            (surplus if is_replaced else revisions[name.folder]).append(name)
        taken = {
            revision: (
                put is not None and revision == put.folder,
                max(name.taken_at for name in found),
            )
            for revision, found in revisions.items()
            if found
        }
        for age, revision in enumerate(sorted(taken, key=taken.__getitem__, reverse=True)):
            keep = self.keep if age < self.keep_revisions else 0
            surplus += revisions[revision][keep:]
            aging = revisions[revision][1 if age == 0 else 0 : keep]
            surplus += (name for name in aging if self._is_too_old(name, now))
        return surplus

    def _is_too_old(self, name: RecordName, now: datetime) -> bool:
        return self.keep_for is not None and name.taken_at < to_micros(now - self.keep_for)


def is_expired(tombstone: Tombstone, now: datetime) -> bool:
    """Whether the day of a tombstone is over."""
    return tombstone.at <= to_micros(now - _TOMBSTONE_LIFETIME)


def is_forgotten(name: RecordName, tombstones: Collection[Tombstone], now: datetime) -> bool:
    """Whether a record was taken before its aggregate was forgotten."""
    return any(
        name.taken_at <= tombstone.at and not is_expired(tombstone, now) for tombstone in tombstones
    )
