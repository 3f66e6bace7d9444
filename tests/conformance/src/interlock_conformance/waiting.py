"""Tells what a check that takes long is doing, while it runs; how long it is waited for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interlock_conformance.checks import Check

LIMIT_SECONDS = 120
"""No check takes longer; one that does hangs."""

SLOW_SECONDS = 3.0
"""After so long a check is told of, and again after each further ten of these."""

_reasons: list[str] = []
_hastes: list[bool] = []


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Name what the check waits for in the block."""
    _reasons.append(what)
    try:
        yield
    finally:
        _reasons.remove(what)


@contextmanager
def hastily() -> Iterator[None]:
    """In the block the first failure found is the one that is told, not the smallest.

    What is broken on purpose isn't waited for as long as what may be correct, and a list that goes
    over more than a page is as long as any.
    """
    _hastes.append(True)
    try:
        yield
    finally:
        _hastes.pop()


def is_hasty() -> bool:
    """Whether `hastily` is at work."""
    return bool(_hastes)


@contextmanager
def told_if_slow(
    check: Check, write: Callable[[str], object], *, after: float = SLOW_SECONDS
) -> Iterator[None]:
    """Write a line when the block takes longer than `after` seconds, and now and then again.

    `write` is called in a thread.
    """
    is_over = threading.Event()

    def tell() -> None:
        pause = after
        while not is_over.wait(pause):
            write(_line(check))
            pause = 10 * after

    thread = threading.Thread(target=tell, name=f"interlock-{check.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _line(check: Check) -> str:
    what = f"; it waits for {_reasons[-1]}" if _reasons else ""
    return (
        f"{check.id} still runs: {check.obligation.removesuffix('.')}{what}; "
        f"it fails after {LIMIT_SECONDS} s"
    )
