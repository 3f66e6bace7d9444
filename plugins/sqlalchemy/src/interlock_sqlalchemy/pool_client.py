"""Makes calls on pooled connections, repeats some, and translates the driver's errors."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from interlock.backends import (
    BackendUnavailableError,
    ConfigurationError,
    InterlockError,
    RecordTooLargeError,
)
from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import RefusedError
from interlock_sqlalchemy.drivers import Connection
from interlock_sqlalchemy.error_kinds import ErrorKind, NotPrimaryError, WrongAccessError
from interlock_sqlalchemy.pool import (
    Pool,
    PooledConnection,
    PoolEmptyError,
    ServerDialect,
    join,
    leave,
)

T = TypeVar("T")

_PAUSE_SECONDS = 0.005
_OPTIONS = "check what follows the ? in the url"

_OUTCOME_UNKNOWN = (ErrorKind.LOST, ErrorKind.ABORTED)
"""After these the outcome of a write is left to be found out, or the write to be repeated."""


class PoolClient:
    """One backend's use of the pool."""

    def __init__(
        self, dialect: ServerDialect, config: SQLAlchemyConfig, *, needs_primary: bool
    ) -> None:
        self._dialect = dialect
        self._config = config
        self._needs_primary = needs_primary
        self._pool: Pool | None = None

    @property
    def pool(self) -> Pool:
        """Get the pool. Raises `BackendUnavailableError` before `open` and after `close`."""
        if self._pool is None:
            raise BackendUnavailableError(f"{self._dialect.name} isn't open", nothing_done=True)
        if self._pool.loop is not asyncio.get_running_loop():
            raise ConfigurationError(
                f"{self._dialect.name} was opened by another event loop; build another backend "
                "for this one"
            )
        return self._pool

    def open(self) -> None:
        """Join the pool of the URL."""
        if self._pool is not None and not self._pool.loop.is_closed():
            raise ConfigurationError(
                f"{self._dialect.name} is open already; give each application a backend of its own"
            )
        try:
            self._pool = join(self._dialect, self._config)
        except ValueError as error:
            raise ConfigurationError(f"{self._message(error, 'use')}; {_OPTIONS}") from error

    async def close(self) -> None:
        """Leave the pool."""
        pool, self._pool = self._pool, None
        if pool is not None and leave(pool):
            await pool.close()

    def abort(self) -> None:
        """Leave the pool, and abort its connections if nobody else uses it."""
        pool, self._pool = self._pool, None
        if pool is not None and leave(pool):
            pool.abort()

    async def call(
        self,
        call: Callable[[Connection], Awaitable[T]],
        doing: str,
        *,
        repeat_after: Collection[ErrorKind] = (),
        attempts: int = 2,
    ) -> T:
        """Make a call on a connection, again after errors of the kinds `repeat_after`."""
        for attempt in range(attempts - 1):
            try:
                async with self._connection() as connection:
                    return await call(connection)
            except (InterlockError, RefusedError):
                raise
            except Exception as error:
                error_kind = self.error_kind(error)
                if error_kind not in repeat_after:
                    raise self.translate(error, doing) from error
                if error_kind is ErrorKind.ABORTED:  # by somebody else's, which needs time to end
                    await asyncio.sleep(random.random() * _PAUSE_SECONDS * 2**attempt)  # noqa: S311 # no secret
        try:
            async with self._connection() as connection:
                return await call(connection)
        except (InterlockError, RefusedError):
            raise
        except Exception as error:
            raise self.translate(error, doing) from error

    async def check_own_session(self, other: Connection) -> None:
        """Raise `WrongAccessError` if another connection shares a server session with ours."""
        async with self._connection() as connection:
            if await self._dialect.shares_session(connection, other):
                raise WrongAccessError(f"{self._dialect.name}: {self._dialect.sharing_message}")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        pool = self.pool
        pooled = await self._take(pool)
        try:
            yield pooled.connection
        except BaseException as error:
            self._give_back(pool, pooled, error)
            raise
        else:
            pool.give_back(pooled)

    async def _take(self, pool: Pool) -> PooledConnection:
        try:
            pooled = await pool.take()
        except PoolEmptyError as error:
            found = f"all {pool.size} connections to {self._dialect.name} are in use"
            why = (
                f", and none came back within {pool.wait_seconds:g} s: the server or the network "
                "doesn't answer"
                if pool.is_stuck
                else "; raise pool_size"
            )
            raise BackendUnavailableError(f"{found}{why}", nothing_done=True) from error
        except InterlockError:
            raise
        except Exception as error:
            raise self._unreachable(error) from error
        unfit_reason = pooled.unfit_reason if self._needs_primary else None
        if unfit_reason is not None:
            pool.drop(pooled)
            raise NotPrimaryError(
                f"{self._dialect.name} can't keep events: {unfit_reason}",
                nothing_done=True,
            )
        return pooled

    def _give_back(self, pool: Pool, pooled: PooledConnection, error: BaseException) -> None:
        if isinstance(error, (InterlockError, RefusedError)):
            pool.give_back(pooled)
        elif not isinstance(error, Exception):  # cancelled: something may still be on its way
            pool.drop(pooled)
        elif self.error_kind(error) in (ErrorKind.LOST, ErrorKind.NOT_PRIMARY, ErrorKind.STALE):
            pool.drop(pooled)
            pool.mark_broken()
        else:
            pool.give_back(pooled)

    def error_kind(self, error: BaseException) -> ErrorKind:
        """Classify a driver's error, also one that SQLAlchemy wraps."""
        return self._dialect.error_kind(_original(error))

    def _unreachable(self, error: Exception) -> InterlockError:
        error_kind = self.error_kind(error)
        message = self._message(error, "connect to")
        if error_kind is ErrorKind.WRONG_USER:
            return WrongAccessError(f"{message}; check the url's user and password")
        if error_kind is ErrorKind.NO_RIGHT:
            return WrongAccessError(f"{message}; grant it to the url's user")
        if error_kind is ErrorKind.WRONG_OPTION or _is_wrong_value(_original(error)):
            return WrongAccessError(f"{message}; {_OPTIONS}")
        if error_kind is ErrorKind.STALE:
            return WrongAccessError(message)
        if error_kind is ErrorKind.NO_DATABASE:
            return WrongAccessError(f"{message}; create the database, or name another one")
        if isinstance(_original(error), FileNotFoundError):  # it names none
            message += "; see that the files are there which the url names, or its socket"
        return BackendUnavailableError(message, nothing_done=True)

    def translate(self, error: Exception, doing: str) -> Exception:
        """Make the error to raise for a driver's error."""
        error_kind, message = self.error_kind(error), self._message(error, doing)
        if error_kind is ErrorKind.STALE and doing == "open":
            return WrongAccessError(message)
        if error_kind is ErrorKind.CONFLICT:
            return RefusedError(message)
        if error_kind is ErrorKind.TOO_LARGE:
            return RecordTooLargeError(message)
        return BackendUnavailableError(message, nothing_done=error_kind not in _OUTCOME_UNKNOWN)

    def _message(self, error: BaseException, doing: str) -> str:
        original = _original(error)
        advice = self._dialect.advice(original)
        text = str(original).strip() or type(original).__name__
        return f"can't {doing} {self._dialect.name}: {text}" + (f"; {advice}" if advice else "")


def _original(error: BaseException) -> BaseException:
    """The driver's own error."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig
    return error


def _is_wrong_value(error: BaseException) -> bool:
    """Whether a driver can't use an option's value; SQLAlchemy gives asyncpg's as a cause."""
    found = (error, error.__cause__)
    # A certificate that isn't taken is both an OSError and a ValueError.
    return any(isinstance(each, ValueError) and not isinstance(each, OSError) for each in found)
