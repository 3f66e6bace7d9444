"""A rendered service on a real server, its clients, and the end of both."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

_PATIENCE = 60  # seconds
ANNA = "/accounts/00000000-0000-0000-0000-000000000001"


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def served(
    folder: Path, command: Sequence[str], port: int, settings: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in the folder until the block ends; it answers when the block begins."""
    environment = {**os.environ, "PYTHONPATH": "src", **(settings or {})}
    server = subprocess.Popen(  # noqa: S603 our own command
        [sys.executable, "-m", *command], cwd=folder, env=environment, start_new_session=True
    )
    try:
        wait_until_ready(port, server)
        yield server
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(_PATIENCE)


def wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        assert server.poll() is None, "the server has ended"
        try:
            if call(port, "GET", "/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)  # until it listens, which nothing else tells
    raise AssertionError("the server isn't ready")


def call(
    port: int, method: str, path: str, body: object = None, key: str | None = None
) -> tuple[int, dict[str, object]]:
    """The status and the JSON of an answer. Raises `OSError` or `HTTPException` without one."""
    headers = {"content-type": "application/json"} | ({"Idempotency-Key": key} if key else {})
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


class Depositors:
    """Clients that deposit 1 as fast as they are answered, until they are refused a connection."""

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self.acknowledged: list[str] = []
        self.begun: list[str] = []
        self.others: list[int] = []
        self.are_busy = threading.Event()
        self._threads = [threading.Thread(target=self._deposit) for _ in range(number)]
        for each in self._threads:
            each.start()

    def join(self) -> None:
        for each in self._threads:
            each.join(_PATIENCE)
            assert not each.is_alive()

    def _deposit(self) -> None:
        while True:
            key = str(uuid4())
            self.begun.append(key)
            try:
                status, _ = call(self._port, "POST", f"{ANNA}/deposits", {"amount": 1}, key)
            except (OSError, http.client.HTTPException):
                return
            if status == 200:
                self.acknowledged.append(key)
            else:
                self.others.append(status)
            if len(self.acknowledged) > 40:
                self.are_busy.set()
