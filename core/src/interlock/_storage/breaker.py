"""A circuit breaker: a store that is down isn't asked by every call."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol, runtime_checkable

from interlock._storage.records import RecordKey
from interlock.errors import BackendUnavailableError

_REST_FACTOR = 100
"""A store rests so many times as long as its failed calls took: probes cost a hundredth at most."""
_REST_MIN = 0.1  # seconds


class StoreRestsError(BackendUnavailableError):
    """The store wasn't asked, since it was down a moment ago; nothing was done."""


@runtime_checkable
class RemovesAnyway(Protocol):
    """A cache that may refuse a removal, and makes this one all the same."""

    @property
    def timeout(self) -> timedelta | None:
        """As in `CacheStore`."""
        ...

    async def remove_anyway(self, key: RecordKey) -> None:
        """Remove the entry of the key."""
        ...


@runtime_checkable
class LeavesOut(Protocol):
    """A cache that can tell, without an error, that it would refuse a call."""

    def refusal(self) -> str | None:
        """Why calls are refused now, None if they aren't; it counts as one that was refused."""
        ...

    def leaves_out(self, key: RecordKey) -> bool:
        """Whether a put is left out now; it counts as one that was refused."""
        ...


@runtime_checkable
class NotesOutdated(Protocol):
    """A cache that removes an outdated entry before it is used again, and else soon."""

    def note_outdated(self, key: RecordKey) -> bool:
        """Note that the key's entry is outdated; False if it can't."""
        ...


class Breaker:
    """The circuit breaker of one store. It is closed at first, and lets every call pass.

    After `failures` failed calls in a row it opens: calls are refused while the store rests, which
    is as long as the failed calls took times a factor, `rest_max` at most. Then one call at a time
    passes, as a probe: its answer closes the breaker, its failure makes the store rest again.

    Whoever calls the store gets a ticket of `admit`, and gives it back to `answered`, `failed` or
    `given_up`. Calls that were admitted before the breaker opened don't count any more. Time is
    the event loop's; in another loop the breaker is closed. `report` gets `"opened"`, `"closed"`,
    or `"rests"` for a probe that failed, and a text for the log.
    """

    def __init__(
        self, name: str, *, failures: int, rest_max: timedelta, report: Callable[[str, str], object]
    ) -> None:
        self._name = name
        self._limit = failures
        self._rest_max = rest_max.total_seconds()
        self._report = report
        self._ticket = 0
        self._failures = 0  # in a row
        self._cost = 0.0  # of these, in seconds
        self._is_open = False
        self._loop: asyncio.AbstractEventLoop | None = None  # in which it opened
        self._opened_at = 0.0
        self._rests_until = 0.0
        self._is_probing = False
        self._refused = 0
        self._last_error = ""

    @property
    def is_open(self) -> bool:
        """Whether calls are refused, but for the one that tries the store."""
        return self._is_open

    def start(self) -> None:
        """Begin a new life: close it, if it was opened in another loop."""
        if self._loop is not asyncio.get_running_loop():
            self._close()

    def rest(self) -> float:
        """How many seconds it is until a call may try the store."""
        loop = asyncio.get_running_loop()
        is_resting = self._is_open and loop is self._loop
        return max(0.0, self._rests_until - loop.time()) if is_resting else 0.0

    def refusal(self) -> str | None:
        """Why a call isn't let pass now, None if it may be; it counts as refused."""
        if not self._is_open or not self.rest():
            return None
        self._refused += 1
        return self._refusal(asyncio.get_running_loop().time())

    def admit(self) -> int:
        """Let a call pass; its ticket. Raises `StoreRestsError`."""
        if not self._is_open:
            return self._ticket
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._close()
            return self._ticket
        now = loop.time()
        if self._is_probing or now < self._rests_until:
            self._refused += 1
            raise StoreRestsError(self._refusal(now))
        self._is_probing = True
        self._ticket += 1
        return self._ticket

    def answered(self, ticket: int) -> None:
        """Note that the store answered, be it that it can't do what it was asked for."""
        if self._failures == 0 or ticket != self._ticket:
            return
        if self._is_open:
            down = asyncio.get_running_loop().time() - self._opened_at
            self._report(
                "closed",
                f"{self._name} answers again, after {down:.1f} s; calls skipped: {self._refused}",
            )
        self._close()

    def failed(self, ticket: int, error: str, seconds: float) -> None:
        """Note a call that failed after so many seconds."""
        if ticket != self._ticket:
            return
        self._failures += 1
        self._last_error = error
        if self._is_open:
            self._is_probing = False
            self._report("rests", self._opened_text(self._rest(seconds)))
            return
        self._cost += seconds
        if self._failures < self._limit:
            return
        self._is_open = True
        self._ticket += 1
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._loop.time()
        self._report("opened", self._opened_text(self._rest(self._cost)))

    def given_up(self, ticket: int) -> None:
        """Note a call that tells nothing of the store: its caller gave it up."""
        if ticket == self._ticket:
            self._is_probing = False

    def _rest(self, cost: float) -> float:
        """Let the store rest; the seconds."""
        rest = min(max(_REST_FACTOR * cost, _REST_MIN), self._rest_max)
        self._rests_until = asyncio.get_running_loop().time() + rest
        return rest

    def _close(self) -> None:
        self._failures, self._cost, self._refused = 0, 0.0, 0
        self._is_open = self._is_probing = False
        self._loop = None

    def _opened_text(self, rest: float) -> str:
        return (
            f"{self._name} isn't asked for {rest:.1f} s, after {self._failures} failures in a row; "
            f"the last one: {self._last_error}"
        )

    def _refusal(self, now: float) -> str:
        again = (
            "a call that tries it is under way"
            if self._is_probing
            else f"it is tried again in {self._rests_until - now:.1f} s"
        )
        return (
            f"{self._name} isn't asked: down for {now - self._opened_at:.1f} s, and {again}; the "
            f"last error: {self._last_error}"
        )
