"""Calls to backends: bounded in time, and no driver's error escapes."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from interlock.errors import (
    BackendUnavailableError,
    ConcurrencyError,
    RecordUnusableError,
)

T = TypeVar("T")


async def bounded(what: str, timeout: timedelta | None, answer: Awaitable[T]) -> T:
    """The answer. Raises `BackendUnavailableError` if it is late or an error that isn't a backend's."""
    try:
        if timeout is None:
            return await answer
        async with asyncio.timeout(timeout.total_seconds()):
            return await answer
    except (BackendUnavailableError, RecordUnusableError, ConcurrencyError):
        raise
    except TimeoutError as error:
        raise BackendUnavailableError(f"{what} gave no answer within {timeout}") from error
    except Exception as error:
        raise BackendUnavailableError(f"{what} failed: {error!r}") from error
