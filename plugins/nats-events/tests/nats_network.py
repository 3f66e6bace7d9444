"""The network between the nodes of a cluster: proxies, through which a node can be cut off.

A process of its own, `python nats_network.py`, for what it passes on must not wait for a test. It
reads lines of JSON, and answers each with one:

- `{"routes": [[source, target, port], ...]}`: listen for each; the answer is the list of ports;
- `{"cut": [[source, target], ...]}`: from now on nothing passes from a source to a target, but for
  these pairs everything does.

What isn't passed on is lost to nobody: it stays where it is, as packets that are sent again until
the network is there, and connections stay open.
"""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, Self

Way = tuple[str, str]
"""The names of two nodes: what goes from the first to the second."""


class Network:
    """Runs the proxies; between the `with` and its end."""

    ports: dict[Way, int]
    """Where a node reaches another."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 # our own
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def connect(self, targets: dict[str, int]) -> dict[Way, int]:
        """Listen for these nodes, by name and port, each in the place of each other one."""
        ways = [(one, other) for one in targets for other in targets if one != other]
        found = self._told({"routes": [(*way, targets[way[1]]) for way in ways]})
        self.ports = dict(zip(ways, found, strict=True))
        return self.ports

    def cut(self, ways: Iterable[Way]) -> None:
        """Let nothing pass on these ways, and everything on all others."""
        self._told({"cut": list(ways)})

    def isolate(self, node: str, *, hears: bool = False, is_heard: bool = False) -> None:
        """Cut a node off from all others: from what they say, and from saying anything."""
        self.cut(
            way
            for way in self.ports
            if (way[0] == node and not is_heard) or (way[1] == node and not hears)
        )

    def heal(self) -> None:
        """Let everything pass."""
        self.cut([])

    def _told(self, request: dict[str, Any]) -> Any:  # Any: JSON
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class _End(asyncio.Protocol):
    """One end of a connection: what it reads, the other end writes."""

    transport: asyncio.Transport
    other: "_End"

    def __init__(self, way: Way, network: "_Proxies") -> None:
        self._way, self._network = way, network
        self._is_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.pause_reading()  # until both ends are there

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._network.ends.discard(self)
        if hasattr(self, "other"):
            self.other.transport.close()

    def pause_writing(self) -> None:
        self.other.turn(is_full=True)

    def resume_writing(self) -> None:
        self.other.turn(is_full=False)

    def turn(self, *, is_full: bool | None = None) -> None:
        """Read on, or stop reading, as things are now."""
        if is_full is not None:
            self._is_full = is_full
        if self.transport.is_closing():
            return
        if self._is_full or self._way in self._network.cut:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()


class _Proxies:
    def __init__(self) -> None:
        self.cut: set[Way] = set()
        self.ends: set[_End] = set()
        self._work: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            request, answer = json.loads(line), []
            for source, target, port in request.get("routes", ()):
                answer.append(await self._listen(source, target, port))
            self.cut = {(source, target) for source, target in request.get("cut", ())}
            for end in self.ends:
                end.turn()
            print(json.dumps(answer), flush=True)  # noqa: T201 # the answer

    async def _listen(self, source: str, target: str, port: int) -> int:
        loop = asyncio.get_running_loop()

        def accepted() -> _End:
            end = _End((source, target), self)
            task = loop.create_task(connected(end))
            self._work.add(task)
            task.add_done_callback(self._work.discard)
            return end

        async def connected(end: _End) -> None:
            try:
                _, other = await loop.create_connection(
                    lambda: _End((target, source), self), "127.0.0.1", port
                )
            except OSError:
                end.transport.close()  # the node isn't there
                return
            end.other, other.other = other, end
            self.ends |= {end, other}
            end.turn()
            other.turn()

        server = await loop.create_server(accepted, "127.0.0.1", 0)
        found: socket.socket = server.sockets[0]
        return int(found.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(_Proxies().serve())
