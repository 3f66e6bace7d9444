"""Interlock: event-sourced aggregates that load fast, from snapshots and caches of one's choice.

Lazy: whatever is imported from below it loads no more than it needs.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlock.ids import PlainUUID, uuid_of

__all__ = ["PlainUUID", "uuid_of"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from interlock import ids

    return getattr(ids, name)
