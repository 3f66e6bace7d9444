"""Every cache there is, as the tables of a TOML file; servers run as long as they are needed."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from memcached_rig import Server as Memcached
from redis_rig import Server as Redis

BY_NAME = ("memory", "disk", "memcached", "redis", "tiered")
SHARED = ("disk", "memcached", "redis", "tiered")


@contextmanager
def hot_cache(kind: str, folder: Path) -> Iterator[str]:
    """The tables that define the cache `hot`."""
    with ExitStack() as stack:
        match kind:
            case "memory":
                yield table("hot", backend="memory-cache")
            case "disk":
                yield table("hot", backend="diskcache-cache", directory=str(folder / "cache"))
            case "memcached":
                nodes = [Memcached() for _ in range(3)]
                for node in nodes:
                    stack.callback(node.kill)
                servers = [node.name for node in nodes]
                yield table("hot", backend="memcached-cache", servers=servers)
            case "redis":
                server = Redis()
                stack.callback(server.end)
                yield table("hot", backend="redis-cache", url=server.url)
            case "tiered":
                server = Redis()
                stack.callback(server.end)
                yield tiers(server.url)
            case _:
                raise ValueError(kind)


def tiers(url: str) -> str:
    """A cache in the process before the Redis at the URL."""
    return (
        table("hot", backend="tiered", tiers=["local", "shared"])
        + table("local", backend="memory-cache")
        + table("shared", backend="redis-cache", url=url)
    )


def table(name: str, **options: str | list[str]) -> str:
    """One `[cache_backends.*]`."""
    lines = (f"{option} = {json.dumps(value)}\n" for option, value in options.items())
    return f"[cache_backends.{name}]\n{''.join(lines)}\n"
