"""The entry points of what is installed, and the names of distributions."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint, distributions

_OWN: Mapping[str, tuple[str, ...]] = {
    "interlock.backends": (
        *("memory-events", "memory-snapshots", "memory-cache"),
        *("null-snapshots", "null-cache", "tiered"),
    ),
    "interlock.strategies": (
        *("never", "after-n", "after-time", "when-replayed", "on-event", "any-of", "all-of"),
        *("always", "after-version"),
    ),
    "interlock.codecs": ("json", "json+zlib"),
}
"""The core's own, which need no metadata: an application that is frozen has none."""

OWN_MODULE = "interlock._plugins.builtins"

OURS: Mapping[str, tuple[str, ...]] = {
    "backend": (
        *("sqlalchemy-events", "sqlalchemy-snapshots", "object-snapshots"),
        "nats-events",
        *("diskcache-cache", "memcached-cache", "redis-cache"),
    ),
    "extension": ("opentelemetry",),
}
"""The plugins that are published beside the core, installed or not, each in its distribution."""


def own_names() -> list[str]:
    """List the names of the core's own plugins."""
    return [name for names in _OWN.values() for name in names]


def installed_points() -> Iterator[EntryPoint]:
    """The entry points of what the running interpreter's environment holds, and the core's own.

    A distribution whose metadata can't be read has none.
    """
    for found in distributions():
        with suppress(Exception):
            yield from found.entry_points
    for group, names in _OWN.items():
        yield from (EntryPoint(name, OWN_MODULE, group) for name in names)


def distribution_of(point: EntryPoint) -> str:
    """The normalized name of the distribution that an entry point belongs to."""
    if point.value == OWN_MODULE:
        return "interlock"
    return normal((point.dist and point.dist.name) or "unknown")


def normal(distribution: str) -> str:
    """Normalize a distribution's name: Foo_bar, foo.bar and foo-bar are one.

    See https://packaging.python.org/en/latest/specifications/name-normalization/.
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()
