"""A TCP proxy between a backend and its server, which the suite disturbs: it knows no protocol.

What is disturbed is the next thing that is said. A request begins when the client speaks after the
server did, a reply when the server speaks after the client did; a reply may come in pieces.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from interlock_conformance.background import BackgroundLoop
from interlock_conformance.proxied import Pair, Plan

_PIECE = 1 << 16
_PATIENCE = 10  # seconds


class Proxy:
    """Passes bytes on between 127.0.0.1:`port` and a server, but for what it is told to do.

    Every method may be called from any thread, and has taken effect when it returns.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._loop = BackgroundLoop("interlock-conformance-proxy")
        self._server: asyncio.Server | None = None
        self._pairs: set[Pair] = set()
        self._changed = threading.Condition()
        self._plan: Plan | None = None
        self._released = asyncio.Event()
        self._is_silent = False
        self._healing: asyncio.TimerHandle | None = None
        self.connections = 0
        """How many the clients have made."""
        self.requests = 0
        """How many they have begun."""
        self.is_holding = False
        """Whether a reply is held back at present."""
        self.overtaking = 0
        """How many requests were begun on a connection while its reply was held back."""
        self._held: Pair | None = None
        # Bound beside the one that listens, so that the port stays ours while nobody does.
        self._reserved = _bound(0)
        self.port: int = self._reserved.getsockname()[1]
        self._loop.call(self._listen())

    @property
    def standing(self) -> int:
        """How many connections there are."""
        return len(self._pairs)

    @property
    def is_planned(self) -> bool:
        """Whether what was planned is still to happen."""
        return self._plan is not None

    def stop(self) -> None:
        """Reset all connections, and end."""
        self._loop.call(self._refuse())
        self._loop.stop()
        self._reserved.close()

    def refuse(self) -> None:
        """Reset all connections and refuse new ones, as if the server were down."""
        self._loop.call(self._refuse())

    def reset(self) -> None:
        """Reset all connections; new ones are welcome."""
        self._loop.call(self._reset())

    def heal(self) -> None:
        """Pass everything on from now on. Connections on which something was lost are reset."""
        self._loop.call(self._heal())

    def silence(self, *, seconds: float) -> None:
        """Let nothing pass, in either direction; after so many seconds as `heal`."""
        self._loop.call(self._silence(seconds))

    def lose_request(self) -> None:
        """Reset the connection in the place of passing the next request on."""
        self._intend(Plan(False, 0, _lost))

    def cut_request(self) -> None:
        """Pass half of the next request on, and reset the connection."""
        self._intend(Plan(False, 0, _cut_in_half))

    def lose_reply(self, *, skip: int = 0) -> None:
        """Reset the connection in the place of passing a reply on, after so many others."""
        self._intend(Plan(True, skip, _lost))

    def cut_reply(self, *, share: float, skip: int = 0) -> None:
        """Close the connection after a part of a reply: never nothing of it, never all."""

        async def cut(pair: Pair, piece: bytes) -> bytes:
            pair.client_writer.write(piece[: min(max(int(len(piece) * share), 1), len(piece) - 1)])
            await pair.end()
            return b""

        self._intend(Plan(True, skip, cut))

    def cut_replies_after(self, size: int) -> None:
        """Close the connection within the piece in which so many bytes of replies are passed."""

        async def cut(pair: Pair, piece: bytes) -> bytes:
            pair.client_writer.write(piece[: len(piece) // 2])
            await pair.end()
            return b""

        self._intend(Plan(True, size, cut, is_bytewise=True))

    def hold_reply(self, *, share: float = 0, seconds: float = _PATIENCE) -> None:
        """Hold the next reply back, but for a part of it, until `release`; so long at most."""

        async def hold(pair: Pair, piece: bytes) -> bytes:
            passed = int(len(piece) * share)
            pair.client_writer.write(piece[:passed])
            self._held, self.overtaking = pair, 0
            self._tell(is_holding=True)
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._released.wait(), seconds)
            finally:  # also where the client breaks the connection off
                self._held = None
                self._tell(is_holding=False)
            return piece[passed:]

        self._intend(Plan(True, 0, hold))

    def release(self) -> None:
        """Pass on what was held back."""

        async def release() -> None:
            self._plan = None
            self._released.set()

        self._loop.call(release())

    async def until(self, holds: Callable[[], bool]) -> bool:
        """Wait until it holds, and tell whether it does; 10 seconds at most."""

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(holds, _PATIENCE)

        return await asyncio.to_thread(wait)

    def settle(self) -> None:
        """Return once every connection that was made before is counted."""
        self._loop.call(self._settled())

    def _intend(self, plan: Plan) -> None:
        async def intend() -> None:
            self._plan = plan
            self._released = asyncio.Event()

        self._loop.call(intend())

    def _tell(self, *, is_holding: bool | None = None) -> None:
        with self._changed:
            if is_holding is not None:
                self.is_holding = is_holding
            self._changed.notify_all()

    async def _listen(self) -> None:
        if self._server is None:
            listening = _bound(self.port)
            self._server = await asyncio.start_server(self._serve, sock=listening)

    async def _refuse(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        await self._reset()

    async def _reset(self) -> None:
        self._plan = None
        self._released.set()
        for pair in list(self._pairs):
            pair.reset()

    async def _silence(self, seconds: float) -> None:
        self._is_silent = True
        self._plan = None
        for pair in self._pairs:
            pair.has_lost = True
        loop = asyncio.get_running_loop()
        self._healing = loop.call_later(seconds, lambda: loop.create_task(self._heal()))

    async def _heal(self) -> None:
        self._plan, self._is_silent = None, False
        if self._healing is not None:
            self._healing.cancel()
        self._released.set()
        for pair in [pair for pair in self._pairs if pair.has_lost]:
            pair.reset()
        await self._listen()

    async def _settled(self) -> None:
        before = self.connections
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        own = writer.get_extra_info("sockname")
        while not any(pair.client == own for pair in self._pairs):  # noqa: ASYNC110 a turn away
            await asyncio.sleep(0)
        writer.transport.abort()
        self.connections -= 1
        assert self.connections >= before

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        pair = Pair(reader, writer, has_lost=self._is_silent)
        self._pairs.add(pair)
        try:
            await pair.meet(*self._target)
            await self._pass_both_ways(pair)
        except OSError:
            pair.reset()  # the server isn't there
        except asyncio.CancelledError:
            pass  # by `stop`; asyncio would print it
        finally:
            pair.close()
            self._pairs.discard(pair)
            self._tell()

    async def _pass_both_ways(self, pair: Pair) -> None:
        ways = [
            asyncio.ensure_future(self._pass_on(pair, of_reply=of_reply))
            for of_reply in (False, True)
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass_on(self, pair: Pair, *, of_reply: bool) -> None:
        source, sink = pair.way(of_reply=of_reply)
        with suppress(ConnectionError):
            while piece := await source.read(_PIECE):
                begins = pair.speaks(of_reply=of_reply)
                self.requests += begins and not of_reply
                if begins and not of_reply and pair is self._held:
                    self.overtaking += 1
                    self._tell()
                if self._is_silent:
                    pair.has_lost = True
                    continue
                plan, passed = self._plan, piece
                if plan is not None and plan.is_due(piece, of_reply=of_reply, begins=begins):
                    self._plan = None
                    passed = await plan.work(pair, piece)
                    self._tell()
                if passed and not sink.is_closing():
                    sink.write(passed)
                    await sink.drain()


async def _lost(pair: Pair, piece: bytes) -> bytes:
    pair.reset()
    return b""


async def _cut_in_half(pair: Pair, piece: bytes) -> bytes:
    _, to_the_server = pair.way(of_reply=False)
    to_the_server.write(piece[: len(piece) // 2])
    pair.reset()
    return b""


def _bound(port: int) -> socket.socket:
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind(("127.0.0.1", port))
    return found
