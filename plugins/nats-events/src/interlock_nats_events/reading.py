"""Reads the events of a subject, up to a message that a fence has confirmed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import chain

from nats.aio.msg import Msg

from interlock.backends import BackendUnavailableError, EventRow, in_chunks
from interlock_nats_events.client import Client
from interlock_nats_events.commits import Commit, Standing, rows_in
from interlock_nats_events.deadlines import Deadline, LostError
from interlock_nats_events.heads import Heads

_MESSAGES = 250
_FIRST_BYTES, _MOST_BYTES = 64 * 1024, 4 * 1024 * 1024
"""How much is asked for at once, at first and later: the server sends it whether or not it is
wanted, and who stops after a chunk should not have fetched a stream."""

_PAUSE_SECONDS = 0.01

Found = tuple[int, Commit, bytes]


class Reader:
    """Reads events. What it gets may come from any replica: gaps show, and are waited out."""

    def __init__(self, client: Client, heads: Heads, stream: str) -> None:
        self._client = client
        self._heads = heads
        self._stream = stream

    async def chunks(
        self, subject: str, standing: Standing | None, first: int, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        """Read the events from version `first` to `last`, of those that stand confirmed."""
        begun = False
        while standing is not None and standing.head is not None:
            bound = standing.commit.last if last is None else min(last, standing.commit.last)
            first = max(first, standing.commit.floor)
            sequence, size = standing.begin(first), _FIRST_BYTES
            deadline = self._client.deadline()
            while first <= bound:
                found = await self._fetched(subject, sequence, size, deadline)
                found = _contiguous(found, first, standing.sequence)
                if not found:
                    again = await self._heads.confirmed(subject)
                    if again is None or not _goes_on(standing, again, first):
                        break
                    await asyncio.sleep(deadline.left(most=_PAUSE_SECONDS))
                    continue
                rows = chain.from_iterable(rows_in(commit, body) for _, commit, body in found)
                for chunk in in_chunks(row for row in rows if first <= row.version <= bound):
                    begun = True
                    yield chunk
                sequence, commit = found[-1][0] + 1, found[-1][1]
                first = max(first, commit.last + 1)
                size = min(size * 4, _MOST_BYTES)
                deadline = self._client.deadline()
            if first > bound:
                return
            if begun:
                raise BackendUnavailableError(f"{self._client.where}: deleted while it was read")
            standing = again

    async def sequence_of(self, subject: str, standing: Standing, version: int) -> int:
        """Find the sequence of the message in which the version stands."""
        deadline = self._client.deadline()
        sequence = standing.begin(version)
        while True:
            for at, commit, _ in await self._fetched(subject, sequence, _MOST_BYTES, deadline):
                if commit.first <= version <= commit.last:
                    return at
                sequence = at + 1
            if sequence > standing.sequence:
                return standing.sequence
            await asyncio.sleep(deadline.left(most=_PAUSE_SECONDS))

    async def _fetched(
        self, subject: str, sequence: int, size: int, deadline: Deadline
    ) -> Sequence[Found]:
        request = {
            "seq": sequence,
            "next_by_subj": subject,
            "batch": _MESSAGES,
            "max_bytes": size,
        }
        while True:
            try:
                messages = await self._client.messages(self._stream, request, deadline)
            except LostError:
                continue
            return [self._parsed(message) for message in messages]

    def _parsed(self, message: Msg) -> Found:
        headers = message.headers or {}
        sequence = int(headers["Nats-Sequence"])
        where = f"{self._client.where}, {self._stream} at {sequence}"
        return sequence, Commit.parse(headers, where=where), message.data


def _contiguous(found: Sequence[Found], first: int, last_sequence: int) -> Sequence[Found]:
    """The messages up to this sequence, as far as no event is missing from version `first` on."""
    kept: list[Found] = []
    for sequence, commit, body in found:
        if sequence > last_sequence or commit.first > first:
            break
        kept.append((sequence, commit, body))
        first = max(first, commit.last + 1)
    return kept


def _goes_on(standing: Standing, again: Standing, version: int) -> bool:
    """Whether the same stream stands there, and has the version."""
    commit = again.commit
    return (
        again.head is not None
        and commit.base == standing.commit.base
        and commit.floor <= version <= commit.last
    )
