"""Pages of a file's rows, read on the loop's thread while that is quick."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from interlock_sqlalchemy.database import Page, Row

_SLOW = 0.01
"""Seconds that a page may take on the loop's thread before the rest is left to another one."""


class FilePages:
    """The pages of a read; most reads have one.

    `on_loop` and `in_thread` take the value that the rows come after, and how many of them the
    (first) page has; `on_loop` gives None where it would have to wait. `first` is the first page
    where it was read already. An object and not a generator: the event loop notes each of those.
    """

    __slots__ = ("_after", "_has_read", "_in_thread", "_limit", "_on_loop", "_page", "_rest")

    def __init__(
        self,
        on_loop: Callable[[object, int], Page | None] | None,
        in_thread: Callable[[object, int], AsyncIterator[list[Row]]],
        after: object,
        limit: int,
        first: Page | None,
    ) -> None:
        self._on_loop = on_loop
        self._in_thread = in_thread
        self._after = after
        self._limit = limit
        self._page = first
        self._has_read = False
        self._rest: AsyncIterator[list[Row]] | None = None

    def __aiter__(self) -> "FilePages":
        return self

    async def __anext__(self) -> list[Row]:
        page, self._page = self._page, None
        while self._limit and self._rest is None:
            if page is None:
                if self._has_read:
                    await asyncio.sleep(0)  # other tasks' turn
                page = self._read()
            self._has_read = True
            if page is None:
                self._rest = self._in_thread(self._after, self._limit)
                break
            self._limit = page.limit
            if page.rows:
                self._after = page.rows[-1][0]  # before the caller gets hold of them
                return page.rows
            page = None
        if self._rest is None:
            raise StopAsyncIteration
        return await anext(self._rest)

    def _read(self) -> Page | None:
        if self._on_loop is None:
            return None
        started = time.perf_counter()
        page = self._on_loop(self._after, self._limit)
        if page is None or time.perf_counter() - started > _SLOW:
            self._on_loop = None
        return page
