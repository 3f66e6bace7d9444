"""Calls diskcache from an event loop, in threads where needed, and translates its errors."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

from diskcache import Cache, Timeout  # type: ignore[import-untyped] # it ships no types

from interlock.backends import BackendUnavailableError, InterlockError, RecordUnusableError
from interlock_diskcache_cache.opening import START_ANEW, open_cache
from interlock_diskcache_cache.size import trim

T = TypeVar("T")
Work = Callable[[Cache], T]

_POLL = 0.002  # seconds between two looks at a lock
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_LOST = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
}
_ADVICE = {
    sqlite3.SQLITE_BUSY: "another process kept its lock; find it, or raise timeout",
    sqlite3.SQLITE_LOCKED: "another process kept its lock; find it, or raise timeout",
    sqlite3.SQLITE_READONLY: "make the directory and its files writable for this user",
    sqlite3.SQLITE_FULL: "free space on its disk, or lower size_limit",
    sqlite3.SQLITE_CANTOPEN: "its directory must be there, and let this user open files",
    sqlite3.SQLITE_NOTADB: START_ANEW,
    sqlite3.SQLITE_CORRUPT: START_ANEW,
    sqlite3.SQLITE_IOERR: "look at its disk",
}


def read_value(cache: Cache, name: str) -> bytes | None:
    """Read the value of a key. Raises `RecordUnusableError` if it isn't bytes."""
    try:
        value: bytes | None = cache.get(name)
    except sqlite3.OperationalError as error:
        if hasattr(error, "sqlite_errorcode"):
            raise
        # The driver's own complaint about a column, not SQLite's.
        raise RecordUnusableError(f"another program's entry: {error}") from error
    return value


class Client:
    """Reads on the loop's thread, where they take microseconds; writes in a thread of its own.

    No read waits for another process's lock: one that would have to goes on in the thread.
    """

    def __init__(self, directory: Path, *, size_limit: int, lock_timeout: float) -> None:
        self._file = directory / "cache.db"
        self._size_limit = size_limit
        self._lock_timeout = lock_timeout
        self._executor: ThreadPoolExecutor | None = None
        self._cache: Cache | None = None  # the thread's affair; diskcache connects each thread
        self._identity: tuple[int, int] | None = None
        self._loop_cache: Cache | None = None  # what the loop's thread has a connection of

    async def open(self) -> None:
        """Connect. If that fails, each call tries again, until `close`."""
        self._executor = ThreadPoolExecutor(1, "interlock-diskcache")
        await self._submit(lambda _: None, is_write=False)

    async def close(self) -> None:
        """Disconnect once running writes have ended."""
        executor, self._executor = self._executor, None
        if executor is None:
            return
        if self._loop_cache is not None:
            self._loop_cache.close()
            self._loop_cache = None
        # Nothing in the thread waits longer than for a lock, which the deadlines bound.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(executor, self._disconnect))
        executor.shutdown()

    async def read(self, work: Work[T]) -> T:
        """Run work that only reads."""
        cache = self._cache
        if cache is not self._loop_cache:
            if self._loop_cache is not None:
                self._loop_cache.close()
            self._loop_cache = cache
        if cache is not None and self._executor is not None:
            try:
                return work(cache)
            except InterlockError:
                raise
            except Exception:  # noqa: BLE001 the thread waits, connects anew, or says what it is
                cache.close()
        return await self._submit(work, is_write=False)

    async def write(self, work: Work[T]) -> T:
        """Run work that writes, in a transaction that finishes even if its caller is cancelled."""
        done = await self._submit(work, is_write=True)
        if self._executor is not None:
            self._executor.submit(self._trim, self._executor)
        return done

    async def _submit(self, work: Work[T], *, is_write: bool) -> T:
        if self._executor is None:
            raise BackendUnavailableError(f"the cache in {self._file.parent} isn't open")
        deadline = time.monotonic() + self._lock_timeout

        def run() -> T:
            return self._run(work, deadline, is_write=is_write)

        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._executor, run))

    def _run(self, work: Work[T], deadline: float, *, is_write: bool) -> T:
        while True:
            try:
                cache = self._current_cache()
                with cache.transact() if is_write else nullcontext():
                    return work(cache)
            except InterlockError:
                raise
            except Exception as error:
                cause = _first_cause(error)
                code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
                if code not in _BUSY or time.monotonic() >= deadline:
                    self._recover(code)
                    raise self._unavailable(cause, code) from error
            time.sleep(_POLL)

    def _current_cache(self) -> Cache:
        """Get the cache, opened again if its files were deleted."""
        if self._cache is None or self._identity != _identity(self._file):
            self._disconnect()
            self._cache = open_cache(self._file.parent, self._size_limit)
            self._identity = _identity(self._file)
        return self._cache

    def _recover(self, code: int) -> None:
        # A commit that failed leaves its transaction open, and with it the lock.
        if self._cache is not None:
            self._cache.close()
        if code in _LOST:
            self._cache = None

    def _disconnect(self) -> None:
        if self._cache is not None:
            self._cache.close()
            self._cache = None

    def _trim(self, executor: ThreadPoolExecutor) -> None:
        cache = self._cache
        if cache is None:
            return
        try:
            if trim(cache, self._size_limit):
                executor.submit(self._trim, executor)  # after those who wait by now
        except Timeout:
            pass  # somebody else writes, and trims
        except Exception:  # noqa: BLE001 the next write finds out what it is, or it was closed
            cache.close()

    def _unavailable(self, cause: BaseException, code: int) -> BackendUnavailableError:
        advice = _ADVICE.get(code)
        said = f"the cache in {self._file.parent}: {str(cause) or repr(cause)}"
        return BackendUnavailableError(said if advice is None else f"{said}; {advice}")


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 # half the time of Path's
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _first_cause(error: BaseException) -> BaseException:
    """Find SQLite's first error, which diskcache hides behind a timeout or a failed rollback."""
    while isinstance(error.__context__, sqlite3.Error):
        error = error.__context__
    return error
