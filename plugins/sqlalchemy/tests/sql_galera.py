"""A cluster of Galera of our own: MariaDB nodes that replicate to each other."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sql_servers import OwnMariaDB, free_port, require_binary

_PROVIDER = "/usr/lib/galera/libgalera_smm.so"


class GaleraNode(OwnMariaDB):
    """A node of a cluster; one that joins another gets its data from it."""

    def __init__(self, folder: Path, joins: "GaleraNode | None" = None) -> None:
        self._joins = joins
        self.group = f"127.0.0.1:{free_port()}"
        missed, whole = (f"127.0.0.1:{free_port()}" for _ in range(2))  # what it asks others for
        provider = f"gmcast.listen_addr=tcp://{self.group};ist.recv_addr={missed};gcache.size=16M"
        super().__init__(
            folder,
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--innodb-buffer-pool-size=32M",
            "--innodb-flush-log-at-trx-commit=0",
            "--wsrep-on=ON",
            f"--wsrep-provider={_PROVIDER}",
            f"--wsrep-provider-options={provider}",
            # It has the options in variables instead, but not gmcast.isolate (MariaDB 11.8).
            "--loose-plugin-wsrep-provider=OFF",
            f"--wsrep-cluster-address=gcomm://{joins.group if joins else ''}",
            f"--wsrep-node-address={self.group}",
            "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address={whole}",
        )

    def empty(self) -> None:
        """Remove its data, which it gets from another when it is started."""
        shutil.rmtree(self.data)
        self._install()

    def _install(self) -> None:
        if self._joins is None:
            super()._install()
        else:
            self.run("mkdir", str(self.data))


@contextmanager
def own_galera(count: int) -> Iterator[list[GaleraNode]]:
    """A cluster of so many nodes; the test is skipped where Galera isn't installed."""
    for binary in (_PROVIDER, "mariadbd", "rsync"):
        require_binary("galera", binary)
    with ExitStack() as stack:
        nodes: list[GaleraNode] = []
        for _ in range(count):
            folder = stack.enter_context(TemporaryDirectory(prefix="interlock-galera-"))
            node = GaleraNode(Path(folder), nodes[0] if nodes else None)
            stack.callback(node.stop)
            node.start()
            nodes.append(node)
        yield nodes
