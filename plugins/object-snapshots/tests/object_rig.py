"""An object storage of our own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

KEY, SECRET, REGION = "interlock", "its secret", "us-east-1"
OPTIONS = {"access_key_id": KEY, "secret_access_key": SECRET, "region": REGION}


def needed() -> str:
    found = shutil.which("weed")
    if found is None:
        is_required = "seaweedfs" in os.environ.get("INTERLOCK_REQUIRE", "").split(",")
        (pytest.fail if is_required else pytest.skip)("needs SeaweedFS: no weed is installed")
    return found


class Process:
    """A process of the server's, that speaks S3 at an endpoint."""

    def __init__(self, folder: Path, *arguments: str, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._command = [needed(), "-logtostderr=true", *arguments]
        self._log = folder / f"log-{port}"
        self.start()

    def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 # our own
                self._command, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < deadline, f"{self.endpoint} doesn't start"
            assert self._process.poll() is None, self._log.read_text()[-500:]
            time.sleep(0.05)  # nothing tells when it listens

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.endpoint}/status", timeout=5).close()  # noqa: S310
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


class Server:
    """A SeaweedFS of our own that speaks S3 at several doors, for as long as a module's tests run.

    Each door is a process of its own before one store.
    """

    def __init__(self, folder: Path, *, doors: int = 1) -> None:
        names = "s3", "s3.grpc", "master", "master.grpc", "volume", "volume.grpc", "filer"
        port = dict(zip((*names, "filer.grpc"), _free_ports(8), strict=True))
        identities = folder / "identities.json"
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        identities.write_text(json.dumps({"identities": [identity]}))
        (data := folder / "data").mkdir()
        self._whole = Process(
            folder,
            *("server", f"-dir={data}", "-ip=127.0.0.1", "-filer", "-s3", "-s3.iam=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={identities}"),
            *("-master.volumeSizeLimitMB=256", "-volume.max=8"),
            *(f"-{_option(name)}={at}" for name, at in port.items()),
            port=port["s3"],
        )
        filer = f"-filer=127.0.0.1:{port['filer']}.{port['filer.grpc']}"
        self.doors = [self._whole]
        for own, grpc in zip(*[iter(_free_ports(2 * (doors - 1)))] * 2, strict=True):
            ports = f"-port={own}", f"-port.grpc={grpc}", "-port.iceberg=0", "-port.lance=0"
            arguments = "s3", "-ip.bind=127.0.0.1", filer, f"-config={identities}", *ports
            self.doors.append(Process(folder, *arguments, port=own))
        store = S3Store(
            "snapshots",
            endpoint=self.endpoint,
            access_key_id=KEY,
            secret_access_key=SECRET,
            region=REGION,
            client_options={"allow_http": True},
        )
        obstore.put(store, "made", b"")  # this server makes a bucket with its first object

    @property
    def endpoint(self) -> str:
        return self.doors[0].endpoint

    def kill(self) -> None:
        for door in self.doors:
            door.kill()


def _option(name: str) -> str:
    """As in `s3.port` and `s3.port.grpc`."""
    part, dot, what = name.partition(".")
    return f"{part}.port{dot}{what}"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
