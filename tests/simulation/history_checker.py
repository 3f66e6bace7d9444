"""Holds what callers asked and got against the event store's rows; knows nothing of the core.

A stream that is rolled back or deleted has an era before it and one after; what holds of a stream
holds in each of them. Every rule has a name, which a violation tells together with the history.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from history import Call, End, History, Row, Rule

_CLOCK_STEP = 1e-6  # seconds; what dates are rounded to


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a history breaks, and where."""

    rule: Rule
    where: str


@dataclass(frozen=True, slots=True)
class _Window:
    """The versions of one era that a call may have seen."""

    rows: Sequence[Row]
    lowest: int
    highest: int


Found = Iterator[Violation]


def check(history: History) -> None:
    """Raise `AssertionError` with the rules that the history breaks, and the history."""
    found = violations(history)
    if found:
        said = "\n".join(f"broken: {each.rule}: {each.where}" for each in found)
        raise AssertionError(f"{said}\n{history}")


def violations(history: History) -> list[Violation]:
    """Find every rule that the history breaks."""
    return [violation for rule in _RULES for violation in rule(history)]


def _streams(history: History) -> Found:
    everything = [row for rows in history.streams.values() for row in rows]
    for at_once in (everything, *(rows for eras in history.past.values() for rows in eras)):
        for event_id in _repeated(row.event_id for row in at_once):
            yield Violation(Rule.ONE_ID, event_id)
    for name in history.streams:
        for rows in history.eras(name):
            versions = [row.version for row in rows]
            if versions != list(range(1, len(rows) + 1)):
                yield Violation(Rule.CONTIGUOUS, f"{name}: {versions}")


def _events(history: History) -> Found:
    """What stands is of commands, whole, once, and decided on what stood before."""
    asked = {(call.aggregate, call.command): call for call in _commands(history)}
    for name in history.streams:
        eras = history.eras(name)
        gone: set[str] = set()
        for era, (rows, kept) in enumerate(zip(eras, _kept(eras), strict=True)):
            runs = _runs(rows)
            for command in _repeated(run[0].command for run in runs):
                is_twice = len([1 for row in rows if row.command == command]) > len(
                    asked[name, command].amounts or () if (name, command) in asked else ()
                )
                yield Violation(Rule.ONCE if is_twice else Rule.WHOLE, f"{name}: {command}")
            for run in runs:
                call = asked.get((name, run[0].command))
                if call is None:
                    yield Violation(Rule.FROM_SOMEWHERE, f"{name}: {run[0]}")
                    continue
                yield from _run(call, rows, run)
                # A request of which another copy was answered may come when that is rolled back.
                if rows.index(run[0]) >= kept and run[0].event_id not in gone:
                    yield from _time(call, rows, run, era)
            gone.update(row.event_id for row in rows)


def _run(call: Call, rows: Sequence[Row], run: Sequence[Row]) -> Found:
    amounts = tuple(row.amount for row in run)
    if amounts != call.amounts:
        is_twice = amounts == (call.amounts or ()) * 2
        yield Violation(Rule.ONCE if is_twice else Rule.WHOLE, f"{amounts} of {call}")
    index = rows.index(run[0])
    stood = sum(row.amount for row in rows[:index])
    for row in run:
        if (row.after, row.seen) != (index, stood):
            yield Violation(Rule.ON_THE_HEAD, f"version {index}, balance {stood}: {row}")


def _time(call: Call, rows: Sequence[Row], run: Sequence[Row], era: int) -> Found:
    """Whether events that came in this era did so while their command ran."""
    index = rows.index(run[0])
    is_early = (era, index) < (call.era_before, call.head_before)
    is_late = (era, index + len(run)) > (call.era_after, call.head_after)
    if is_early or (is_late and call.end not in (End.UNKNOWN, End.OPEN)):
        yield Violation(Rule.IN_ITS_TIME, f"{run[0]} of {call}")


def _outcomes(history: History) -> Found:
    """Whether what callers were told of their commands is what stands."""
    for call in _commands(history):
        eras = history.eras(call.aggregate)[call.era_before : call.era_after + 1]
        ends = [
            (rows, max(index for index, row in enumerate(rows) if row.command == call.command) + 1)
            for rows in eras
            if any(row.command == call.command for row in rows)
        ]
        if call.end is End.ACKNOWLEDGED and call.amounts:
            if not ends:
                yield Violation(Rule.ACKNOWLEDGED, str(call))
            elif all(_state(call) != _folded(rows, version) for rows, version in ends):
                yield Violation(Rule.ANSWER, str(call))
        elif (
            call.end in (End.FAILED, End.CONFLICT, End.REFUSED) and ends and ends[-1][0] is eras[-1]
        ):
            # One that was rolled back while its command ran may have stood before.
            yield Violation(Rule.NOT_DONE, str(call))


def _states(history: History) -> Found:
    """Whether each state that a caller saw is one that it may have seen."""
    for call in history.calls:
        windows = _windows(history, call)
        if call.end is End.NOT_FOUND and call.sees:
            lowest = min(window.lowest for window in windows)
            if (call.asked_version or 0) <= lowest:
                yield Violation(Rule.AS_ASKED, str(call))
        if not _saw(call):
            continue
        reached = [window for window in windows if call.version <= window.highest]
        folds = [window for window in reached if _is_fold(call, window.rows)]
        if not folds and any(
            _is_fold(call, r) for r in history.eras(call.aggregate)[: call.forgot]
        ):
            yield Violation(Rule.FORGOTTEN, str(call))
        elif not reached:
            yield Violation(Rule.NOT_AHEAD, str(call))
        elif not folds:
            yield Violation(Rule.PREFIX, str(call))
        elif call.asked_version is None and all(w.lowest > call.version for w in folds):
            yield Violation(Rule.FRESH, str(call))
        if call.asked_version not in (None, call.version):
            yield Violation(Rule.AS_ASKED, str(call))


def _windows(history: History, call: Call) -> list[_Window]:
    """The versions that the call may have seen, by era."""
    eras = history.eras(call.aggregate)
    kept = _kept(eras)
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


def _own_writes(history: History) -> Found:
    calls = [call for call in history.calls if _saw(call) and call.asked_version is None]
    seen: dict[tuple[int, str, int], list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.ended):
        # What a cache holds of an earlier era is no state of this one.
        if call.is_remembered and (call.max_age == 0 or call.era_before == 0):
            latest = seen[call.process, call.aggregate, call.era_before]
            is_later = not latest or call.version >= latest[-1].version
            latest.append(call if is_later else replace(latest[-1], ended=call.ended))
    for call in calls:
        latest = seen[call.process, call.aggregate, call.era_after]
        index = bisect_left(latest, call.began, key=lambda other: other.ended) - 1
        if (
            index >= 0
            and latest[index].version > call.version
            and not _is_forgotten(call, latest[index], history.calls)
        ):
            yield Violation(Rule.OWN_WRITES, f"{call} after {latest[index]}")


def _is_forgotten(call: Call, latest: Call, calls: Sequence[Call]) -> bool:
    """Whether the process may have got to know too many other streams between the two calls."""
    others = {
        other.aggregate
        for other in calls
        if other.process == call.process
        and other.aggregate != call.aggregate
        and other.began < call.ended
        and (other.end is End.OPEN or other.ended > latest.began)
    }
    return 0 < call.heads_known <= len(others)


def _ends(history: History) -> Found:
    for call in history.calls:
        if call.end is End.OPEN:
            yield Violation(Rule.ENDED, str(call))
        elif call.end is End.UNDOCUMENTED or (
            call.end is End.TRUNCATED
            and not call.may_miss_events
            and call.era_before == call.era_after  # else they may have gone between two reads
        ):
            yield Violation(Rule.DOCUMENTED, str(call))
        elif call.end is End.FAILED and not (call.may_fail or call.must_fail):
            yield Violation(Rule.SERVED, str(call))
        elif call.must_fail and call.end is not End.FAILED:
            yield Violation(Rule.LIMITED, str(call))


def _work(history: History) -> Found:
    """Whether no more is done than has to be, and no less."""
    for call in history.calls:
        if call.needed is not None and call.rows > call.needed:
            yield Violation(Rule.COST, str(call))
        if call.due is not None and call.end is End.ACKNOWLEDGED:
            before = call.version - len(call.amounts or ())
            is_due = call.version // call.due > before // call.due
            if is_due and call.written < call.version:
                yield Violation(Rule.WRITTEN, str(call))
    for process, calls in history.calls_after_close.items():
        if calls:
            yield Violation(Rule.CLOSED, f"process {process}: {calls} calls")


_RULES: Sequence[Callable[[History], Found]] = (
    _streams,
    _events,
    _outcomes,
    _states,
    _own_writes,
    _ends,
    _work,
)


def _commands(history: History) -> list[Call]:
    return [call for call in history.calls if call.amounts is not None]


def _saw(call: Call) -> bool:
    return call.sees and call.end in (End.ACKNOWLEDGED, End.REFUSED)


def _state(call: Call) -> tuple[int, int]:
    return call.version, call.balance


def _folded(rows: Sequence[Row], version: int) -> tuple[int, int]:
    return version, sum(row.amount for row in rows[:version])


def _is_fold(call: Call, rows: Sequence[Row]) -> bool:
    tags = tuple(row.tag for row in rows[: call.version])
    return (
        call.version <= len(rows)
        and _state(call) == _folded(rows, call.version)
        and call.tags in (None, tags)
    )


def _kept(eras: Sequence[Sequence[Row]]) -> list[int]:
    """How many rows each era has from the one before it."""
    kept = [0]
    for earlier, rows in pairwise(eras):
        same = 0
        while same < min(len(earlier), len(rows)) and earlier[same] == rows[same]:
            same += 1
        kept.append(same)
    return kept


def _runs(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows in groups that follow one another and are of one command."""
    runs: list[list[Row]] = []
    for row in rows:
        if runs and runs[-1][0].command == row.command:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _repeated(names: Iterable[str]) -> list[str]:
    counts: dict[str, int] = defaultdict(int)
    for name in names:
        counts[name] += 1
    return [name for name, count in counts.items() if count > 1]
