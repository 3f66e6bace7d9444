"""Servers of our own, in a folder, to be stopped and started."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import Signals
from tempfile import TemporaryDirectory

import pytest


def _binary(name: str) -> str | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", ""), "/usr/sbin"])
    return shutil.which(name, path=path)


def require_binary(server: str, binary: str) -> None:
    """Skip the test where the server isn't installed, or fail it where it has to be."""
    if _binary(binary) is None and not Path(binary).is_file():
        is_required = server in os.environ.get("INTERLOCK_REQUIRE", "").split(",")
        (pytest.fail if is_required else pytest.skip)(f"needs {server}: {binary} isn't installed")


_FOR_AUTHORITIES = ("-addext", "keyUsage=critical,keyCertSign")
_SUBJECT = ("-subj", "/CN=localhost")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OwnServer:
    """A server on a free port, with its data in a folder of its own."""

    def __init__(self, folder: Path, user: str) -> None:
        self.data = folder / "data"
        self.folder = folder
        self.user = None
        if os.geteuid() == 0:  # the servers refuse to run as root
            self.user = user
            found = pwd.getpwnam(user)
            os.chown(folder, found.pw_uid, found.pw_gid)
        self.port = free_port()
        # Two MariaDBs that are installed at once took each other's temporary tables in /tmp.
        self.environment = {**os.environ, "TMPDIR": str(folder)}

    def certified(self) -> None:
        """Make an authority, and a certificate of its for localhost: ca.crt, own.crt, own.key."""
        key = ("-newkey", "rsa:2048", "-nodes")
        authority = ("-x509", *key, "-days", "2", "-keyout", "ca.key", "-out", "ca.crt")
        self.run("openssl", "req", *authority, "-subj", "/CN=Authority", *_FOR_AUTHORITIES)
        self.run("openssl", "req", *key, "-keyout", "own.key", "-out", "own.csr", *_SUBJECT)
        (self.folder / "names").write_text("subjectAltName=DNS:localhost")
        by = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        self.run("openssl", "x509", "-req", "-in", "own.csr", "-days", "2", *by, "-out", "own.crt")

    def run(self, name: str, *arguments: str) -> None:
        """Run one of the server's programs."""
        subprocess.run(  # noqa: S603 # ours
            [_binary(name) or name, *arguments],
            user=self.user,
            check=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if name == "openssl" else None,  # it shows how it works
        )


class OwnPostgreSQL(OwnServer):
    """A cluster of its own, or with a primary its streaming standby."""

    def __init__(self, folder: Path, primary: "OwnPostgreSQL | None" = None) -> None:
        super().__init__(folder, "postgres")
        if primary is None:
            self.call("initdb", "-A", "trust", "-U", "postgres", "--no-sync")
        else:
            source = f"host=127.0.0.1 port={primary.port} user=postgres"
            self.call("pg_basebackup", "-d", source, "-R", "-c", "fast", "--no-sync")
        settings = f"port = {self.port}\nunix_socket_directories = ''\nfsync = off\n"
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(settings)

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self.call("pg_ctl", "-w", "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        self.call("pg_ctl", "-w", "-m", "fast", "stop")

    def crash(self) -> None:
        """End at once, as a machine that fails; what is committed is in its files."""
        self.call("pg_ctl", "-w", "-m", "immediate", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def encrypt(self) -> None:
        """Take TLS connections only."""
        self.certified()
        files = f"ssl_cert_file = '{self.folder}/own.crt'\nssl_key_file = '{self.folder}/own.key'"
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(f"ssl = on\n{files}\n")
        (self.data / "pg_hba.conf").write_text("hostssl all all samehost trust\n")
        self.restart()

    def become_standby(self) -> None:
        self.stop()
        (self.data / "standby.signal").touch()
        self.start()

    def promote(self) -> None:
        self.call("pg_ctl", "-w", "promote")

    def call(self, name: str, *arguments: str) -> None:
        self.run(name, "-D", str(self.data), *arguments)


@contextmanager
def own_postgresql(*, follows: OwnPostgreSQL | None = None) -> Iterator[OwnPostgreSQL]:
    """A running server; the test is skipped where PostgreSQL isn't installed."""
    require_binary("postgresql", "initdb")
    with TemporaryDirectory(prefix="interlock-postgresql-") as name:
        server = OwnPostgreSQL(Path(name), follows)
        server.start()
        try:
            yield server
        finally:
            if (server.data / "postmaster.pid").exists():
                server.stop()


_TLS_FILES = (("cert", "crt"), ("key", "key"))


class OwnMariaDB(OwnServer):
    """A server of its own."""

    def __init__(self, folder: Path, *more: str) -> None:
        super().__init__(folder, "mysql")
        self._process: subprocess.Popen[bytes] | None = None
        self._more = list(more)
        self._install()

    def _install(self) -> None:
        # It would wait for the disk for seconds, and these servers live no longer than tests.
        how = ("--auth-root-authentication-method=normal", "--debug-no-sync")
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.data}", *how)

    @property
    def url(self) -> str:
        return f"mysql+asyncmy://root@127.0.0.1:{self.port}/test"

    def start(self) -> None:
        options = ("--bind-address=127.0.0.1", f"--socket={self.folder}/socket")
        command = [
            "--no-defaults",
            f"--datadir={self.data}",
            f"--port={self.port}",
            *options,
            *self._more,
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 # ours
                [_binary("mariadbd") or "mariadbd", *command],
                user=self.user,
                env=self.environment,
                stderr=log,
            )
        while not self._is_ready():
            assert self._process.poll() is None, (self.folder / "log").read_text()

    def encrypt(self) -> None:
        """See `OwnPostgreSQL`."""
        self.certified()
        files = [f"--ssl-{kind}={self.folder}/own.{end}" for kind, end in _TLS_FILES]
        self._more += [*files, "--require-secure-transport=ON"]
        self.stop()
        self.start()

    def stop(self) -> None:
        self._end(Signals.SIGTERM)

    def crash(self) -> None:
        """As `OwnPostgreSQL.crash`."""
        self._end(Signals.SIGKILL)

    def _end(self, signal: Signals) -> None:
        if self._process is not None:
            self._process.send_signal(signal)
            self._process.wait()
            self._process = None

    def _is_ready(self) -> bool:
        # The client of MariaDB 11.4 and later doesn't trust a certificate of an authority of ours.
        ask = ["--no-defaults", "--skip-ssl", f"-S{self.folder}/socket", "-uroot", "-eSELECT 1"]
        done = subprocess.run(  # noqa: S603 # ours
            [_binary("mariadb") or "mariadb", *ask],
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return done.returncode == 0


@contextmanager
def own_mariadb(*more: str) -> Iterator[OwnMariaDB]:
    """A running server with these options; the test is skipped where MariaDB isn't installed."""
    require_binary("mariadb", "mariadb-install-db")
    with TemporaryDirectory(prefix="interlock-mariadb-") as name:
        server = OwnMariaDB(Path(name), *more)
        server.start()
        try:
            yield server
        finally:
            server.stop()


class OwnPgBouncer(OwnServer):
    """A pooler before a PostgreSQL server of our own."""

    def __init__(self, folder: Path, server: OwnPostgreSQL, mode: str, *more: str) -> None:
        super().__init__(folder, "postgres")
        users = folder / "users"
        users.write_text('"postgres" ""\n')
        self._config = folder / "pgbouncer.ini"
        settings = (
            "[databases]",
            f"* = host=127.0.0.1 port={server.port}",
            "[pgbouncer]",
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =",
            f"auth_type = trust\nauth_file = {users}\npool_mode = {mode}",
            *more,
        )
        self._config.write_text("\n".join(settings))

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    @contextmanager
    def running(self) -> Iterator["OwnPgBouncer"]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 # ours
                [_binary("pgbouncer") or "pgbouncer", "-q", str(self._config)],
                user=self.user,
                stdout=log,
                stderr=log,
            )
        try:
            while not self._answers():
                assert process.poll() is None, (self.folder / "log").read_text()
            yield self
        finally:
            process.terminate()
            process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def own_pgbouncer(server: OwnPostgreSQL, mode: str, *more: str) -> Iterator[OwnPgBouncer]:
    """A running pooler; the test is skipped where PgBouncer isn't installed."""
    require_binary("pgbouncer", "pgbouncer")
    with (
        TemporaryDirectory(prefix="interlock-pgbouncer-") as name,
        OwnPgBouncer(Path(name), server, mode, *more).running() as pooler,
    ):
        yield pooler
