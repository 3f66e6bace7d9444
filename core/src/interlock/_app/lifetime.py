"""From an application's start to its close, in one event loop of one process."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from interlock.errors import ConfigurationError

_forks = 0
"""How many forks made this process; to look at it costs less than to ask for the process."""


def _count_fork() -> None:
    global _forks  # noqa: PLW0603 it is of the process
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


class Life:
    """The loop and process that an application belongs to; others get `ConfigurationError`."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = self._forks = 0
        self._doing: str | None = None

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """The block starts the application; it is the running loop's, if that succeeds."""
        if self._loop is not None:
            raise ConfigurationError(f"the application is running already{self._ended()}")
        with self._busy("started"):
            yield
            self._loop, self._process = asyncio.get_running_loop(), os.getpid()
            self._forks = _forks

    @contextmanager
    def ending(self) -> Iterator[bool]:
        """The block closes the application, if there is something to close."""
        if self._loop is None:
            if self._doing == "started":
                raise ConfigurationError("the application is being started; close it after that")
            yield False
            return
        self.check()
        with self._busy("closed"):
            self._loop = None
            yield True

    def check(self) -> None:
        """Raise unless the application runs, in this loop and this process."""
        if self._loop is not asyncio.get_running_loop():
            if self._loop is None:
                raise ConfigurationError(
                    "the application isn't running; use it inside `async with app:`"
                )
            raise ConfigurationError(
                f"the application belongs to the event loop that started it{self._ended()}; build "
                "another for this loop"
            )
        if self._forks != _forks:
            raise ConfigurationError(
                f"the application was started by process {self._process}, of which this one is a "
                "fork; build another here, in a new event loop, or start it after the fork"
            )

    def _ended(self) -> str:
        is_over = self._loop is not None and self._loop.is_closed()
        return ", which was closed before the application was" if is_over else ""

    @contextmanager
    def _busy(self, doing: str) -> Iterator[None]:
        if self._doing is not None:
            raise ConfigurationError(
                f"the application is being {self._doing} already; wait until that is done"
            )
        self._doing = doing
        try:
            yield
        finally:
            self._doing = None
