"""The heads of streams that a process knows, and the ids that it was told to forget."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

Head = tuple[int, UUID]

_FORGOTTEN_REMEMBERED = 10_000  # ids


class _Latest:
    """Per id the latest moment, of the last so many ids; of another the latest that was dropped."""

    def __init__(self) -> None:
        self._moments: dict[UUID, int] = {}  # the latest last
        self._others = 0

    def note(self, aggregate_id: UUID, moment: int) -> None:
        """Note a moment that is later than all before."""
        self._moments.pop(aggregate_id, None)
        self._moments[aggregate_id] = moment
        if len(self._moments) > _FORGOTTEN_REMEMBERED:
            self._others = self._moments.pop(next(iter(self._moments)))

    def of(self, aggregate_id: UUID) -> int:
        """The id's latest moment, or a later one."""
        return self._moments.get(aggregate_id, self._others)


class ForgetLog:
    """Which ids were forgotten since a moment: what was read before isn't kept after.

    Moments count the forgets of a process. Of an id whose forget was too long ago to be remembered
    it is assumed that it was forgotten when the latest of those was.
    """

    def __init__(self) -> None:
        self.count = 0
        self.under_way: set[UUID] = set()
        """The ids that are being forgotten."""
        self._deleting: set[UUID] = set()
        self._forgets = _Latest()
        self._deletions = _Latest()

    @contextmanager
    def forgetting(self, aggregate_id: UUID) -> Iterator[None]:
        """Within the block, and for what began before its end, the id counts as forgotten."""
        with self._noted(aggregate_id, self.under_way, self._forgets):
            yield

    @contextmanager
    def deleting(self, aggregate_id: UUID) -> Iterator[None]:
        """Likewise its events: before the block they stand, and what is read of them counts."""
        with self._noted(aggregate_id, self._deleting, self._deletions):
            yield

    def since(self, aggregate_id: UUID, count: int) -> bool:
        """Whether the id was forgotten after the moment, or is being forgotten."""
        if count == self.count and not self.under_way:
            return False
        return aggregate_id in self.under_way or self._forgets.of(aggregate_id) > count

    def deleted_since(self, aggregate_id: UUID, count: int) -> bool:
        """Whether its events were deleted after the moment, or are being deleted."""
        return aggregate_id in self._deleting or self._deletions.of(aggregate_id) > count

    @contextmanager
    def _noted(self, aggregate_id: UUID, under_way: set[UUID], moments: _Latest) -> Iterator[None]:
        under_way.add(aggregate_id)
        try:
            yield
        finally:
            under_way.discard(aggregate_id)
            self.count += 1
            moments.note(aggregate_id, self.count)


class KnownHeads:
    """Per id, the highest version that this process committed or returned, of the last `size` ids.

    It is what makes one read one's own writes from a cache that lost or never got them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        # By the id as an integer: a UUID is hashed and compared by code in Python. The most
        # recently raised last.
        self._heads: dict[int, Head] = {}
        self.forgets = ForgetLog()

    def head(self, aggregate_id: UUID) -> Head | None:
        """The highest head known."""
        return self._heads.get(aggregate_id.int)

    def version(self, aggregate_id: UUID) -> int:
        """The highest version known, 0 if none is."""
        head = self._heads.get(aggregate_id.int)
        return 0 if head is None else head[0]

    def raise_to(self, aggregate_id: UUID, head: Head, *, since: int | None = None) -> None:
        """Note a head; a higher one stays. Nothing if the events were forgotten since then."""
        if since is not None:
            forgets = self.forgets
            is_quiet = since == forgets.count and not forgets.under_way
            if not is_quiet and forgets.deleted_since(aggregate_id, since):
                return
        heads, key = self._heads, aggregate_id.int
        found = heads.pop(key, None)
        heads[key] = head if found is None or found[0] <= head[0] else found
        if len(heads) > self._size:
            del heads[next(iter(heads))]

    def refute(self, aggregate_id: UUID, noted: Head) -> None:
        """Forget a head that was proven false, unless another was noted since."""
        if self._heads.get(aggregate_id.int) == noted:
            del self._heads[aggregate_id.int]

    def forget(self, aggregate_id: UUID) -> None:
        """Know nothing of the id any more; for a stream that was deleted."""
        self._heads.pop(aggregate_id.int, None)
