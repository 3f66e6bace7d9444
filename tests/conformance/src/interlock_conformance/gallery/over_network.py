"""Correct backends that ask a server, for the bugs of networks."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    ConcurrencyError,
    EventRow,
    RecordCacheBackend,
    RecordKey,
    RecordSnapshotBackend,
    Scope,
    Stamp,
    StoredEvent,
)
from interlock_conformance.processes import decoded, encoded

_LINE = 2**27  # bytes
_PAUSE = 0.02  # seconds


class Connection:
    """One connection: a line there, a line back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def made(cls, host: str, port: int) -> "Connection":
        """A new connection. Raises `OSError`."""
        return cls(*await asyncio.open_connection(host, port, limit=_LINE))

    async def ask(self, question: bytes) -> bytes:
        """The answer's line. Raises `EOFError` for a part of one, `OSError`."""
        self._writer.write(question)
        await self._writer.drain()
        return await self.told()

    async def told(self) -> bytes:
        """The next line."""
        return await self._reader.readuntil(b"\n")

    def abort(self) -> None:
        """Break it off."""
        self._writer.transport.abort()


class Client:
    """Asks the server, on a connection that nobody else uses meanwhile."""

    def __init__(self, url: str, kind: str) -> None:
        parts = urlsplit(url)
        self._address = str(parts.hostname), int(parts.port or 0)
        self._kind = kind
        self._idle: list[Connection] = []
        self._is_open = False

    async def open(self) -> None:
        """Connect once, so that it shows what is wrong."""
        self._is_open = True
        self._idle.append(await self.connected())

    async def close(self) -> None:
        """Disconnect."""
        self._is_open = False
        while self._idle:
            self._idle.pop().abort()

    async def ask(self, call: str, *args: object) -> Any:  # Any: what the call returns
        """The server's answer. Raises `BackendUnavailableError`, `ConcurrencyError`."""
        if not self._is_open:
            raise BackendUnavailableError("it isn't open", nothing_done=True)
        connection = self._idle.pop() if self._idle else await self.connected()
        try:
            line = await connection.ask(self.question(call, *args))
        except BaseException as error:
            connection.abort()  # an answer may be on its way
            if isinstance(error, OSError | EOFError):
                raise BackendUnavailableError(f"the connection broke: {error!r}") from error
            raise
        self._idle.append(connection)
        return _answer(line)

    async def connected(self) -> Connection:
        """A new connection."""
        try:
            return await Connection.made(*self._address)
        except OSError as error:
            message = f"the server can't be reached: {error}"
            raise BackendUnavailableError(message, nothing_done=True) from error

    def question(self, call: str, *args: object) -> bytes:
        """A call as a line."""
        question = {"kind": self._kind, "call": call, "args": encoded(list(args))}
        return json.dumps(question).encode() + b"\n"


class _OverNetwork:
    """Parts shared by the three."""

    _kind: str

    def __init__(self, url: str, timeout: timedelta) -> None:
        self.timeout: timedelta | None = timeout
        self._client = Client(url, self._kind)

    async def open(self) -> None:
        """Connect."""
        await self._client.open()

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()


class Cache(_OverNetwork, RecordCacheBackend):
    """Asks for entries, see `interlock.backends.CacheStore`; also a `ChangeNotifier`."""

    _kind = "cache"
    _watching: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Stop listening, and disconnect."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        await self._client.close()

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        found: AggregateRecord | None = await self._client.ask("read", key)
        return found

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        return dict(await self._client.ask("read_many", list(keys)))

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self._client.ask("put", key, record, list(supersedes))

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        await self._client.ask("remove", key, stamp)

    async def watch(self, changed: Callable[[str], None], reset: Callable[[], None]) -> None:
        self._watching = asyncio.create_task(self._watch(changed, reset))

    async def _watch(self, changed: Callable[[str], None], reset: Callable[[], None]) -> None:
        while True:
            with suppress(OSError, EOFError, BackendUnavailableError):
                await self._listen(changed, reset)
            await asyncio.sleep(_PAUSE)

    async def _listen(self, changed: Callable[[str], None], reset: Callable[[], None]) -> None:
        connection = await self._client.connected()
        try:
            await connection.ask(self._client.question("watch"))
            reset()
            while True:
                changed(json.loads(await connection.told())["changed"])
        except (OSError, EOFError):
            reset()
        finally:
            connection.abort()


class Snapshots(_OverNetwork, RecordSnapshotBackend):
    """Asks for records, see `interlock.backends.SnapshotStore`."""

    _kind = "snapshots"

    async def read(self, key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        found: AggregateRecord | None = await self._client.ask("read", key, at_or_below)
        return found

    async def read_many(self, keys: Sequence[RecordKey]) -> Mapping[RecordKey, AggregateRecord]:
        return dict(await self._client.ask("read_many", list(keys)))

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self._client.ask("put", key, record, list(supersedes))

    async def remove(self, key: RecordKey, stamp: Stamp) -> None:
        await self._client.ask("remove", key, stamp)

    async def revisions(self, key: RecordKey) -> Collection[str]:
        return [str(name) for name in await self._client.ask("revisions", key)]

    async def ids(self, scope: Scope) -> AsyncIterator[UUID]:
        for aggregate_id in await self._client.ask("ids", scope):
            yield aggregate_id

    async def prune(self, scope: Scope) -> int:
        return int(await self._client.ask("prune", scope))


class Events(_OverNetwork):
    """Asks for streams, see `interlock.backends.EventStore`."""

    _kind = "events"

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        await self._client.ask("append", list(events), after)

    async def read(
        self, aggregate_type: str, aggregate_id: UUID, *, first: int = 1, last: int | None = None
    ) -> AsyncIterator[Sequence[EventRow]]:
        while rows := await self._client.ask("page", aggregate_type, aggregate_id, first, last):
            yield rows
            first = rows[-1][0] + 1

    async def read_many(
        self, aggregate_type: str, first: Mapping[UUID, int]
    ) -> AsyncIterator[tuple[UUID, Sequence[EventRow]]]:
        for aggregate_id, version in first.items():
            async for rows in self.read(aggregate_type, aggregate_id, first=version):
                yield aggregate_id, rows

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        found: tuple[int, UUID] | None = await self._client.ask(
            "head", aggregate_type, aggregate_id
        )
        return found

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        return int(await self._client.ask("delete", aggregate_type, aggregate_id, below))


def _answer(line: bytes) -> Any:  # Any: what the call returns
    reply = json.loads(line)
    if "value" in reply:
        return decoded(reply["value"])
    name, message = reply["error"]
    if name == "ConcurrencyError":
        raise ConcurrencyError(message)
    raise BackendUnavailableError(f"{name}: {message}")
