"""What a process knows to have been the head of a stream."""

from uuid import UUID

Head = tuple[int, UUID]


class Floor:
    """Per id, the highest version that this process committed or returned, of the last `size` ids.

    It is what makes one read one's own writes from a cache that lost or never got them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._heads: dict[UUID, Head] = {}  # the most recently raised last

    def head(self, aggregate_id: UUID) -> Head | None:
        """The highest head known."""
        return self._heads.get(aggregate_id)

    def version(self, aggregate_id: UUID) -> int:
        """The highest version known, 0 if none is."""
        head = self._heads.get(aggregate_id)
        return 0 if head is None else head[0]

    def raise_to(self, aggregate_id: UUID, head: Head) -> None:
        """Note a head; a higher one stays."""
        found = self._heads.pop(aggregate_id, None)
        self._heads[aggregate_id] = head if found is None or found[0] <= head[0] else found
        if len(self._heads) > self._size:
            del self._heads[next(iter(self._heads))]

    def refute(self, aggregate_id: UUID, noted: Head) -> None:
        """Forget a head that was proven false, unless another was noted since."""
        if self._heads.get(aggregate_id) == noted:
            del self._heads[aggregate_id]
