"""Chooses a key's server by rendezvous hashing over a fixed list of servers.

A server that fails keeps its keys, which are misses until it is back. Were they moved to the
others, each would come back with what it had before, as old as that may be by then.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from interlock_memcached_cache.client import Node


class Ring:
    """Gives each key to the server with the highest weight for it.

    A server that is added to the list takes over its share of the keys and moves no others, in
    whatever order the list is written (Thaler and Ravishankar, "Using name-based mappings to
    increase hit rates", 1998).
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes: Sequence[Node] = tuple(nodes)
        self._weights = [
            (blake2b(node.name.encode() + b"\0", digest_size=8), node) for node in self.nodes
        ]

    def node(self, key: str) -> Node:
        """Choose the key's server."""
        if len(self.nodes) == 1:
            return self.nodes[0]
        encoded = key.encode()
        heaviest, chosen = b"", self.nodes[0]
        for prefix, node in self._weights:
            hashing = prefix.copy()
            hashing.update(encoded)
            weight = hashing.digest()
            if weight > heaviest:
                heaviest, chosen = weight, node
        return chosen
