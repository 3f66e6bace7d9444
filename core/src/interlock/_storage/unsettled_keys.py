"""The keys of a cache under which something outdated may stand."""

from collections.abc import Callable
from datetime import datetime

from interlock._storage.protocols import CacheStore
from interlock._storage.records import NEVER_VERIFIED, AggregateRecord, RecordKey


class UnsettledKeys:
    """The keys whose latest put or removal didn't reach the cache, as far as is known.

    The last `size` of them are noted. Of those before only the time is known: what wasn't verified
    since then may be outdated, whatever its key.
    """

    def __init__(self, clock: Callable[[], datetime], *, size: int = 10_000) -> None:
        self._clock = clock
        self._size = size
        self._notes: dict[RecordKey, tuple[int, datetime, CacheStore]] = {}
        self._latest = 0  # the number of the latest note
        self._dropped_until: datetime | None = None  # the time of the latest note that is dropped
        self._put_since: dict[RecordKey, None] = {}  # the latest last

    @property
    def count(self) -> int:
        """How many keys are noted."""
        return len(self._notes)

    def notes(self) -> list[tuple[RecordKey, int, CacheStore]]:
        """The keys that are noted, each with the number of its note and its store."""
        return [(key, number, store) for key, (number, _, store) in self._notes.items()]

    def note(self, key: RecordKey, store: CacheStore) -> None:
        """Note that the key's entry in the store may be outdated."""
        self._latest += 1
        self._notes.pop(key, None)
        self._put_since.pop(key, None)
        self._notes[key] = self._latest, self._clock(), store
        if len(self._notes) > self._size:
            _, at, _ = self._notes.pop(next(iter(self._notes)))
            self._dropped_until = (
                at if self._dropped_until is None else max(at, self._dropped_until)
            )

    def noted(self, key: RecordKey) -> int | None:
        """The number of the key's note, None without one."""
        if not self._notes:
            return None
        note = self._notes.get(key)
        return None if note is None else note[0]

    def put_off(self, key: RecordKey) -> None:
        """Make the key, if it is noted, the last of all."""
        note = self._notes.pop(key, None)
        if note is not None:
            self._notes[key] = note

    def removed(self, key: RecordKey, number: int | None) -> None:
        """Forget the key's note after a removal, unless it is a later one than this."""
        note = self._notes.get(key)
        if note is not None and note[0] == number:
            del self._notes[key]

    def put(self, key: RecordKey) -> None:
        """Note that a put reached the cache."""
        if self._dropped_until is not None:
            self._put_since.pop(key, None)
            self._put_since[key] = None
            if len(self._put_since) > self._size:
                del self._put_since[next(iter(self._put_since))]

    def is_outdated(self, key: RecordKey, record: AggregateRecord) -> bool:
        """Whether the record may be outdated, as no note of its key tells any more.

        A record that never counts as verified is of a cache whose puts replace what is there.
        """
        if self._dropped_until is None or record.verified_at > self._dropped_until:
            return False
        return record.verified_at != NEVER_VERIFIED or key not in self._put_since
