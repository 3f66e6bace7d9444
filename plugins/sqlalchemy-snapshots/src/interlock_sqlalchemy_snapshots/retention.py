"""Retention: which records of an aggregate have to go."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from interlock.backends import to_micros

MAX_VERSION = 2**63 - 2
"""The highest version of a record."""

_TOMBSTONE_LIFETIME = timedelta(days=1)


class UnusableRecord(NamedTuple):
    """A record that couldn't be read; one that replaced it was taken at another time."""

    version: int
    taken_at: object


class StoredRow(NamedTuple):
    """A row of the table: a record, or a tombstone if its version is 0."""

    revision: object
    """As the database keeps it."""

    version: int
    last_event_id: bytes
    taken_at: int

    @property
    def is_valid(self) -> bool:
        """Whether the values can be a record's or tombstone's: SQLite stores any type."""
        return type(self.version) is type(self.taken_at) is int and 0 <= self.version <= MAX_VERSION

    def is_expired(self, now: datetime) -> bool:
        """Whether the row is an expired tombstone."""
        return (
            self.is_valid
            and self.version == 0
            and self.taken_at <= to_micros(now - _TOMBSTONE_LIFETIME)
        )


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention options of `SQLAlchemySnapshotsConfig`."""

    keep: int
    keep_revisions: int
    keep_for: timedelta | None

    def forgotten_rows(self, rows: Sequence[StoredRow], now: datetime) -> Sequence[StoredRow]:
        """Find an aggregate's records that were taken before it was forgotten."""
        rows = [row for row in rows if row.is_valid]
        stones = [row.taken_at for row in rows if row.version == 0 and not row.is_expired(now)]
        return [row for row in rows if row.version > 0 and stones and row.taken_at <= max(stones)]

    def rows_to_remove(
        self,
        rows: Sequence[StoredRow],
        now: datetime,
        newest: object = None,
        unusable: Collection[UnusableRecord] = (),
    ) -> Sequence[StoredRow]:
        """Find an aggregate's records to remove: forgotten ones, and those beyond retention.

        Invalid rows go too, and the `unusable` of the revision `newest`. Of records that aren't
        forgotten one always stays: `newest` counts as the most recently taken revision, and its
        newest record stays, however old.
        """
        rows_to_remove = [row for row in rows if not row.is_valid]
        rows = [row for row in rows if row.is_valid]
        rows_to_remove += (
            row
            for row in rows
            if row.revision == newest and UnusableRecord(row.version, row.taken_at) in unusable
        )
        rows_to_remove += self.forgotten_rows(rows, now)
        revisions: defaultdict[object, list[StoredRow]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row.version, reverse=True):
            if row.version > 0 and row not in rows_to_remove:
                revisions[row.revision].append(row)
        taken = {name: max(row.taken_at for row in found) for name, found in revisions.items()}
        by_age = sorted(taken, key=lambda name: (name == newest, taken[name]), reverse=True)
        for age, name in enumerate(by_age):
            keep = self.keep if age < self.keep_revisions else 0
            rows_to_remove += revisions[name][keep:]
            aging = revisions[name][1 if age == 0 else 0 : keep]
            rows_to_remove += (row for row in aging if self._is_too_old(row, now))
        return rows_to_remove

    def _is_too_old(self, row: StoredRow, now: datetime) -> bool:
        return self.keep_for is not None and row.taken_at < to_micros(now - self.keep_for)
