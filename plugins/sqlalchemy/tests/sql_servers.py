"""PostgreSQL servers of our own, in a folder, to be stopped and started."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


def _binary(name: str) -> str | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    return shutil.which(name, path=path)


class OwnPostgreSQL:
    """A cluster of its own on a free port."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._folder = folder
        self._user = None
        if os.geteuid() == 0:  # the server refuses to run as root
            self._user = "postgres"
            found = pwd.getpwnam(self._user)
            os.chown(folder, found.pw_uid, found.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.call("initdb", "-A", "trust", "-U", "postgres", "--no-sync")
        settings = f"port = {self.port}\nunix_socket_directories = ''\nfsync = off\n"
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(settings)

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self.call("pg_ctl", "-w", "-l", str(self._folder / "log"), "start")

    def stop(self) -> None:
        self.call("pg_ctl", "-w", "-m", "fast", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def become_standby(self) -> None:
        self.stop()
        (self.data / "standby.signal").touch()
        self.start()

    def promote(self) -> None:
        self.call("pg_ctl", "-w", "promote")

    def call(self, name: str, *arguments: str) -> None:
        command = [_binary(name) or name, "-D", str(self.data), *arguments]
        subprocess.run(  # noqa: S603 # ours
            command, user=self._user, check=True, cwd=self._folder, stdout=subprocess.DEVNULL
        )


@contextmanager
def own_postgresql() -> Iterator[OwnPostgreSQL]:
    """A running server; the test is skipped where PostgreSQL isn't installed."""
    if _binary("initdb") is None:
        is_required = "postgresql" in os.environ.get("INTERLOCK_REQUIRE", "").split(",")
        (pytest.fail if is_required else pytest.skip)("needs postgresql: initdb isn't installed")
    with TemporaryDirectory(prefix="interlock-postgresql-") as name:
        server = OwnPostgreSQL(Path(name))
        server.start()
        try:
            yield server
        finally:
            server.stop()
