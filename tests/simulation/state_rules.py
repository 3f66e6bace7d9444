"""Rules of the states that callers saw: each is one that they may have seen."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from history import Call, End, History, Row, Rule
from rule_parts import Found, Violation, is_fold, kept_rows, saw

_CLOCK_STEP = 1e-6  # seconds; what dates are rounded to


@dataclass(frozen=True, slots=True)
class _Window:
    """The versions of one era that a call may have seen."""

    rows: Sequence[Row]
    lowest: int
    highest: int


def states(history: History) -> Found:
    """Whether each state that a caller saw is one that it may have seen."""
    for call in history.calls:
        windows = _windows(history, call)
        if call.end is End.NOT_FOUND and call.sees:
            lowest = min(window.lowest for window in windows)
            if (call.asked_version or 0) <= lowest:
                yield Violation(Rule.AS_ASKED, str(call))
        if not saw(call):
            continue
        reached = [window for window in windows if call.version <= window.highest]
        folds = [window for window in reached if is_fold(call, window.rows)]
        if not folds and any(is_fold(call, r) for r in history.eras(call.aggregate)[: call.forgot]):
            yield Violation(Rule.FORGOTTEN, str(call))
        elif not reached:
            yield Violation(Rule.NOT_AHEAD, str(call))
        elif not folds:
            yield Violation(Rule.PREFIX, str(call))
        elif call.asked_version is None and all(w.lowest > call.version for w in folds):
            yield Violation(Rule.FRESH, str(call))
        if call.asked_version not in (None, call.version):
            yield Violation(Rule.AS_ASKED, str(call))


def own_writes(history: History) -> Found:
    calls = [call for call in history.calls if saw(call) and call.asked_version is None]
    seen, committed = _latest(calls), _latest([call for call in calls if call.amounts])
    for call in calls:
        latest = _before(call, seen)
        if latest is not None and _is_forgotten(call, latest, history.calls):
            latest = _before(call, committed) if call.are_commits_known else None
        if latest is not None and latest.version > call.version:
            yield Violation(Rule.OWN_WRITES, f"{call} after {latest}")


_Seen = Mapping[tuple[int, str, int], Sequence[Call]]


def _latest(calls: Sequence[Call]) -> _Seen:
    """The calls by process, stream and era as they ended, each with the latest state so far."""
    seen: dict[tuple[int, str, int], list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.ended):
        # What a cache holds of an earlier era is no state of this one.
        if call.is_remembered and (call.max_age == 0 or call.era_before == 0):
            latest = seen[call.process, call.aggregate, call.era_before]
            is_later = not latest or call.version >= latest[-1].version
            latest.append(call if is_later else replace(latest[-1], ended=call.ended))
    return seen


def _before(call: Call, seen: _Seen) -> Call | None:
    """The latest state that the process had seen when the call began."""
    latest = seen.get((call.process, call.aggregate, call.era_after), ())
    index = bisect_left(latest, call.asked or call.began, key=lambda other: other.ended) - 1
    return latest[index] if index >= 0 else None


def _windows(history: History, call: Call) -> list[_Window]:
    """The versions that the call may have seen, by era."""
    eras = history.eras(call.aggregate)
    kept = kept_rows(eras)
    windows = []
    for era in range(call.forgot if call.max_age != 0 else call.era_before, call.era_after + 1):
        lowest, highest = kept[era], len(eras[era])
        if era == call.era_before:
            lowest = call.head_before
        if era == call.era_after:
            highest = call.head_after
        if call.max_age != 0:
            # A cache may still hold what was rolled back, and call it the head.
            is_any = call.max_age is None or call.era_after > 0
            lowest = 0 if is_any else _lowest_of_age(call, eras[era])
        windows.append(_Window(eras[era], lowest, highest))
    return windows


def _lowest_of_age(call: Call, rows: Sequence[Row]) -> int:
    moment = call.began_at - (call.max_age or 0) - _CLOCK_STEP
    return len([1 for row in rows[: call.head_before] if row.stood_at < moment])


def _is_forgotten(call: Call, latest: Call, calls: Sequence[Call]) -> bool:
    """Whether the process may have got to know too many other streams between the two calls."""
    if not call.heads_known:
        return False
    others = {
        other.aggregate
        for other in calls
        if other.process == call.process
        and other.aggregate != call.aggregate
        and other.began < call.ended
        and (other.end is End.OPEN or other.ended > latest.began)
    }
    return call.heads_known <= len(others)
