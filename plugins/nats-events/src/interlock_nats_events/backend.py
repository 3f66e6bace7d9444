"""The event store: appends, reads and deletes events."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import islice
from uuid import UUID, uuid4

from interlock.backends import (
    BackendUnavailableError,
    EventRow,
    EventStoreBackend,
    StoredEvent,
    conflict,
)
from interlock_nats_events import checks
from interlock_nats_events.client import Client, dotted
from interlock_nats_events.commits import Commit, Part, Standing, parts_of, placed
from interlock_nats_events.config import NatsEventsConfig
from interlock_nats_events.deadlines import Deadline, LostError
from interlock_nats_events.heads import Heads
from interlock_nats_events.publishing import MOST_PARTS, Publisher, WrongLastError
from interlock_nats_events.reading import Reader
from interlock_nats_events.subjects import PARTITIONS, Subjects

_AT_ONCE = 32
"""The streams whose fences `read_many` has under way."""

_HEADER_BYTES = 4096
"""What a message's headers may need of the server's max_payload."""

_NOBODY = UUID(int=0)


class NatsEventStore(EventStoreBackend):
    """Keeps streams in JetStream, see `interlock.backends.EventStore`.

    An aggregate's events are the messages of a subject. A deletion that broke off may leave its
    stream's id in `ids`, until it is made again.
    """

    def __init__(self, config: NatsEventsConfig) -> None:
        self.timeout = config.timeout
        self._config = config
        self._names = Subjects(config.stream, config.namespace)
        self._client = Client(config)
        self._publisher = Publisher(self._client)
        self._heads = Heads(self._client, self._publisher, config.stream, self._names)
        self._reader = Reader(self._client, self._heads, config.stream)
        self._most: int | None = None

    async def open(self) -> None:
        """Connect, and look at the server and the stream.

        Raises `ConfigurationError` for those that can't be trusted with events.
        """
        await self._client.open()
        try:
            self._most = await checks.check(self._client, self._config, self._names)
        except BaseException:
            await self._client.close()
            raise

    async def close(self) -> None:
        """Disconnect."""
        await self._heads.close()
        await self._client.close()

    async def server_version(self) -> str:
        """Tell the server's product and version."""
        return f"NATS {dotted(self._client.version)}"

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        deadline = self._client.deadline()
        subject = self._names.aggregate(events[0].aggregate_type, events[0].aggregate_id)
        parts = parts_of(events)
        self._check_sizes(parts)
        is_unknown = False
        try:
            standing = await self._heads.probable(subject, deadline)
            if _head(standing) != after:
                standing = await self._heads.confirmed(subject)
            while _head(standing) == after:
                behind = placed(parts, standing)
                expected = 0 if standing is None else standing.sequence
                try:
                    sequence = await self._publisher.append(subject, behind, expected, deadline)
                except LostError:
                    # Made again on the same condition: whichever is first, it is stored once.
                    is_unknown = True
                except WrongLastError:
                    # Or a leader of before, that was woken up, said no beside the one that stored.
                    is_unknown = True
                    standing = await self._heads.confirmed(subject)
                else:
                    self._heads.note(subject, Standing(sequence, behind[-1].commit))
                    return
            if is_unknown and await self._has(subject, standing, events[0]):
                return
        except BackendUnavailableError as error:
            nothing_done = error.nothing_done and not is_unknown
            raise BackendUnavailableError(str(error), nothing_done=nothing_done) from error
        raise conflict(events[0], after=after, found=_head(standing))

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        subject = self._names.aggregate(aggregate_type, aggregate_id)
        standing = await self._heads.confirmed(subject)
        async for chunk in self._reader.chunks(subject, standing, first, last):
            yield chunk

    async def read_many(
        self, aggregate_type: str, first: Mapping[UUID, int]
    ) -> AsyncIterator[tuple[UUID, Sequence[EventRow]]]:
        """Read many streams, one after the other; their fences are sent 32 at a time."""
        wanted = iter(first.items())
        while some := list(islice(wanted, _AT_ONCE)):
            subjects = [self._names.aggregate(aggregate_type, each) for each, _ in some]
            found = await asyncio.gather(*map(self._heads.confirmed, subjects))
            for (aggregate_id, version), subject, standing in zip(
                some, subjects, found, strict=True
            ):
                async for chunk in self._reader.chunks(subject, standing, version):
                    yield aggregate_id, chunk

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        return _head(
            await self._heads.confirmed(self._names.aggregate(aggregate_type, aggregate_id))
        )

    async def is_head(
        self, aggregate_type: str, aggregate_id: UUID, version: int, event_id: UUID
    ) -> bool:
        subject = self._names.aggregate(aggregate_type, aggregate_id)
        return await self._heads.stands(subject, (version, event_id), self._client.deadline())

    async def ids(self, aggregate_type: str, *, after: UUID | None = None) -> AsyncIterator[UUID]:
        begin = 0 if after is None else after.bytes[0]
        for number in range(begin, PARTITIONS):
            for aggregate_id in await self._ids(self._names.partition(aggregate_type, number)):
                if after is None or aggregate_id > after:
                    yield aggregate_id

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        """Delete by a message that says so, and then by a purge of what is before it.

        Events of a message that has others too, which stay, are no longer read, and go with it.
        """
        deadline = self._client.deadline()
        subject = self._names.aggregate(aggregate_type, aggregate_id)
        mark, count = uuid4().hex, 0
        standing = await self._heads.confirmed(subject)
        while standing is not None and standing.head is not None:
            if standing.commit.mark == mark:
                break  # the answer was lost
            if not (left := _count(standing, below)):
                break  # where an answer was lost it is done
            count = left
            deletion = _deletion(standing, below, mark)
            try:
                sequence = await self._publisher.append(
                    subject, [Part(deletion, b"")], standing.sequence, deadline
                )
            except (WrongLastError, LostError):
                standing = await self._heads.confirmed(subject)
            else:
                standing = Standing(sequence, deletion)
                self._heads.note(subject, standing)
                break
        if standing is not None and (count or standing.head is None):
            await self._purge(subject, standing, deadline)
        return count

    async def _purge(self, subject: str, standing: Standing, deadline: Deadline) -> None:
        """Remove the messages whose events are all deleted."""
        end = standing.sequence + 1
        if standing.head is not None:
            end = await self._reader.sequence_of(subject, standing, standing.commit.floor)
        request = {"filter": subject, "seq": end}
        answer = await self._client.api(f"STREAM.PURGE.{self._config.stream}", request, deadline)
        if "error" in answer:
            raise self._client.refused(answer["error"])
        if standing.head is None:
            self._heads.forget(subject)

    async def _ids(self, partition: str) -> Sequence[UUID]:
        found: dict[str, int] = {}
        while True:
            answer = await self._client.api(
                f"STREAM.INFO.{self._config.stream}",
                {"subjects_filter": partition, "offset": len(found)},
                self._client.deadline(),
            )
            if "error" in answer:
                raise self._client.refused(answer["error"])
            page = answer["state"].get("subjects") or {}
            found |= page
            if not page or len(found) >= answer.get("total", 0):
                return self._names.ids(found)

    async def _has(self, subject: str, standing: Standing | None, event: StoredEvent) -> bool:
        """Whether the event, of an append whose outcome is unknown, stands in the stream."""
        chunks = self._reader.chunks(subject, standing, event.version, event.version)
        return any([row.event_id == event.event_id.bytes async for rows in chunks for row in rows])

    def _check_sizes(self, parts: Sequence[Part]) -> None:
        largest = max(len(part.payload) for part in parts)
        for limit, name, raised in (
            (self._client.max_payload, "the server's max_payload", "max_payload on every node"),
            (self._most, "the stream's max_msg_size", "max_msg_size, or set it to -1"),
        ):
            if limit is not None and largest > limit - _HEADER_BYTES:
                raise BackendUnavailableError(
                    f"{self._client.where}: wanted events that fit into {name}, {limit} bytes, "
                    f"found {largest} bytes; nothing was stored, raise {raised}",
                    nothing_done=True,
                )
        if len(parts) > MOST_PARTS:
            raise BackendUnavailableError(
                f"{self._client.where}: wanted a commit of at most {MOST_PARTS} messages, found "
                f"{parts[-1].commit.last - parts[0].commit.first + 1} events that need "
                f"{len(parts)}; nothing was stored",
                nothing_done=True,
            )


def _head(standing: Standing | None) -> tuple[int, UUID] | None:
    return None if standing is None else standing.head


def _count(standing: Standing, below: int | None) -> int:
    end = standing.commit.last + 1
    return max(0, (end if below is None else min(below, end)) - standing.commit.floor)


def _deletion(standing: Standing, below: int | None, mark: str) -> Commit:
    """The message that says what is deleted."""
    commit = standing.commit
    if below is None or below > commit.last:
        return Commit(1, 0, _NOBODY, 1, standing.sequence, (), mark)
    return commit._replace(first=commit.last + 1, floor=below, links=standing.links(), mark=mark)
