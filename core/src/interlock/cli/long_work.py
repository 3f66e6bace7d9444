"""Work that takes long: it shows how far it is, keeps to a rate, and says how it goes on."""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import typer

from interlock.cli.screen import screen_width
from interlock.errors import InterlockError

T = TypeVar("T")

_SHOWN_SECONDS = 0.2
_BAR = 20
_AHEAD = 16
"""So many times as much as is at work may be done behind one that takes long."""

AtOnce = Annotated[int, typer.Option("--concurrency", min=1, metavar="N", help="How many at once.")]
Rate = Annotated[
    float | None,
    typer.Option("--rate", min=0.001, metavar="N", help="How many a second at most."),
]
After = Annotated[
    str | None,
    typer.Option("--after", metavar="ID", help="Begin behind this id, where a run was stopped."),
]

UNCHANGED = "nothing was changed"
ANEW = "nothing was changed; the same command begins anew"
AGAIN = "the same command goes on where it was"
"""What there is to say of work that was stopped."""


def behind(last: UUID | None) -> str:
    """How a run over ascending ids goes on, all of which up to this one are done."""
    return ANEW if last is None else f"go on with --after {last}"


def anew(_: object = None) -> str:
    """How work goes on that counts."""
    return ANEW


def again(_: object = None) -> str:
    """How work goes on that finds what is done already."""
    return AGAIN


class StoppedError(Exception):
    """Ctrl-C ended the work; the text says how it goes on."""


@contextmanager
def stoppable(how: Callable[[], str]) -> Iterator[None]:
    """Make Ctrl-C a `StoppedError` with this text."""
    try:
        yield
    except asyncio.CancelledError:
        raise StoppedError(how()) from None


class Pace:
    """How far some work is, told on a line of the screen, and no faster than `rate` a second.

    Where nobody looks at a screen nothing is told. `total` is how much there is, if that is known.
    """

    def __init__(self, what: str, rate: float | None = None, total: int | None = None) -> None:
        self._what, self._rate, self._total = what, rate, total
        self._began = self._shown_at = monotonic()
        self._is_shown = sys.stderr.isatty()

    async def reach(self, count: int) -> None:
        """So many are done; wait until the rate allows the next."""
        now = monotonic()
        if self._is_shown and now - self._shown_at >= _SHOWN_SECONDS:
            self._shown_at = now
            self._show(self._line(count, now - self._began))
        if self._rate is not None:
            await asyncio.sleep(self._began + count / self._rate - now)  # that is what a rate is

    def show_time(self) -> None:
        """Tell how long it takes so far."""
        if self._is_shown:
            self._show(f"{self._what}, for {monotonic() - self._began:,.0f} s")

    def end(self) -> None:
        """Leave the line as it was."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _show(self, line: str) -> None:
        width = (screen_width(err=True) or 80) - 1
        sys.stderr.write(f"\r\x1b[K{line[:width]}")
        sys.stderr.flush()

    def _line(self, count: int, seconds: float) -> str:
        a_second = count / seconds if seconds else 0.0
        if not self._total:
            return f"{count:,} {self._what}, {a_second:,.0f} a second, for {seconds:,.0f} s"
        done = min(count / self._total, 1.0)
        bar = "#" * round(done * _BAR)
        left = f", {(self._total - count) / a_second:,.0f} s left" if a_second else ""
        return (
            f"[{bar:.<{_BAR}}] {done:4.0%}, {count:,} of {self._total:,} {self._what}, "
            f"{a_second:,.0f} a second{left}"
        )


async def over_all(
    items: AsyncIterator[T],
    work: Callable[[T], Coroutine[None, None, object]],
    *,
    what: str,
    at_once: int,
    rate: float | None = None,
    total: int | None = None,
    how: Callable[[T | None], str],
) -> int:
    """Do the work for each item, so many at once, and no more a second than `rate`; their number.

    It holds no more items than are at work. What is at work when it is stopped, or when one fails,
    is done first. `how` says how it goes on behind the item up to which all are done: on Ctrl-C in
    the `StoppedError`, and in a note of an error of Interlock's.
    """
    run, pace, count = _Running(work, at_once), Pace(what, rate, total), 0
    try:
        async for item in items:
            await run.begin(item)
            count += 1
            await pace.reach(count)
        await run.end()
    except asyncio.CancelledError:
        await run.end()
        raise StoppedError(how(run.last)) from None
    except BaseException as error:
        await run.settle()
        if isinstance(error, InterlockError) and run.last is not None:
            error.add_note(how(run.last))
        raise
    finally:
        pace.end()
    return count


class _Running(Generic[T]):
    """The work that was begun, in order; `last` is the item up to which all is done."""

    def __init__(self, work: Callable[[T], Coroutine[None, None, object]], at_once: int) -> None:
        self._work, self._at_once = work, at_once
        self._running: set[asyncio.Task[object]] = set()
        self._begun: deque[tuple[T, asyncio.Task[object]]] = deque()
        self.last: T | None = None

    async def begin(self, item: T) -> None:
        """Begin one more as soon as there is room; raises what has failed meanwhile."""
        while len(self._running) == self._at_once or len(self._begun) == self._at_once * _AHEAD:
            done, self._running = await asyncio.wait(
                self._running, return_when=asyncio.FIRST_COMPLETED
            )
            for each in done:
                each.result()
            self._advance()
        task = asyncio.create_task(self._work(item))
        self._running.add(task)
        self._begun.append((item, task))

    async def end(self) -> None:
        """Wait for all that was begun. Raises the first failure."""
        await self.settle()
        for _, task in self._begun:
            task.result()

    async def settle(self) -> None:
        """Wait for all that was begun, whatever it comes to."""
        await asyncio.gather(*self._running, return_exceptions=True)
        self._advance()

    def _advance(self) -> None:
        while self._begun and self._begun[0][1].done() and self._begun[0][1].exception() is None:
            self.last = self._begun.popleft()[0]


async def waited(work: Awaitable[T], what: str) -> T:
    """The outcome of work that nothing can be said of but for how long it takes."""
    pace = Pace(what)

    async def tick() -> None:
        while True:
            pace.show_time()
            await asyncio.sleep(_SHOWN_SECONDS)  # until the work is done

    ticking = asyncio.create_task(tick())
    try:
        return await work
    finally:
        ticking.cancel()
        pace.end()
