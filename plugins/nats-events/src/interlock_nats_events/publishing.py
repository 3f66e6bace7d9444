"""Publishes messages on the condition that a subject's last message is the one that is known."""

import asyncio
import json
from collections.abc import Sequence
from random import uniform
from uuid import uuid4

from interlock_nats_events.client import NO_LEADER, Client
from interlock_nats_events.commits import Part
from interlock_nats_events.deadlines import Deadline, LostError

MOST_PARTS = 1_000
"""The most messages of an atomic batch, by the server's default."""

_SEQUENCE = "Nats-Expected-Last-Subject-Sequence"
_SUBJECT = "Nats-Expected-Last-Subject-Sequence-Subject"
_WRONG_LAST = 10071
_IN_PROCESS = 10164
_INCOMPLETE_BATCH, _TOO_MANY_BATCHES = 10176, 10210
_PAUSE_SECONDS = 0.005


class WrongLastError(Exception):
    """The subject's last message was another, or may be soon, as one server says.

    A leader that was stopped and woken up answers beside the one that leads, and that may have
    stored it.
    """


class PendingError(WrongLastError):
    """Another conditional message of the subject waits for its quorum."""


class Publisher:
    """Publishes to a stream. Each method raises `WrongLastError`, or `LostError` if none answers.

    Any other error raises `BackendUnavailableError`.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def fence(self, fence: str, subject: str, sequence: int, deadline: Deadline) -> None:
        """Publish an empty message to `fence` if the subject's last message is this one.

        A quorum has stored it, so the leader that compared is the leader, and what it compared
        with is what was acknowledged. It replaces the one that was there.
        """
        headers = {_SEQUENCE: str(sequence), _SUBJECT: subject, "Nats-Rollup": "sub"}
        await self._published(fence, b"", headers, deadline)

    async def append(
        self, subject: str, parts: Sequence[Part], sequence: int, deadline: Deadline
    ) -> int:
        """Publish the messages, all or none, if the subject's last is this one; 0 for none.

        Returns the sequence of the last of them; the others have those before it.
        """
        expected = {_SEQUENCE: str(sequence)}
        if len(parts) == 1:
            headers = {**parts[0].commit.header(), **expected}
            return await self._published(subject, parts[0].payload, headers, deadline)
        batch = uuid4().hex
        for place, part in enumerate(parts, 1):
            headers = {
                **part.commit.header(),
                "Nats-Batch-Id": batch,
                "Nats-Batch-Sequence": str(place),
            }
            if place == len(parts):
                headers["Nats-Batch-Commit"] = "1"
                return await self._published(subject, part.payload, headers, deadline)
            if place == 1:
                await self._begun(subject, part.payload, {**headers, **expected}, deadline)
            else:
                await self._client.send(subject, part.payload, headers, deadline)
        raise AssertionError("an append has events")

    async def _begun(
        self, subject: str, payload: bytes, headers: dict[str, str], deadline: Deadline
    ) -> None:
        answer = await self._client.ask(subject, payload, headers, deadline)
        if answer.data:
            await self._refused(json.loads(answer.data), deadline)

    async def _published(
        self, subject: str, payload: bytes, headers: dict[str, str], deadline: Deadline
    ) -> int:
        answer = await self._client.ask(subject, payload, headers, deadline)
        found = json.loads(answer.data)
        await self._refused(found, deadline)
        self._client.note_stored()
        sequence: int = found["seq"]
        return sequence

    async def _refused(self, answer: dict[str, dict[str, object]], deadline: Deadline) -> None:
        error = answer.get("error")
        if error is None:
            return
        code = error.get("err_code")
        if code == _WRONG_LAST:
            raise WrongLastError
        if code == _IN_PROCESS:
            await asyncio.sleep(deadline.left(most=uniform(0, _PAUSE_SECONDS)))  # noqa: S311 # turns
            raise PendingError
        if code in {_INCOMPLETE_BATCH, _TOO_MANY_BATCHES} or error.get("code") == NO_LEADER:
            await self._client.note_lost()
            await asyncio.sleep(deadline.left(most=_PAUSE_SECONDS))
            raise LostError
        raise self._client.refused(error)
