"""Capabilities and methods: a promise has its method."""

from collections.abc import Callable, Mapping
from typing import Any

from interlock.backends import (
    BackendKind,
    ChangeNotifier,
    ListsIds,
    ReadsFromSnapshot,
    ReadsMany,
    RecordCacheBackend,
    RecordSnapshotBackend,
    RemovesOne,
    TellsNewest,
)
from interlock_conformance.checks import MUST, both, check, expect
from interlock_conformance.harness import CacheHarness, EventsHarness, Harness


def _own(base: type, name: str) -> Callable[[type], bool]:
    """Whether a class has a method that isn't the base's."""
    return lambda cls: getattr(cls, name, None) not in (None, getattr(base, name))


def _is(protocol: type) -> Callable[[type], bool]:
    return lambda cls: issubclass(cls, protocol)


def _counts_round_trips(cls: type) -> bool:
    return hasattr(cls, "round_trips")


METHODS: Mapping[BackendKind, Mapping[str, Callable[[type], bool]]] = {
    BackendKind.EVENTS: {
        "read_many": _is(ReadsMany),
        "read_from_snapshot": _is(ReadsFromSnapshot),
        "round_trips": _counts_round_trips,
    },
    BackendKind.SNAPSHOTS: {
        "forget": _own(RecordSnapshotBackend, "forget"),
        "ids": _is(ListsIds),
        "newest": _is(TellsNewest),
        "read_many": _own(RecordSnapshotBackend, "read_many"),
        "remove": _is(RemovesOne),
        "round_trips": _counts_round_trips,
    },
    BackendKind.CACHE: {
        "notifies": _is(ChangeNotifier),
        "read_many": _own(RecordCacheBackend, "read_many"),
        "round_trips": _counts_round_trips,
    },
}
"""The capabilities that stand for a method, and whether a class has it."""

_OTHERS = "promise what the class has: each capability that stands for a method, and no other"


@both("074", MUST, others=f"{_OTHERS}; the base's `read_many` asks for one key after the other")
async def promises_have_their_methods(harness: CacheHarness) -> None:
    """Each capability that stands for a method has it: `read_many`, `watch`, and others."""
    await _expect_methods(harness)


@check("EVENTS-066", MUST, others=_OTHERS)
async def promises_of_events_have_their_methods(harness: EventsHarness) -> None:
    """Each capability that stands for a method has it: `read_many`, and others."""
    await _expect_methods(harness)


async def _expect_methods(harness: Harness[Any]) -> None:  # Any: whichever kind of store
    __tracebackhide__ = True
    cls = type(await harness.make())
    methods = METHODS[harness.subject.kind]
    promised = harness.subject.promised
    missing = sorted(name for name in promised & {*methods} if not methods[name](cls))
    expect(not missing, f"methods for {sorted(promised & {*methods})}", f"none for {missing}")
