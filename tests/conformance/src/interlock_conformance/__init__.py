"""The checks that every backend of Interlock passes.

Its names are imported when they are asked for: pytest loads this package in every run.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interlock_conformance.cases import (
        CacheConformance,
        EventStoreConformance,
        PackagingConformance,
        PlainCacheConformance,
        PlainSnapshotConformance,
        SnapshotConformance,
    )

__all__ = [
    "CacheConformance",
    "EventStoreConformance",
    "PackagingConformance",
    "PlainCacheConformance",
    "PlainSnapshotConformance",
    "SnapshotConformance",
]


def __getattr__(name: str) -> Any:  # Any: one of the classes above
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("interlock_conformance.cases"), name)
