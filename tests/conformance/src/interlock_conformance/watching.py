"""Side effects of a backend's calls: pickles, round trips."""

import pickle
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from interlock_conformance.checks import IF, MUST, both, expect
from interlock_conformance.harness import CacheHarness

_listeners: list[list[str]] = []
_is_audited: list[bool] = []


@both(
    "036",
    MUST,
    plain=("CACHE", "SNAP"),
    others="store `record.to_bytes()`; set the driver's serializer to raw bytes, and where it has "
    "none that never pickles, use another driver",
)
def no_pickle_is_reached(harness: CacheHarness) -> None:
    """Neither putting nor reading pickles or unpickles anything, not even bytes."""
    with pickles() as reached:
        harness.run(_put_and_read(harness))
    expect(not reached, "no call of pickle", f"calls of {', '.join(sorted({*reached}))}")


async def _put_and_read(harness: CacheHarness) -> None:
    store, key = await harness.open(), harness.key()
    await store.put(key, harness.record(key, 5))
    await store.read(key)
    await store.read_many([key])


@contextmanager
def pickles() -> Iterator[list[str]]:
    """Which functions of pickle are called in the block, in this thread and in new ones."""
    reached: list[str] = []
    if not _is_audited:
        sys.addaudithook(_audit)  # for good: it can't be removed
        _is_audited.append(True)

    def profile(frame: FrameType, event: str, called: Any) -> None:  # Any: whatever is called
        if event == "call" and frame.f_code.co_filename == pickle.__file__:
            reached.append(frame.f_code.co_qualname)
        elif event == "c_call":
            owner = type(getattr(called, "__self__", None)).__module__
            if "_pickle" in (getattr(called, "__module__", None), owner):
                reached.append(called.__name__)

    before = sys.getprofile()
    threading.setprofile(profile)
    sys.setprofile(profile)
    _listeners.append(reached)
    try:
        yield reached
    finally:
        _listeners.remove(reached)
        sys.setprofile(before)
        threading.setprofile(None)


def _audit(event: str, args: tuple[object, ...]) -> None:
    """Threads that began before the block are heard too."""
    if event == "pickle.find_class":
        for reached in _listeners:
            reached.append(f"find_class{args}")


@both(
    "037",
    IF("round_trips"),
    others="one command, or one statement, by the primary key",
)
async def read_is_one_round_trip(harness: CacheHarness) -> None:
    """A read costs one round trip."""
    store: Any = await harness.open()  # Any: the capability's own attribute
    key = harness.key()
    await store.put(key, harness.record(key, 5))
    before = store.round_trips
    await store.read(key)
    count = store.round_trips - before
    expect(count == 1, "1 round trip", f"{count}")


@both(
    "038",
    IF("round_trips"),
    others="a multi-get; with several servers, one for each at once",
)
async def many_reads_are_one_round_trip(harness: CacheHarness) -> None:
    """`read_many` of eight keys costs one round trip."""
    store: Any = await harness.open()  # Any: as above
    keys = [harness.key() for _ in range(8)]
    for key in keys:
        await store.put(key, harness.record(key, 5))
    before = store.round_trips
    await store.read_many(keys)
    count = store.round_trips - before
    expect(count == 1, "1 round trip", f"{count}")
