"""The conformance suites of the gallery's plugins, which keep everything in a file."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, cast
from urllib.parse import urlsplit

from interlock.application import backend
from interlock.backends import BackendSpec, RecordKey
from interlock_conformance.cases import (
    CacheConformance,
    EventStoreConformance,
    PackagingConformance,
    SnapshotConformance,
)


class _Shelf:
    """Parts shared by the suites of backends in a file."""

    name: str
    statements: Mapping[str, str]
    is_named = False

    def __init__(self, url: str) -> None:
        self.url = url

    def made(self, **options: object) -> object:
        """The backend, by its name or as an instance."""
        if self.is_named:
            return backend(self.name, url=self.url)
        spec = shelf_spec(self.name)
        given = {name: value for name, value in options.items() if value is not None}
        assert spec.config is not None
        return _attribute(spec.factory)(_attribute(spec.config)(url=self.url, **given))

    async def tamper(self, store: object, key: RecordKey, change: Callable[[bytes], bytes]) -> None:
        """Change a record in the file itself."""
        values = {"key": key.text(), "aggregate_id": key.aggregate_id.bytes}
        with closing(sqlite3.connect(urlsplit(self.url).path, isolation_level=None)) as file:
            ((blob,),) = file.execute(self.statements["find"], values)
            file.execute(self.statements["replace"], {**values, "record": change(blob)})


class ShelfEvents(_Shelf, EventStoreConformance):
    """The event store in a file."""

    name = "shelf-events"

    def backend(self, namespace: str | None = None) -> object:
        """The store."""
        return self.made(namespace=namespace)

    tamper = None  # type: ignore[assignment] # nothing is looked for in damaged events


class ShelfSnapshots(_Shelf, SnapshotConformance):
    """The snapshot store in a file."""

    name = "shelf-snapshots"
    statements: Mapping[str, str] = {
        "find": "SELECT record FROM snapshots WHERE aggregate_id = :aggregate_id",
        "replace": "UPDATE snapshots SET record = :record WHERE aggregate_id = :aggregate_id",
    }

    def backend(self, keep: int | None = None, keep_revisions: int | None = None) -> object:
        """The store."""
        return self.made(keep=keep, keep_revisions=keep_revisions)

    async def advance(self, store: Any, seconds: float) -> datetime:  # Any: it has a clock
        """Set its clock forward, and stop it."""
        now: datetime = store.clock() + timedelta(seconds=seconds)
        store.clock = lambda: now
        return now


class ShelfCache(_Shelf, CacheConformance):
    """The cache in a file."""

    name = "shelf-cache"
    statements: Mapping[str, str] = {
        "find": "SELECT record FROM entries WHERE key = :key",
        "replace": "UPDATE entries SET record = :record WHERE key = :key",
    }

    def backend(self, size: int | None = None, ttl: str | None = None) -> object:
        """The cache."""
        return self.made(size=size, ttl=ttl)

    async def advance(self, store: Any, seconds: float) -> None:  # Any: it has a clock
        """Set its clock forward."""
        now = store.clock() + seconds
        store.clock = lambda: now


class ShelfPackaging(_Shelf, PackagingConformance):
    """The distribution."""

    name = "shelf-events"
    is_named = True

    def backend(self) -> object:
        """Its name."""
        return self.made()


def shelf_spec(name: str) -> BackendSpec:
    """Give the specification of a shelf plugin that is installed."""
    plugin = import_module(f"interlock_{name.replace('-', '_')}.plugin")
    (spec,) = plugin.interlock_register_backends()
    return cast("BackendSpec", spec)


def _attribute(path: str) -> Any:  # Any: whatever is named
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


SHELF_SUITES: Mapping[str, Any] = {  # Any: the types of these suites
    "EVENTS": ShelfEvents,
    "SNAP": ShelfSnapshots,
    "CACHE": ShelfCache,
    "PLUG": ShelfPackaging,
}
"""The suite of each kind of check."""
