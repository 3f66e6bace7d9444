"""Broken backends in a file: what a lock, a failing disk and many lives make of them."""

from collections.abc import Iterator

from interlock_conformance.gallery.mutants import Mutant, in_a_file

_IN_THREAD = "return await asyncio.shield(loop.run_in_executor(self._thread, work))"
_FETCH = "found: list[Any] = self.connection.execute(statement, values).fetchall()"
_CONNECT = """
self.connection = sqlite3.connect(
    self._path, timeout=self._seconds, isolation_level=None, check_same_thread=False
)
"""
_UNREADABLE = """
raise BackendUnavailableError(f"the file can't be read: {error}") from error
"""
_UNWRITTEN = """
raise BackendUnavailableError(message, nothing_done=not is_committing) from error
"""
_CLOSING = """
await asyncio.get_running_loop().run_in_executor(thread, self.connection.close)
"""

# The file is one text for the three kinds: a bug in it is a bug of each.
_OF_THE_FILE = (
    ("waits-for-locks-on-the-loop", "150", "File._in_thread", _IN_THREAD, "return work()"),
    (
        "writes-in-the-thread-alone",
        "150",
        "File.rows",
        "return await self._in_thread(lambda: self._fetch(statement, values))",
        "return self._fetch(statement, values)",
    ),
    (
        "locked-puts-are-left-out",
        "151",
        "File._transact",
        "if isinstance(error, sqlite3.Error):",
        """
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return None
        if isinstance(error, sqlite3.Error):
        """,
    ),
    (
        "locked-is-a-miss",
        "151",
        "File._fetch",
        _UNREADABLE,
        f"""
        if "locked" in str(error):
            return []
        {_UNREADABLE.strip()}
        """,
    ),
    ("drivers-error-leaves-reads", "152", "File._fetch", _UNREADABLE, "raise"),
    ("what-fails-is-a-miss", "152", "File._fetch", _UNREADABLE, "return []"),
    (
        "keeps-its-connection",
        "153",
        "File.close",
        _CLOSING,
        'globals().setdefault("left", []).append(self.connection)',
    ),
    (
        "a-connection-for-each-read",
        "153",
        "File._fetch",
        _FETCH,
        f"""
        globals().setdefault("left", []).append(self.connection)
        self._connect()
        {_FETCH}
        """,
    ),
)


def _of_the_file() -> Iterator[Mutant]:
    events = {"150": "140", "153": "144"}
    for name, number, *edit in _OF_THE_FILE:
        for kind in ("CACHE", "SNAP"):
            yield in_a_file(name, f"{kind}-{number}", *edit)
        if number in events:
            yield in_a_file(name, f"EVENTS-{events[number]}", *edit)


BAD_DAY_MUTANTS = (
    *_of_the_file(),
    in_a_file(
        "busy-is-a-conflict",
        "EVENTS-141",
        "File._transact",
        _UNWRITTEN,
        """
        if "locked" in str(error):
            raise ConcurrencyError(message) from error
        raise BackendUnavailableError(message, nothing_done=not is_committing) from error
        """,
    ),
    in_a_file(
        "locked-out-and-acknowledged",
        "EVENTS-141",
        "Events.append",
        "await self.file.change(append)",
        """
        try:
            await self.file.change(append)
        except BackendUnavailableError as error:
            if not error.nothing_done:
                raise
        """,
    ),
    in_a_file(
        "asks-who-was-first",
        "EVENTS-141",
        "Events.append",
        "await self.file.change(append)",
        """
        try:
            await self.file.change(append)
        except BackendUnavailableError as error:
            raise ConcurrencyError("somebody else has written meanwhile") from error
        """,
    ),
    in_a_file("what-fails-has-no-head", "EVENTS-142", "File._fetch", _UNREADABLE, "return []"),
    in_a_file(
        "a-page-that-fails-is-the-last",
        "EVENTS-142",
        "Events.read",
        """
        while rows := await self.file.rows(_PAGE, stream, first, bound):
            yield rows
            first = rows[-1][0] + 1
        """,
        """
        with suppress(BackendUnavailableError):
            while rows := await self.file.rows(_PAGE, stream, first, bound):
                yield rows
                first = rows[-1][0] + 1
        """,
    ),
    in_a_file(
        "every-error-did-nothing",
        "EVENTS-143",
        "File._transact",
        _UNWRITTEN,
        "raise BackendUnavailableError(message, nothing_done=True) from error",
    ),
    in_a_file(
        "commits-again-and-meets-itself",
        "EVENTS-143",
        "Events.append",
        "await self.file.change(append)",
        """
        try:
            await self.file.change(append)
        except BackendUnavailableError:
            await self.file.change(append)
        """,
    ),
    in_a_file(
        "undoes-what-it-has-committed",
        "EVENTS-143",
        "File._transact",
        "is_committing = True",
        "is_committing = self.connection.total_changes == 0",
    ),
)
