"""Reports of loads for observers, counters, and log lines."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from interlock._model.strategies import Freshness
from interlock._values.masking import Masking
from interlock.errors import StateNotKeptError

logger = logging.getLogger("interlock")
_TOLD = 1_000  # losses
_QUIET_SECONDS = 60.0


class Source(StrEnum):
    """The source of the state that a load starts from."""

    CACHE = "cache"
    SNAPSHOT = "snapshot"
    EMPTY = "empty"


class Reason(StrEnum):
    """Why a baseline wasn't taken."""

    ABSENT = "absent"
    TOO_LARGE = "too-large"  # absent: the last state was above the store's limit
    NOT_KEPT = "not-kept"  # the last state doesn't come back from its record as it was
    NOT_WRITTEN = "not-written"  # there would be a newer one, but its write failed
    UNAVAILABLE = "unavailable"
    UNUSABLE = "unusable"
    BELOW_FLOOR = "below-floor"  # this process has committed or returned a later version
    NOT_IN_STREAM = "not-in-stream"  # no event stands at its version
    OTHER_BRANCH = "other-branch"  # another event stands at its version


@dataclass(frozen=True, slots=True)
class Miss:
    """A baseline that wasn't taken."""

    source: Source
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """How one load went. Loads that share a flight share its report.

    `is_current` tells whether the tail was read; `phases` are the times of the cache, snapshot and
    tail reads that were made (the tail's includes folding), and of the wait for a slot, if any.
    """

    aggregate_type: str
    aggregate_id: UUID
    asked_version: int | None
    freshness: Freshness
    baseline: Source
    baseline_version: int
    version: int
    events_folded: int
    is_current: bool
    misses: Sequence[Miss]
    phases: Mapping[str, timedelta]


Observer = Callable[[LoadReport], object]


class Reporting:
    """The observers and the counters of an application."""

    def __init__(
        self,
        observers: Sequence[Observer] = (),
        masking: Masking | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.masking = masking or Masking()
        """The secrets that no text of an error tells."""
        self._observers = tuple(observers)
        self.is_observed = bool(observers)
        """Whether anybody listens."""
        self._counters: Counter[str] = Counter()
        self._told: set[tuple[str, str]] = set()
        self._clock = clock
        self._logged: dict[tuple[str, str, type], tuple[float, int]] = {}  # when, how many since

    def count(self, name: str) -> None:
        """Add one to a counter."""
        self._counters[name] += 1

    def failed(self, name: str, error: BaseException, of: tuple[str, UUID] | None = None) -> None:
        """Count and log a failure that reaches no caller.

        Where it is of an aggregate, given by type and id, the next ones of that type and kind are
        logged once a minute, with how many there were.
        """
        self._counters[name] += 1
        count = 0
        extra: dict[str, object] | None = None
        if of is not None:
            kind, now = (name, of[0], type(error)), self._clock()
            logged_at, count = self._logged.get(kind, (now - _QUIET_SECONDS, 0))
            if now - logged_at < _QUIET_SECONDS:
                self._logged[kind] = logged_at, count + 1
                return
            self._logged[kind] = now, 0
            extra = {"aggregate_type": of[0], "aggregate_id": of[1], "failures": count + 1}
        since = f" ({count} more like it since the last such line)" if count else ""
        text = self.masking.text(str(error))
        logger.warning("%s: %s%s", name, text, since, extra=extra)

    def tell_outage(self, name: str, text: str) -> None:
        """Count and log that a store is down, or is back."""
        self._counters[name] += 1
        logger.warning("%s: %s", name, self.masking.text(text))

    def not_kept(self, name: str, aggregate_type: str, error: StateNotKeptError) -> None:
        """Count a state that isn't kept; log the first of each type that would lose this."""
        self._counters[name] += 1
        lost = aggregate_type, error.where
        if lost not in self._told and len(self._told) < _TOLD:
            self._told.add(lost)
            logger.warning("%s", error)

    def counters(self) -> dict[str, int]:
        """A copy of the counters."""
        return dict(self._counters)

    def tell(self, report: LoadReport) -> None:
        """Call every observer; what one raises is counted and logged."""
        for observer in self._observers:
            try:
                observer(report)
            except Exception as error:  # noqa: BLE001 an observer never fails a load
                of = report.aggregate_type, report.aggregate_id
                self.failed("observer.failed", error, of)
