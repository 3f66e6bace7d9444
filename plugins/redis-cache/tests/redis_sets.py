"""Servers that belong together: a cluster, a primary with its replica and sentinels."""

from redis_rig import REDIS, Server, until

SLOTS = 16_384
STEADY_SECONDS = 60
"""Longer than a busy machine keeps a server from answering the others."""


class Cluster:
    """Three primaries, each with a third of the slots; `seconds` until one is taken for dead."""

    def __init__(self, binary: str = REDIS, *, seconds: int = STEADY_SECONDS) -> None:
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", f"{seconds}000")
        self.nodes = [Server(*options, binary=binary) for _ in range(3)]
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            low, high = (SLOTS * number // 3, SLOTS * (number + 1) // 3 - 1)
            node.ask("CLUSTER", "ADDSLOTSRANGE", str(low), str(high))
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
            if node is not first:
                first.ask("CLUSTER", "MEET", "127.0.0.1", str(node.port))
        until(
            lambda: all(self._is_ready(node) for node in self.nodes),
            "the cluster doesn't come about",
        )
        self.url = "redis+cluster://" + ",".join(node.name for node in self.nodes)

    def end(self) -> None:
        for node in self.nodes:
            node.end()

    def owner(self, key: str) -> Server:
        slot = int(self.nodes[0].ask("CLUSTER", "KEYSLOT", key))
        (number,) = (n for n in range(3) if SLOTS * n // 3 <= slot < SLOTS * (n + 1) // 3)
        return self.nodes[number]

    def _is_ready(self, node: Server) -> bool:
        info = node.ask("CLUSTER", "INFO")
        slots = node.ask("CLUSTER", "SLOTS")
        return "cluster_state:ok" in info and all(str(n.port) in slots for n in self.nodes)


class SentinelSet:
    """A primary, a replica and three sentinels; `seconds` until a primary is taken for dead."""

    def __init__(self, binary: str = REDIS, *, seconds: int = STEADY_SECONDS) -> None:
        self.primary = Server(binary=binary)
        self.replica = Server("--replicaof", f"127.0.0.1 {self.primary.port}", binary=binary)
        until(
            lambda: "master_link_status:up" in self.replica.ask("INFO", "replication"),
            "the replica doesn't connect",
        )
        watched = (
            f"sentinel monitor bank 127.0.0.1 {self.primary.port} 2\n"
            f"sentinel down-after-milliseconds bank {seconds}000\n"
            "sentinel failover-timeout bank 3000\n"
        )
        self.sentinels = [Server("--sentinel", config=watched, binary=binary) for _ in range(3)]
        until(
            lambda: all(self._sees_all(sentinel) for sentinel in self.sentinels),
            "the sentinels don't find each other",
        )
        names = ",".join(sentinel.name for sentinel in self.sentinels)
        self.url = f"redis+sentinel://{names}/bank"

    def end(self) -> None:
        for server in [*self.sentinels, self.replica, self.primary]:
            server.end()

    def _sees_all(self, sentinel: Server) -> bool:
        told = sentinel.ask("SENTINEL", "MASTER", "bank").split("\n")
        fields = dict(zip(told[::2], told[1::2], strict=False))
        return (fields.get("num-other-sentinels"), fields.get("num-slaves")) == ("2", "1")
