"""Writes in one thread; those that wait for each other are committed together."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from sqlalchemy.engine.interfaces import DBAPICursor

from interlock.backends import BackendUnavailableError
from interlock_sqlalchemy.database import Lookup, RefusedError, Step

_TOGETHER = 256
"""How many writes one transaction holds: all of them wait for its end."""


class CommittingDialect(Protocol):
    """What differs between the databases that are written so."""

    begin: str
    driver_error: type[Exception]

    def is_conflict(self, error: Exception) -> bool:
        """Whether a row stands where one was to be inserted."""
        ...

    def unavailable(
        self, error: BaseException | None, doing: str, *, committing: bool = False
    ) -> BackendUnavailableError:
        """What to raise for a driver's error, in a commit or before it."""
        ...


class _Write:
    __slots__ = ("changed", "error", "is_made", "steps")

    def __init__(self, steps: Sequence[Step | Lookup]) -> None:
        self.steps = steps
        self.changed = 0
        self.error: BaseException | None = None
        self.is_made = False


class Commits:
    """Makes the writes of one thread, each all or nothing.

    A commit waits for the disk, whatever is in it. So what waits while one is made is committed
    with the next, each write behind a savepoint: one that is refused is rolled back alone. If
    anything else goes wrong between begin and commit, all are rolled back and made one by one.
    """

    def __init__(self, dialect: CommittingDialect) -> None:
        self._dialect = dialect
        self._waiting: deque[_Write] = deque()

    def enlist(self, steps: Sequence[Step | Lookup]) -> Callable[[DBAPICursor], int]:
        """A job for the thread, which runs the jobs in the order in which they were enlisted."""
        write = _Write(steps)
        self._waiting.append(write)
        return lambda cursor: self._changed(cursor, write)

    def _changed(self, cursor: DBAPICursor, write: _Write) -> int:
        if not write.is_made:
            count = min(len(self._waiting), _TOGETHER)
            self._make(cursor, [self._waiting.popleft() for _ in range(count)])
        if write.error is not None:
            raise write.error
        return write.changed

    def _make(self, cursor: DBAPICursor, writes: Sequence[_Write]) -> None:
        if len(writes) == 1 or not self._make_together(cursor, writes):
            for write in writes:
                self._make_alone(cursor, write)
        for write in writes:
            write.is_made = True

    def _make_alone(self, cursor: DBAPICursor, write: _Write) -> None:
        committing = False
        try:
            cursor.execute(self._dialect.begin)
            write.changed = _run(cursor, write.steps)
            committing = True
            cursor.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 # whoever wrote it gets it
            self._roll_back(cursor)
            write.error = self._told(error, committing=committing)

    def _make_together(self, cursor: DBAPICursor, writes: Sequence[_Write]) -> bool:
        """Whether it is known how they end; if not, nothing was written."""
        begun = committing = False
        try:
            cursor.execute(self._dialect.begin)
            begun = True
            for write in writes:
                cursor.execute("SAVEPOINT its_own")
                try:
                    write.changed = _run(cursor, write.steps)
                except (RefusedError, self._dialect.driver_error) as error:
                    write.error = self._told(error, committing=False)
                    if not isinstance(write.error, RefusedError):
                        raise
                    cursor.execute("ROLLBACK TO its_own")
                cursor.execute("RELEASE its_own")
            committing = True
            cursor.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 # as above
            self._roll_back(cursor)
            if begun and not committing:
                for write in writes:
                    write.error = None
                return False
            for write in writes:  # what was refused, too: by what may not stand
                write.error = self._told(error, committing=committing)
        return True

    def _roll_back(self, cursor: DBAPICursor) -> None:
        with suppress(self._dialect.driver_error):  # what failed may have rolled back already
            cursor.connection.rollback()

    def _told(self, error: BaseException, *, committing: bool) -> BaseException:
        """What is raised for an error, a new object each time."""
        if not isinstance(error, self._dialect.driver_error):
            return error
        told: Exception = (
            RefusedError(str(error))
            if self._dialect.is_conflict(error)
            else self._dialect.unavailable(error, "write", committing=committing)
        )
        told.__cause__ = error
        return told


def _run(cursor: DBAPICursor, steps: Sequence[Step | Lookup]) -> int:
    changed = 0
    for step in steps:
        if isinstance(step, Lookup):
            cursor.execute(step.statement.text, step.statement.bind(step.values))
            changed += _run(cursor, step.then(cursor.fetchall()))
            continue
        rows = [step.statement.bind(values) for values in step.rows]
        cursor.executemany(step.statement.text, rows)
        if step.guarded and cursor.rowcount != step.wanted:
            raise RefusedError(f"{cursor.rowcount} of {step.wanted} rows stored")
        changed += cursor.rowcount
    return changed
