"""Rules of what stands in the event store, and of what callers were told of their commands."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from history import Call, End, History, Row, Rule
from rule_parts import Found, Violation, commands, folded, kept_rows, state_of


def streams(history: History) -> Found:
    everything = [row for rows in history.streams.values() for row in rows]
    for at_once in (everything, *(rows for eras in history.past.values() for rows in eras)):
        for event_id in _repeated(row.event_id for row in at_once):
            yield Violation(Rule.ONE_ID, event_id)
    for name in history.streams:
        for rows in history.eras(name):
            versions = [row.version for row in rows]
            if versions != list(range(1, len(rows) + 1)):
                yield Violation(Rule.CONTIGUOUS, f"{name}: {versions}")


def events(history: History) -> Found:
    """What stands is of commands, whole, once, and decided on what stood before."""
    asked = {(call.aggregate, call.command): call for call in commands(history)}
    for name in history.streams:
        eras = history.eras(name)
        gone: set[str] = set()
        stood: dict[str, int] = {}  # where a command stood last
        for era, (rows, kept) in enumerate(zip(eras, kept_rows(eras), strict=True)):
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
                # A request of which another copy was answered may come when that is rolled back;
                # so may one on an earlier head, after which the command was decided anew.
                index = rows.index(run[0])
                is_late_copy = run[0].event_id in gone or index < stood.get(run[0].command, 0)
                if index >= kept and not is_late_copy:
                    yield from _time(call, rows, run, era)
            gone.update(row.event_id for row in rows)
            stood |= {run[0].command: rows.index(run[0]) for run in runs}


def outcomes(history: History) -> Found:
    """Whether what callers were told of their commands is what stands."""
    for call in commands(history):
        eras = history.eras(call.aggregate)[call.era_before : call.era_after + 1]
        ends = [
            (rows, max(index for index, row in enumerate(rows) if row.command == call.command) + 1)
            for rows in eras
            if any(row.command == call.command for row in rows)
        ]
        if call.end is End.ACKNOWLEDGED and call.amounts:
            if not ends:
                yield Violation(Rule.ACKNOWLEDGED, str(call))
            elif all(state_of(call) != folded(rows, version) for rows, version in ends):
                yield Violation(Rule.ANSWER, str(call))
        elif (
            call.end in (End.FAILED, End.CONFLICT, End.REFUSED) and ends and ends[-1][0] is eras[-1]
        ):
            # One that was rolled back while its command ran may have stood before.
            yield Violation(Rule.NOT_DONE, str(call))


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
