"""Which record stays where one is put over another."""

from collections.abc import Callable, Collection
from typing import ParamSpec

from interlock._storage.records import AggregateRecord, Stamp
from interlock.errors import RecordUnusableError

P = ParamSpec("P")


def newer(found: AggregateRecord, record: AggregateRecord) -> AggregateRecord:
    """Choose the record that a cache keeps when `record` is put over `found`."""
    if found.version != record.version:
        return found if found.version > record.version else record
    if found.stamp == record.stamp and found.verified_at > record.verified_at:
        return found
    return record


def replaces(
    found: AggregateRecord | None, record: AggregateRecord, supersedes: Collection[Stamp]
) -> bool:
    """Whether a cache's put of `record` is written over `found`, which `usable` reads.

    Compare and write in one transaction of the store.
    """
    return found is None or found.stamp in supersedes or newer(found, record) is record


def usable(
    read: Callable[P, AggregateRecord | None], *args: P.args, **kwargs: P.kwargs
) -> AggregateRecord | None:
    """Call `read`; None if the record is missing, or unusable and so to be replaced."""
    try:
        return read(*args, **kwargs)
    except RecordUnusableError:
        return None
