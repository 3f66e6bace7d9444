"""PostgreSQL servers under Patroni, which keeps in etcd who leads."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sql_servers import OwnServer, free_port, require_binary

_PATIENCE = 120
_POSTGRESQL = {
    "use_pg_rewind": True,
    "parameters": {"max_connections": 200, "wal_keep_size": "128MB"},
}
_DCS = {
    # The least that is allowed: a leader that doesn't renew its key for so long is one no more.
    "ttl": 20,
    "loop_wait": 2,
    "retry_timeout": 3,
    # The server of a leader that crashed isn't started again: another one takes over at once.
    "primary_start_timeout": 0,
    # A commit is acknowledged once a standby has it, and not at all while there is none.
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
    "postgresql": _POSTGRESQL,
}


class Process(OwnServer):
    """A program that runs in a folder of its own, as the user of the servers."""

    def __init__(self, folder: Path, *command: str) -> None:
        super().__init__(folder, "postgres")
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 # ours
                self._command, user=self.user, cwd=self.folder, stdout=log, stderr=log
            )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Etcd(Process):
    """A single node: Patroni's memory, which no test disturbs."""

    def __init__(self, folder: Path) -> None:
        clients, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.address = clients.removeprefix("http://")
        options = {
            "name": "etcd",
            "data-dir": str(folder / "data"),
            "listen-client-urls": clients,
            "advertise-client-urls": clients,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"etcd={peers}",
        }
        super().__init__(folder, "etcd", *(f"--{name}={value}" for name, value in options.items()))


class Member(Process):
    """A PostgreSQL server and the Patroni that manages it."""

    def __init__(self, folder: Path, name: str, etcd: Etcd) -> None:
        super().__init__(folder, "/usr/bin/patroni", str(folder / "patroni.json"))
        self._api = f"127.0.0.1:{free_port()}"
        self.address = f"127.0.0.1:{self.port}"
        user = {"username": "postgres", "password": "unused"}
        binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
        config = {
            "scope": "tests",
            "name": name,
            "restapi": {"listen": self._api, "connect_address": self._api},
            "etcd3": {"hosts": etcd.address},
            "bootstrap": {"dcs": _DCS, "initdb": [{"auth": "trust"}, "data-checksums"]},
            "postgresql": {
                "listen": self.address,
                "connect_address": self.address,
                "data_dir": str(self.data),
                "bin_dir": str(binaries),
                "pgpass": str(folder / "pgpass"),
                "authentication": {"superuser": user, "replication": user, "rewind": user},
                "pg_hba": [
                    "host all all 127.0.0.1/32 trust",
                    "host replication all 127.0.0.1/32 trust",
                ],
                "parameters": {"unix_socket_directories": ""},
                # A leader of before may have what nobody else has: it's made anew then.
                "remove_data_directory_on_rewind_failure": True,
                "remove_data_directory_on_diverged_timelines": True,
            },
        }
        (folder / "patroni.json").write_text(json.dumps(config))

    def crash(self, *, with_patroni: bool) -> None:
        """Kill the server; with Patroni, as if the machine were gone."""
        server = int((self.data / "postmaster.pid").read_text().split()[0])
        if with_patroni:
            self.kill()
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)

    def end(self) -> None:
        """Kill what is left of it."""
        with suppress(FileNotFoundError):
            self.crash(with_patroni=True)
        self.kill()

    def roles(self) -> dict[str, str]:
        """By name the role and the state of each member, as this one's Patroni sees it."""
        with (
            suppress(OSError),
            urllib.request.urlopen(f"http://{self._api}/cluster", timeout=5) as answer,
        ):
            members = json.load(answer)["members"]
            return {each["name"]: f"{each['role']}, {each['state']}" for each in members}
        return {}


class Patroni:
    """Members by name, one of which leads."""

    def __init__(self, members: dict[str, Member]) -> None:
        self.members = members

    @property
    def url(self) -> str:
        """Leads to whichever member is the primary."""
        hosts = "&".join(f"host={member.address}" for member in self.members.values())
        return f"postgresql+asyncpg://postgres@/postgres?{hosts}&target_session_attrs=primary"

    def leader(self, among: Sequence[str]) -> str:
        """Wait until one of these members leads, and tell which."""
        return self._until(
            lambda roles: [
                name for name in among if roles.get(name, "").startswith("leader, running")
            ]
        )[0]

    def all_well(self) -> None:
        """Wait until one leads, another has all that it acknowledges, and the third follows."""
        self._until(
            lambda roles: (
                sorted(roles.values())
                in (
                    ["leader, running", "replica, running", "sync_standby, running"],
                    ["leader, running", "replica, streaming", "sync_standby, streaming"],
                )
            )
        )

    def _until(self, found: Callable[[dict[str, str]], object]) -> list[str]:
        deadline = time.monotonic() + _PATIENCE
        seen: dict[str, str] = {}
        while time.monotonic() < deadline:
            for member in self.members.values():
                seen = member.roles() or seen
                if answer := found(seen):
                    return answer if isinstance(answer, list) else []
            time.sleep(0.1)  # Patroni tells nobody
        raise AssertionError(f"the members don't come back: {seen}")


@contextmanager
def own_patroni() -> Iterator[Patroni]:
    """Three members, all well; the test is skipped where Patroni or etcd isn't installed."""
    for binary in ("initdb", "etcd", "/usr/bin/patroni"):
        require_binary("patroni", binary)
    with ExitStack() as stack:

        def folder() -> Path:
            return Path(stack.enter_context(TemporaryDirectory(prefix="interlock-patroni-")))

        etcd = Etcd(folder())
        stack.callback(etcd.kill)
        etcd.start()
        members = {name: Member(folder(), name, etcd) for name in ("p0", "p1", "p2")}
        found = Patroni(members)
        for member in members.values():
            stack.callback(member.end)
            member.start()
        found.all_well()
        yield found
