"""One proxied connection: the client's, and the one to the server."""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed is reset


class Pair:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, has_lost: bool
    ) -> None:
        self.client: object = writer.get_extra_info("peername")
        self.client_writer = writer
        self.has_lost = has_lost
        """Whether something that was said wasn't passed on."""
        self._client_reader = reader
        self._server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._server_spoke_last = True

    async def meet(self, host: str, port: int) -> None:
        """Connect to the server. Raises `OSError`."""
        self._server = await asyncio.open_connection(host, port)

    def way(self, *, of_reply: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """From where to where the pieces of requests, or of replies, go."""
        assert self._server is not None
        reader, writer = self._server
        return (reader, self.client_writer) if of_reply else (self._client_reader, writer)

    def speaks(self, *, of_reply: bool) -> bool:
        """Note who speaks; whether a request or a reply begins with it."""
        begins = self._server_spoke_last is not of_reply
        self._server_spoke_last = of_reply
        return begins

    async def end(self) -> None:
        """Close the client's side after what was written to it."""
        with suppress(ConnectionError):
            await self.client_writer.drain()
        self.client_writer.close()
        if self._server is not None:
            self._server[1].transport.abort()

    def reset(self) -> None:
        """Reset the client's side, and close the server's after what was written to it."""
        found: socket.socket | None = self.client_writer.get_extra_info("socket")
        if found is not None:
            with suppress(OSError):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.client_writer.transport.abort()
        if self._server is not None:
            self._server[1].close()

    def close(self) -> None:
        """Close both sides."""
        self.client_writer.close()
        if self._server is not None:
            self._server[1].close()


Disturbed = Callable[[Pair, bytes], Coroutine[Any, Any, bytes]]  # Any: nobody sends them anything
"""What the proxy passes on of a piece of data."""


@dataclass(slots=True)
class Plan:
    """A fault for one piece of data, after so many others of its kind."""

    of_reply: bool
    skip: int
    work: Disturbed
    is_bytewise: bool = False
    """Whether `skip` counts bytes."""

    def is_due(self, piece: bytes, *, of_reply: bool, begins: bool) -> bool:
        """Whether this is the piece."""
        if of_reply is not self.of_reply or not (begins or self.is_bytewise):
            return False
        self.skip -= len(piece) if self.is_bytewise else 1
        return self.skip < 0
