"""Which records of an aggregate are kept."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from interlock.backends import to_micros

MAX_VERSION = 2**63 - 2
"""The highest version of a record."""

_TOMBSTONE_STANDS = timedelta(days=1)


class Unusable(NamedTuple):
    """A record that couldn't be read; one that replaced it was taken at another time."""

    version: int
    taken_at: object


class Standing(NamedTuple):
    """A record that stands in the table, or, of version 0, a tombstone."""

    revision: object
    """As the database keeps it."""

    version: int
    last_event_id: bytes
    taken_at: int

    @property
    def is_possible(self) -> bool:
        """Whether a record or a tombstone may stand there: a file takes values of any type."""
        return type(self.version) is type(self.taken_at) is int and 0 <= self.version <= MAX_VERSION

    def is_over(self, now: datetime) -> bool:
        """Whether it is a tombstone that counts no longer."""
        return (
            self.is_possible
            and self.version == 0
            and self.taken_at <= to_micros(now - _TOMBSTONE_STANDS)
        )


@dataclass(frozen=True, slots=True)
class Retention:
    """What `SQLAlchemySnapshotsConfig` says of it."""

    keep: int
    keep_revisions: int
    keep_for: timedelta | None

    def buried(self, rows: Sequence[Standing], now: datetime) -> Sequence[Standing]:
        """Those of one aggregate's records that were taken before it was forgotten."""
        rows = [row for row in rows if row.is_possible]
        stones = [row.taken_at for row in rows if row.version == 0 and not row.is_over(now)]
        return [row for row in rows if row.version > 0 and stones and row.taken_at <= max(stones)]

    def retired(
        self,
        rows: Sequence[Standing],
        now: datetime,
        newest: object = None,
        unusable: Collection[Unusable] = (),
    ) -> Sequence[Standing]:
        """Those of one aggregate's records that go: the buried, and what isn't to be kept.

        What no record can be goes too, and what is `unusable` of `newest`. Of those that aren't
        buried never all go: `newest` counts as the most recently taken revision, and its newest
        record stays, however old.
        """
        retired = [row for row in rows if not row.is_possible]
        rows = [row for row in rows if row.is_possible]
        retired += (
            row
            for row in rows
            if row.revision == newest and Unusable(row.version, row.taken_at) in unusable
        )
        retired += self.buried(rows, now)
        revisions: defaultdict[object, list[Standing]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row.version, reverse=True):
            if row.version > 0 and row not in retired:
                revisions[row.revision].append(row)
        taken = {name: max(row.taken_at for row in found) for name, found in revisions.items()}
        by_age = sorted(taken, key=lambda name: (name == newest, taken[name]), reverse=True)
        for age, name in enumerate(by_age):
            keep = self.keep if age < self.keep_revisions else 0
            retired += revisions[name][keep:]
            aging = revisions[name][1 if age == 0 else 0 : keep]
            retired += (row for row in aging if self._is_late(row, now))
        return retired

    def _is_late(self, row: Standing, now: datetime) -> bool:
        return self.keep_for is not None and row.taken_at < to_micros(now - self.keep_for)
