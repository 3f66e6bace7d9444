"""A server to be reached over a network: the core's backends in memory, a line of JSON for a call.

It is never broken: the bugs are in what speaks to it.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from interlock.application.aggregates import (
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
)
from interlock_conformance.background import BackgroundLoop
from interlock_conformance.processes import decoded, encoded

_LINE = 2**27  # bytes
_MANY = 500
_CHANGES = ("put", "remove")


class LineServer:
    """Answers on 127.0.0.1:`port` until it is stopped.

    The connection that asks to `watch` is told the text of each key that is put or removed.
    """

    def __init__(self) -> None:
        self._stores: Mapping[str, Any] = {  # Any: each kind has calls of its own
            "cache": InMemoryAggregateCacheBackend(),
            "snapshots": InMemoryAggregateSnapshotStorageBackend(keep=2),
            "events": InMemoryEventStore(),
        }
        self._watchers: set[asyncio.StreamWriter] = set()
        self._loop = BackgroundLoop("interlock-gallery-server")
        self.port: int = self._loop.call(self._listen())

    def stop(self) -> None:
        """End."""
        self._loop.call(self._refuse())
        self._loop.stop()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LINE)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _refuse(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.CancelledError):
                while (line := await reader.readline()).endswith(b"\n"):
                    writer.write(await self._answer(json.loads(line), writer))
                    await writer.drain()
        finally:
            self._watchers.discard(writer)
            writer.close()

    async def _answer(self, question: Any, writer: asyncio.StreamWriter) -> bytes:  # Any: JSON
        call, args = question["call"], decoded(question["args"])
        if call == "watch":
            self._watchers.add(writer)
            return _line({"value": encoded(None)})
        store = self._stores[question["kind"]]
        try:
            value = await (_page(store, *args) if call == "page" else _called(store, call, args))
        except Exception as error:  # noqa: BLE001 whoever asked is told
            return _line({"error": [type(error).__name__, str(error)]})
        if question["kind"] == "cache" and call in _CHANGES:
            for watcher in self._watchers:
                watcher.write(_line({"changed": args[0].text()}))
        return _line({"value": encoded(value)})


async def _called(store: Any, call: str, args: list[Any]) -> object:  # Any: as above
    if call == "append":
        events, after = args
        return await store.append(events, after=after)
    if call == "delete":
        aggregate_type, aggregate_id, below = args
        return await store.delete(aggregate_type, aggregate_id, below=below)
    answer = getattr(store, call)(*args)
    if hasattr(answer, "__aiter__"):
        return [item async for item in answer]
    value = await answer
    return list(value.items()) if isinstance(value, Mapping) else value


async def _page(store: Any, *args: Any) -> object:  # Any: as above
    aggregate_type, aggregate_id, first, last = args
    async for rows in store.read(aggregate_type, aggregate_id, first=first, last=last):
        return [tuple(row) for row in rows[:_MANY]]
    return []


def _line(reply: object) -> bytes:
    return json.dumps(reply).encode() + b"\n"
