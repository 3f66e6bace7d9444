"""A proxy before a server: counts round trips, loses requests and replies, changes servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import make_url

_CHUNK = 1 << 16
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Passes bytes on. A round trip begins when the client speaks after the server did."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self.round_trips = 0
        self.connections = 0
        self.loses_replies = False
        """Whether the next thing that the server says is lost, and its connection with it."""
        self.loses_requests = False
        """Whether the next thing that a client says is lost, likewise."""
        self.swallows = False
        """Whether the network swallows what is said; what it swallowed of never says more."""
        self.is_gone = False
        """Whether no new connection is served."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        found = self._target.set(host="127.0.0.1", port=self.port)
        return found.render_as_string(hide_password=False)

    def switch(self, url: str) -> None:
        """Serve another server from now on, as a moved address does; connections are cut."""
        self._target = make_url(url)
        for writer in list(self._writers):
            writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in list(self._writers):
                writer.close()
            await asyncio.gather(*self._tasks)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(ConnectionError):  # the server is away
            if not self.is_gone:
                remote = await asyncio.open_connection(self._target.host, self._target.port)
                await self._pass_on((reader, writer), remote)
        writer.close()

    async def _pass_on(self, client: _Streams, server: _Streams) -> None:
        writers = {client[1], server[1]}
        self._writers |= writers
        server_spoke, swallowed = True, asyncio.Event()

        async def forth() -> None:
            nonlocal server_spoke
            async for data in self._heard(client[0], swallowed):
                if self.loses_requests:
                    self.loses_requests = False
                    return
                self.round_trips += server_spoke
                server_spoke = False
                server[1].write(data)

        async def back() -> None:
            nonlocal server_spoke
            async for data in self._heard(server[0], swallowed):
                if self.loses_replies:
                    self.loses_replies = False
                    return
                server_spoke = True
                client[1].write(data)

        ways = [asyncio.ensure_future(way()) for way in (forth, back)]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await way
        for writer in writers:
            writer.close()
        self._writers -= writers

    async def _heard(
        self, reader: asyncio.StreamReader, swallowed: asyncio.Event
    ) -> AsyncIterator[bytes]:
        while data := await reader.read(_CHUNK):
            if self.swallows:
                swallowed.set()
            if not swallowed.is_set():
                yield data
