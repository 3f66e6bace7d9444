"""The base of event stores, and what each of them needs."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from interlock._storage.records import EventRow, StoredEvent
from interlock.errors import BackendUnavailableError, ConcurrencyError

_EVENTS_TIMEOUT = timedelta(seconds=10)
_CHUNK = 500
_CHUNK_BYTES = 16 * 1024 * 1024


class EventStoreBackend(ABC):
    """The base of event stores.

    A subclass implements `append`, `read`, `head` and `delete` as `interlock.backends.EventStore`
    says, and what it can of `ReadsMany`, `ReadsFromSnapshot`, `ReadsToFold`, `ConfirmsHead`,
    `ListsStreams` and `Freezes`.
    """

    timeout: timedelta | None = _EVENTS_TIMEOUT

    async def open(self) -> None:  # noqa: B027 a store without connections leaves both out
        """Connect. Called once, on start, on the loop that will use the backend."""

    async def close(self) -> None:  # noqa: B027 as above
        """Disconnect. Called once, after the last call."""

    @abstractmethod
    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None: ...

    @abstractmethod
    def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]: ...

    @abstractmethod
    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None: ...

    @abstractmethod
    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int: ...


def conflict(
    event: StoredEvent,
    *,
    after: tuple[int, UUID] | None,
    found: tuple[int, UUID] | str | None,
) -> ConcurrencyError:
    """Make the error of an append of `event` whose stream has another head than `after`.

    `found` is that head; a text where it isn't known.
    """
    return ConcurrencyError(
        f"{event.aggregate_type} {event.aggregate_id}: wanted its head to be {_described(after)}, "
        f"found {_described(found)}; nothing was appended, load it again and decide anew"
    )


def frozen(namespace: str, since: datetime) -> BackendUnavailableError:
    """Make the error of an append or a deletion in a namespace that is frozen."""
    return BackendUnavailableError(
        f"the namespace {namespace!r} is read-only since {since.isoformat(' ', 'seconds')}: it is "
        "being moved to another event store; go on there, or once it is thawed",
        nothing_done=True,
    )


def _described(head: tuple[int, UUID] | str | None) -> str:
    if head is None:
        return "none"
    return head if isinstance(head, str) else f"version {head[0]} with event {head[1]}"


def in_chunks(rows: Iterable[EventRow]) -> Iterator[Sequence[EventRow]]:
    """Divide rows into chunks such as `EventStore.read` gives, of 500 events at most.

    A store that gets its rows from elsewhere asks for no more than a chunk of them at once.
    """
    chunk: list[EventRow] = []
    size = 0
    for row in rows:
        size += len(row[-1])  # the payload; what a driver gives may be plain tuples
        if chunk and (len(chunk) == _CHUNK or size > _CHUNK_BYTES):
            yield chunk
            chunk, size = [], len(row[-1])
        chunk.append(row)
    if chunk:
        yield chunk
