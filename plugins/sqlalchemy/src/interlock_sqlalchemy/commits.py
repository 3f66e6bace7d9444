"""Commits the writes of one thread, several in one transaction where they queue up."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from sqlalchemy.engine.interfaces import DBAPICursor

from interlock.backends import BackendUnavailableError
from interlock_sqlalchemy.database import Lookup, RefusedError, Step

_MAX_TOGETHER = 256
"""How many writes one transaction holds: all of them wait for its end."""


class CommittingDialect(Protocol):
    """Differences between the databases whose writes one thread commits."""

    begin: str
    driver_error: type[Exception]

    def is_interrupted(self, error: Exception) -> bool:
        """Whether another thread interrupted the statement."""
        ...

    def is_conflict(self, error: Exception) -> bool:
        """Whether a row stands where one was to be inserted."""
        ...

    def unavailable(
        self, error: BaseException | str | None, doing: str, *, committing: bool = False
    ) -> BackendUnavailableError:
        """Make the error to raise for a driver's error, in a commit or before it."""
        ...


class Writer(Protocol):
    """The connection that writes."""

    write_cursor: DBAPICursor

    def check_commit(self) -> None:
        """Raise `BackendUnavailableError` unless what was committed stands."""
        ...


class Write:
    """One write: its steps, when it is to have ended, how it ended, and who is told."""

    __slots__ = ("answer", "deadline", "error", "is_done", "is_late", "rows_changed", "steps")

    def __init__(
        self, steps: Sequence[Step | Lookup], answer: "asyncio.Future[int]", deadline: float
    ) -> None:
        self.steps = steps
        self.answer = answer
        self.deadline = deadline
        self.rows_changed = 0
        self.error: BaseException | None = None
        self.is_done = False
        self.is_late = False
        """Whether nobody waits for it any more; set by another thread."""

    def tell(self) -> None:
        """Tell its caller how it ended, on the loop."""
        if self.answer.done():  # cancelled
            return
        if self.error is None:
            self.answer.set_result(self.rows_changed)
        else:
            self.answer.set_exception(self.error)
            self.answer.exception()  # seen: whoever gave it up needn't hear how it failed


class Commits:
    """Commits the writes of one thread, each all or nothing.

    A commit waits for the disk, whatever is in it. So what waits while one is made is committed
    with the next, a write of several statements behind a savepoint: one that is refused is rolled
    back alone. If anything else goes wrong between begin and commit, all are rolled back and made
    one by one.
    """

    def __init__(self, dialect: CommittingDialect) -> None:
        self._dialect = dialect
        self._waiting: deque[Write] = deque()

    def enqueue(self, write: Write) -> None:
        """Queue a write; a job of the thread that is submitted later calls `commit`."""
        self._waiting.append(write)

    def commit(self, writer: Callable[[], Writer]) -> Sequence[Write]:
        """Commit what waits; the writes that ended."""
        ended: list[Write] = []
        while self._waiting:
            count = min(len(self._waiting), _MAX_TOGETHER)
            writes = [self._waiting.popleft() for _ in range(count)]
            try:
                self._commit(writer, writes)
            except BaseException as error:  # noqa: BLE001 # who waits for the writes gets it
                for write in writes:
                    write.error = write.error if write.is_done else error
            ended += writes
        return ended

    def _commit(self, writer: Callable[[], Writer], writes: Sequence[Write]) -> None:
        try:
            if len(writes) == 1 or not self._commit_together(writer(), writes):
                for write in writes:
                    self._commit_alone(writer(), write)
        except BackendUnavailableError as error:  # there is no connection: nothing was done
            for write in writes:
                if not write.is_done:
                    write.error = BackendUnavailableError(str(error), nothing_done=True)
        for write in writes:
            write.is_done = True

    def _commit_alone(self, writer: Writer, write: Write) -> None:
        cursor, is_interrupted = writer.write_cursor, True
        while is_interrupted:  # by what was to hit another one
            committing = False
            if write.is_late:
                write.error = self._dialect.unavailable("it took too long", "write")
                break
            try:
                cursor.execute(self._dialect.begin)
                write.rows_changed = _run(cursor, write.steps)
                committing = True
                cursor.execute("COMMIT")
                is_interrupted = False
                writer.check_commit()
            except BaseException as error:  # noqa: BLE001 # whoever wrote it gets it
                self._roll_back(cursor)
                is_interrupted = not committing and self._is_interrupted(error)
                write.error = self._error_to_raise(error, committing=committing)
            else:
                write.error = None
        write.is_done = True

    def _commit_together(self, writer: Writer, writes: Sequence[Write]) -> bool:
        """Commit several writes at once; False if that failed and nothing was written."""
        cursor = writer.write_cursor
        begun = committing = False
        try:
            cursor.execute(self._dialect.begin)
            begun = True
            for write in writes:
                self._run_among_others(cursor, write)
            committing = True
            cursor.execute("COMMIT")
            writer.check_commit()
        except BaseException as error:  # noqa: BLE001 # as above
            self._roll_back(cursor)
            if begun and not committing:
                for write in writes:
                    write.error = None
                return False
            for write in writes:  # what was refused, too: by what may not stand
                write.error = self._error_to_raise(error, committing=committing)
        return True

    def _run_among_others(self, cursor: DBAPICursor, write: Write) -> None:
        """Run a write that is rolled back alone if it is refused; raises any other error."""
        needs_savepoint = not _is_one_row(write.steps)
        if needs_savepoint:
            cursor.execute("SAVEPOINT its_own")
        try:
            write.rows_changed = _run(cursor, write.steps)
        except (RefusedError, self._dialect.driver_error) as error:
            write.error = self._error_to_raise(error, committing=False)
            if not isinstance(write.error, RefusedError):
                raise
            if needs_savepoint:
                cursor.execute("ROLLBACK TO its_own")
        if needs_savepoint:
            cursor.execute("RELEASE its_own")

    def _roll_back(self, cursor: DBAPICursor) -> None:
        with suppress(self._dialect.driver_error):  # what failed may have rolled back already
            cursor.connection.rollback()

    def _is_interrupted(self, error: BaseException) -> bool:
        return isinstance(error, self._dialect.driver_error) and self._dialect.is_interrupted(error)

    def _error_to_raise(self, error: BaseException, *, committing: bool) -> BaseException:
        """Translate an error to the one to raise, a new object each time."""
        if isinstance(error, BackendUnavailableError):
            return BackendUnavailableError(str(error), nothing_done=error.nothing_done)
        if not isinstance(error, self._dialect.driver_error):
            return error
        translated: Exception = (
            RefusedError(str(error))
            if self._dialect.is_conflict(error)
            else self._dialect.unavailable(error, "write", committing=committing)
        )
        translated.__cause__ = error
        return translated


def _is_one_row(steps: Sequence[Step | Lookup]) -> bool:
    """Whether a write that is refused leaves nothing to roll back."""
    return len(steps) == 1 and isinstance(steps[0], Step) and steps[0].wanted == 1


def _run(cursor: DBAPICursor, steps: Sequence[Step | Lookup]) -> int:
    changed = 0
    for step in steps:
        if isinstance(step, Lookup):
            cursor.execute(step.statement.text, step.statement.bind(step.values))
            changed += _run(cursor, step.then(cursor.fetchall()))
            continue
        if len(step.rows) == 1:
            cursor.execute(step.statement.text, step.statement.bind(step.rows[0]))
        else:
            rows = [step.statement.bind(values) for values in step.rows]
            cursor.executemany(step.statement.text, rows)
        if step.guarded and cursor.rowcount != step.wanted:
            raise RefusedError(f"{cursor.rowcount} of {step.wanted} rows stored")
        changed += cursor.rowcount
    return changed
