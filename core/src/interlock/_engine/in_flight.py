"""Counts work per id, so that one can wait for its end."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID


class InFlight:
    """Counts, per id, what is under way."""

    def __init__(self) -> None:
        self._counts: dict[UUID, int] = {}
        self._ended: dict[UUID, asyncio.Event] = {}  # where somebody waits

    @contextmanager
    def of(self, aggregate_id: UUID) -> Iterator[None]:
        """Within the block something is under way for the id."""
        self._counts[aggregate_id] = self._counts.get(aggregate_id, 0) + 1
        try:
            yield
        finally:
            self._counts[aggregate_id] -= 1
            if not self._counts[aggregate_id]:
                del self._counts[aggregate_id]
                ended = self._ended.pop(aggregate_id, None)
                if ended is not None:
                    ended.set()

    async def ended(self, aggregate_id: UUID) -> None:
        """Wait until nothing is under way for the id."""
        while aggregate_id in self._counts:
            await self._ended.setdefault(aggregate_id, asyncio.Event()).wait()
