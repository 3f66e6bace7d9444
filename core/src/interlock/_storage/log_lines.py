"""Log lines with fields, limited in rate."""

import logging
import time
from collections.abc import Callable, Hashable
from enum import Enum
from typing import NamedTuple
from uuid import UUID

_QUIET_SECONDS = 60.0
_KINDS = 1_000


class Limit(Enum):
    """How a line is limited in rate."""

    COUNTED = "counted"
    """One that is left out is counted by the next of its kind."""

    AGAIN = "again"
    """It was counted before, and is logged if the minute is over."""

    NONE = "none"
    """It is logged always."""


class _Told(NamedTuple):
    """When the last line of a kind was logged, and how many were left out since."""

    at: float
    left_out: int = 0


class LogLines:
    """The log of one distribution: `plugin` is its package, and the logger's name.

    Every record has the fields `event`, `plugin`, `store`, `aggregate_type`, `aggregate_id` and
    `occurrences`; those that don't apply are None. Of lines of one kind the first is logged, and
    then one a minute, which says how many were left out; its `occurrences` counts them too. Lines
    are of one kind if they have the same event, plugin, aggregate type and `kind`. May be called
    from any thread.
    """

    def __init__(self, plugin: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._plugin = plugin
        self._logger = logging.getLogger(plugin)
        self._clock = clock
        self._told: dict[Hashable, _Told] = {}

    def warning(
        self,
        event: str,
        message: str,
        *,
        plugin: str | None = None,
        store: str | None = None,
        aggregate_type: str | None = None,
        aggregate_id: UUID | None = None,
        kind: Hashable = None,
        limit: Limit = Limit.COUNTED,
        level: int = logging.WARNING,
    ) -> bool:
        """Whether the line was logged, or this level isn't; if not, the next one counts it.

        `event` names what happened in a few words that don't change. `plugin` is the package of the
        backend that it happened to, if that isn't the one whose log this is.
        """
        if not self._logger.isEnabledFor(level):
            return True
        plugin, more, since = plugin or self._plugin, 0, 0.0
        if limit is not Limit.NONE:
            of_kind = event, plugin, aggregate_type, kind
            is_new = limit is Limit.COUNTED
            now, told = self._clock(), self._told.pop(of_kind, None)
            if told is not None and now - told.at < _QUIET_SECONDS:
                self._told[of_kind] = _Told(told.at, told.left_out + is_new)
                return False
            if len(self._told) >= _KINDS:
                self._told.pop(next(iter(self._told)), None)
            self._told[of_kind] = _Told(now)
            if told is not None and told.left_out:
                more, since = told.left_out - (not is_new), now - told.at
        fields = {
            "event": event,
            "plugin": plugin,
            "store": store,
            "aggregate_type": aggregate_type,
            "aggregate_id": aggregate_id,
            "occurrences": more + 1,
        }
        if more:
            message = f"{message} ({more} more in {since:.0f} s)"
        self._logger.log(level, "%s", message, extra=fields)
        return True

    def info(
        self, event: str, message: str, *, store: str | None = None, kind: Hashable = None
    ) -> bool:
        """As `warning`, with the level of what needs nobody's attention."""
        return self.warning(event, message, store=store, kind=kind, level=logging.INFO)

    def debug(
        self, event: str, message: str, *, store: str | None = None, kind: Hashable = None
    ) -> bool:
        """As `warning`, with the level of what helps in a search."""
        return self.warning(event, message, store=store, kind=kind, level=logging.DEBUG)


class OutageLines:
    """Logs an outage by two lines, when it begins and when it ends, or not at all.

    Those that begin within a minute of another one's line are only counted by the next, unless they
    last: so what the log says last is how it is. `log` writes a line of an event, limited so.
    """

    def __init__(self, log: Callable[[str, str, Limit], bool]) -> None:
        self._log = log
        self._is_logged = False

    def began(self, event: str, message: str) -> None:
        """Log that an outage began."""
        self._is_logged = self._log(event, message, Limit.COUNTED)

    def goes_on(self, event: str, message: str) -> None:
        """Log that it began, if that was left out."""
        if not self._is_logged:
            self._is_logged = self._log(event, message, Limit.AGAIN)

    def ended(self, event: str, message: str) -> None:
        """Log that it ended."""
        if self._is_logged:
            self._is_logged = False
            self._log(event, message, Limit.NONE)

    def forget(self) -> None:
        """Log no end of it."""
        self._is_logged = False
