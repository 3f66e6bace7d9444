"""Capabilities and methods: a promise has its method, and a method its promise."""

from collections.abc import Callable, Mapping
from typing import Any

from interlock.backends import (
    BackendKind,
    ChangeNotifier,
    ConfirmsHead,
    Freezes,
    ListsIds,
    ListsStreams,
    ReadsFromSnapshot,
    ReadsMany,
    ReadsToFold,
    RecordCacheBackend,
    RecordSnapshotBackend,
    RemovesOne,
    TellsNewest,
)
from interlock_conformance.checks import MUST, CannotTell, both, check, expect
from interlock_conformance.distribution import PackagingHarness
from interlock_conformance.harness import CacheHarness, EventsHarness, Harness
from interlock_conformance.subject import built


def _own(base: type, name: str) -> Callable[[type], bool]:
    """Whether a class has a method that isn't the base's."""
    return lambda cls: getattr(cls, name, None) not in (None, getattr(base, name))


def _is(protocol: type) -> Callable[[type], bool]:
    return lambda cls: issubclass(cls, protocol)


def _counts_round_trips(cls: type) -> bool:
    return hasattr(cls, "round_trips")


METHODS: Mapping[BackendKind, Mapping[str, Callable[[type], bool]]] = {
    BackendKind.EVENTS: {
        "freeze": _is(Freezes),
        "ids": _is(ListsStreams),
        "is_head": _is(ConfirmsHead),
        "read_many": _is(ReadsMany),
        "read_from_snapshot": _is(ReadsFromSnapshot),
        "read_to_fold": _is(ReadsToFold),
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

_TO_PROMISE = frozenset({"notifies", "read_many"})
"""Those that somebody asks the registration for."""

_OTHERS = "promise what the class has: each capability that stands for a method, and no other"


@both("074", MUST, others=f"{_OTHERS}; the base's `read_many` asks for one key after the other")
async def promises_have_their_methods(harness: CacheHarness) -> None:
    """Each capability that stands for a method has it: `read_many`, `watch`, and others."""
    await _expect_methods(harness)


@check("EVENTS-066", MUST, others=_OTHERS)
async def promises_of_events_have_their_methods(harness: EventsHarness) -> None:
    """Each capability that stands for a method has it: `read_many`, and others."""
    await _expect_methods(harness)


@check(
    "PLUG-013",
    MUST,
    others="name the capability in the registration of a class that has `watch`, or a `read_many` "
    "of its own",
)
def methods_are_promised(harness: PackagingHarness) -> None:
    """Who has a method that a capability stands for promises it: `read_many`, `watch`."""
    spec = harness.spec()
    if spec is None:
        raise CannotTell("nothing is registered under the entry point's name: see PLUG-002")
    cls = type(built(harness.subject.reference, spec.kind, "conformance"))
    methods = METHODS[spec.kind]
    found = {name for name in _TO_PROMISE & {*methods} if methods[name](cls)}
    missing = sorted(found - spec.capabilities)
    expect(not missing, f"the capabilities {sorted(found)}", f"no word of {missing}")


async def _expect_methods(harness: Harness[Any]) -> None:  # Any: whichever kind of store
    __tracebackhide__ = True
    cls = type(await harness.make())
    methods = METHODS[harness.subject.kind]
    promised = harness.subject.promised
    missing = sorted(name for name in promised & {*methods} if not methods[name](cls))
    expect(not missing, f"methods for {sorted(promised & {*methods})}", f"none for {missing}")
