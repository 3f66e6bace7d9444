"""Servers of our own, a clock of our own, keys and records."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from interlock.backends import AggregateRecord, RecordKey

answers: set[str] = set()
"""What the servers answered when they were asked for their version."""


def needed(binary: str) -> str:
    found = shutil.which(binary)
    if found is None:
        server = binary.partition("-")[0]
        is_required = server in os.environ.get("INTERLOCK_REQUIRE", "").split(",")
        (pytest.fail if is_required else pytest.skip)(f"needs {server}: no {binary} is installed")
    return found


class Server:
    """A memcached of our own, on one port or socket for as long as the test runs.

    One that speaks answers without being asked for a password or TLS.
    """

    def __init__(self, *options: str, speaks: bool = True, path: Path | None = None) -> None:
        self.port = _free_port()
        self.name = f"127.0.0.1:{self.port}" if path is None else str(path)
        self._path = path
        self._options = options
        self._speaks = speaks
        self.start()

    def start(self) -> None:
        command = [needed("memcached"), "-u", getpass.getuser(), *self._options]
        if self._path is None:
            command += ["-l", "127.0.0.1", "-p", str(self.port), "-U", "0"]
        else:
            command += ["-s", str(self._path)]
        self._process = subprocess.Popen(command)  # noqa: S603 # our own
        deadline = time.monotonic() + 10
        while not self._listens():
            assert time.monotonic() < deadline, f"{self.name} doesn't start"
            assert self._process.poll() is None, f"{self.name} ended"
            time.sleep(0.01)
        if self._speaks:
            answers.add(self.ask(b"version\r\n").decode().strip())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def ask(self, command: bytes) -> bytes:
        with self._connected() as connection:
            connection.sendall(command)
            return connection.recv(65536)

    def plant(self, key: RecordKey, value: bytes) -> None:
        head = f"set {key.text()} 0 0 {len(value)}\r\n".encode()
        assert self.ask(head + value + b"\r\n") == b"STORED\r\n"

    def value(self, key: RecordKey) -> bytes:
        answer = self.ask(f"get {key.text()}\r\n".encode())
        return answer.partition(b"\r\n")[2].removesuffix(b"\r\nEND\r\n")

    def _connected(self) -> socket.socket:
        if self._path is None:
            return socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        return connection

    def _listens(self) -> bool:
        try:
            self._connected().close()
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        return True


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def new_key(namespace: str = "tests") -> RecordKey:
    return RecordKey(namespace, 1, "Account", uuid4(), "r1")


def record_of(key: RecordKey, version: int, *, size: int = 2, seconds: int = 0) -> AggregateRecord:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return AggregateRecord(
        namespace=key.namespace,
        epoch=key.epoch,
        aggregate_type=key.aggregate_type,
        aggregate_id=key.aggregate_id,
        revision=key.revision,
        version=version,
        last_event_id=uuid4(),
        last_event_at=start,
        anchor_at=start,
        verified_at=start + timedelta(seconds=seconds),
        taken_at=start,
        codec="json",
        payload=b"x" * size,
    )
