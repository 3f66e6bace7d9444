"""How long a call may take, and the answers that don't come."""

import asyncio

from interlock.backends import BackendUnavailableError

_ATTEMPT_SECONDS = 2.0
"""How long one answer is waited for: a request to a leader that is lost gets none."""


class LostError(Exception):
    """No answer came: what was asked for may have been done, or may be done later."""


class Deadline:
    """The moment at which a call has to end."""

    def __init__(self, seconds: float, where: str) -> None:
        self.seconds = seconds
        self._where = where
        self._clock = asyncio.get_running_loop().time
        self._end = self._clock() + seconds

    def left(self, *, most: float = _ATTEMPT_SECONDS) -> float:
        """The seconds that a step may take. Raises `BackendUnavailableError` when none is left."""
        left = self._end - self._clock()
        if left <= 0:
            raise BackendUnavailableError(f"{self._where}: no answer within {self.seconds:g} s")
        return min(left, most)

    def is_before(self, seconds: float) -> bool:
        """Whether more than so many seconds are left."""
        return self._end - self._clock() > seconds
