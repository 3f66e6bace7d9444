"""What the last message of a subject is, confirmed by a quorum."""

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from interlock_nats_events.client import Client
from interlock_nats_events.commits import Commit, Standing
from interlock_nats_events.deadlines import Deadline, LostError
from interlock_nats_events.publishing import PendingError, Publisher, WrongLastError
from interlock_nats_events.subjects import Subjects

_REMEMBERED = 4_000
_NOT_FOUND = 10037

Found = Standing | None
"""None where a subject has no message."""


class Fenced(NamedTuple):
    """What a fence has come to: the last message, and whether it was confirmed.

    Otherwise it is what was read after the fence was refused.
    """

    found: Found
    stands: bool


class Heads:
    """Tells the last messages of subjects, and remembers them: a fence says whether one stands.

    JetStream answers reads without asking a quorum, so a server that was the leader and doesn't
    know better answers with what it has. A fence is a message that is stored on the condition that
    the subject's last message is the one that was read: see ADR 0031.
    """

    def __init__(self, client: Client, publisher: Publisher, stream: str, names: Subjects) -> None:
        self._client = client
        self._publisher = publisher
        self._stream = stream
        self._names = names
        self._known: OrderedDict[str, Found] = OrderedDict()
        self._fences = Shared(self._fence)

    async def confirmed(self, subject: str) -> Found:
        """Tell the subject's last message, as of now or later."""
        deadline = self._client.deadline()
        while True:
            fenced = await self._fences.call(subject)
            if fenced.stands:
                return fenced.found
            deadline.left()

    async def stands(self, subject: str, head: tuple[int, UUID], deadline: Deadline) -> bool:
        """Tell whether the subject's last message is the one with this head, by one fence.

        There is no fence where a later head is known, and a fence that is refused isn't tried
        again: with False a read is no dearer than it would have been at first.
        """
        if subject in self._known and _version(self._known[subject]) < head[0]:
            self.note(subject, await self._read(subject, deadline))
        found = await self.probable(subject, deadline)
        if found is None or found.head != head:
            return False
        fenced = await self._fences.call(subject)
        return fenced.stands and fenced.found is not None and fenced.found.head == head

    async def probable(self, subject: str, deadline: Deadline) -> Found:
        """Tell what is known of the last message, or what the leader says, who may be wrong."""
        if subject not in self._known:
            self.note(subject, await self._read(subject, deadline))
        return self._known.get(subject)

    def note(self, subject: str, found: Found) -> None:
        """Remember the last message."""
        self._known[subject] = found
        self._known.move_to_end(subject)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def forget(self, subject: str) -> None:
        """Remember nothing of the subject."""
        self._known.pop(subject, None)

    async def close(self) -> None:
        """Cancel the fences under way, and remember nothing."""
        self._known.clear()
        await self._fences.close()

    async def _fence(self, subject: str) -> Fenced:
        deadline = self._client.deadline()
        fence = self._names.fence(subject)
        while True:
            found = await self.probable(subject, deadline)
            sequence = 0 if found is None else found.sequence
            try:
                await self._publisher.fence(fence, subject, sequence, deadline)
            except WrongLastError as refused:
                found = await self._read(subject, deadline)
                self.note(subject, found)
                if not isinstance(refused, PendingError):
                    return Fenced(found, stands=False)
                continue
            except LostError:
                continue
            self.note(subject, found)
            return Fenced(found, stands=True)

    async def _read(self, subject: str, deadline: Deadline) -> Found:
        request = {"last_by_subj": subject}
        answer = await self._client.api(f"STREAM.MSG.GET.{self._stream}", request, deadline)
        error = answer.get("error")
        if error is not None and error.get("err_code") == _NOT_FOUND:
            return None
        if error is not None:
            raise self._client.refused(error)
        message = answer["message"]
        where = f"{self._client.where}, {self._stream} at {message['seq']}"
        lines = base64.b64decode(message.get("hdrs", "")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        return Standing(message["seq"], Commit.parse(headers, where=where))


class Shared:
    """Lets those who ask for the same at once share an answer that was asked for after them."""

    def __init__(self, work: Callable[[str], Awaitable[Fenced]]) -> None:
        self._work = work
        self._waiting: dict[str, asyncio.Task[Fenced]] = {}
        self._running: dict[str, asyncio.Task[Fenced]] = {}

    async def call(self, key: str) -> Fenced:
        """Await the work for the key; it begins after this call, and goes on if it is cancelled."""
        task = self._waiting.get(key)
        if task is None:
            task = asyncio.ensure_future(self._run(key, self._running.get(key)))
            task.add_done_callback(_retrieved)
            self._waiting[key] = task
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Cancel what runs."""
        tasks = {*self._waiting.values(), *self._running.values()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._waiting.clear()
        self._running.clear()

    async def _run(self, key: str, before: asyncio.Task[Fenced] | None) -> Fenced:
        if before is not None:
            await asyncio.wait([before])
        own = self._running[key] = self._waiting.pop(key)
        try:
            return await self._work(key)
        finally:
            if self._running.get(key) is own:
                del self._running[key]


def _retrieved(task: asyncio.Task[Fenced]) -> None:
    if not task.cancelled():
        task.exception()  # whoever still waits is told


def _version(found: Found) -> int:
    return 0 if found is None else found.commit.last
