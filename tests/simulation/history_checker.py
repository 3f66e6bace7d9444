"""Holds what callers asked and got against the event store's rows; knows nothing of the core.

Every rule has a name, which a violation tells together with the history.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

_CLOCK_STEP = 1e-6  # seconds; what dates are rounded to


class Rule(StrEnum):
    """What holds of every history."""

    CONTIGUOUS = "the versions of a stream are 1, 2, 3 and so on"
    ONE_ID = "no two events have one id"
    FROM_SOMEWHERE = "each event is of a command that was dispatched to its aggregate"
    WHOLE = "the events of a command stand together, all of them, as they were asked for"
    ONCE = "no command stands twice"
    ACKNOWLEDGED = "an acknowledged command stands"
    NOT_DONE = "a command that failed or was refused stands nowhere"
    ON_THE_HEAD = "a command is decided on the state right before its events"
    IN_ITS_TIME = "the events of a command come to stand while it runs, or after an unknown end"
    ANSWER = "the answer of a command is the state after its events"
    PREFIX = "a state is the fold of the events up to its version"
    NOT_AHEAD = "no state has a version that no stream had yet"
    FRESH = "a state isn't older than its freshness allows"
    OWN_WRITES = "a process never sees an earlier state than one that it committed or returned"
    AS_ASKED = "a load of a version gives that version, and fails only if the stream is shorter"
    ENDED = "every call ends, unless its process crashed"
    DOCUMENTED = "a call fails only with an error that is documented for it"


class End(StrEnum):
    """How a call ended."""

    OPEN = "hasn't ended"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused by its handler"
    FAILED = "failed, nothing done"
    UNKNOWN = "unknown"
    NOT_FOUND = "no such version"
    UNDOCUMENTED = "failed in a way that isn't documented"


@dataclass(frozen=True, slots=True)
class Row:
    """An event of the event store; `seen` and `after` are what its command was decided on."""

    version: int
    event_id: str
    command: str
    tag: str
    amount: int
    seen: int
    after: int
    stood_at: float


@dataclass(slots=True)
class Call:
    """What a caller asked, and got.

    `began` and `ended` count the beginnings and ends of all calls; `head_before` and `head_after`
    are how many events the stream had then. `amounts` are those of a command (empty for one that
    only looks), None for a load. `max_age` is the age in seconds that is allowed: 0 for the head,
    None for any.
    """

    process: int
    aggregate: str
    began: int
    began_at: float
    head_before: int
    command: str = ""
    amounts: tuple[int, ...] | None = None
    max_age: float | None = 0.0
    asked_version: int | None = None
    end: End = End.OPEN
    ended: int = 0
    head_after: int = 0
    version: int = 0
    balance: int = 0
    tags: tuple[str, ...] | None = None
    note: str = ""

    def state(self, *, version: int, balance: int, tags: Sequence[str] | None = None) -> None:
        """Note the state that the caller got or was told of."""
        self.version, self.balance = version, balance
        self.tags = None if tags is None else tuple(tags)


@dataclass(slots=True)
class History:
    """The streams by aggregate, and the calls in the order in which they began."""

    streams: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    calls: Sequence[Call] = ()

    def __str__(self) -> str:
        lines = [f"{name}: {row}" for name, rows in self.streams.items() for row in rows]
        return "\n".join(["", *lines, *map(str, self.calls)])


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a history breaks, and where."""

    rule: Rule
    where: str


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
    ids = [(row.event_id, name) for name, rows in history.streams.items() for row in rows]
    for event_id in _repeated(event_id for event_id, _ in ids):
        yield Violation(Rule.ONE_ID, event_id)
    for name, rows in history.streams.items():
        versions = [row.version for row in rows]
        if versions != list(range(1, len(rows) + 1)):
            yield Violation(Rule.CONTIGUOUS, f"{name}: {versions}")


def _events(history: History) -> Found:
    """What stands is of commands, whole, once, and decided on what stood before."""
    asked = {(call.aggregate, call.command): call for call in _commands(history)}
    for name, rows in history.streams.items():
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
    is_late = index + len(run) > call.head_after and call.end not in (End.UNKNOWN, End.OPEN)
    if index < call.head_before or is_late:
        yield Violation(Rule.IN_ITS_TIME, f"{run[0]} of {call}")


def _outcomes(history: History) -> Found:
    """Whether what callers were told of their commands is what stands."""
    for call in _commands(history):
        rows = history.streams.get(call.aggregate, ())
        own = [index for index, row in enumerate(rows) if row.command == call.command]
        if call.end is End.ACKNOWLEDGED and call.amounts:
            if not own:
                yield Violation(Rule.ACKNOWLEDGED, str(call))
            elif _state(call) != _folded(rows, own[-1] + 1):
                yield Violation(Rule.ANSWER, str(call))
        elif call.end in (End.FAILED, End.REFUSED) and own:
            yield Violation(Rule.NOT_DONE, str(call))


def _states(history: History) -> Found:
    """Whether each state that a caller saw is one that it may have seen."""
    for call in history.calls:
        rows = history.streams.get(call.aggregate, ())
        if call.end is End.NOT_FOUND and (call.asked_version or 0) <= call.head_before:
            yield Violation(Rule.AS_ASKED, str(call))
        if not _saw(call):
            continue
        tags = tuple(row.tag for row in rows[: call.version])
        if call.version > call.head_after:
            yield Violation(Rule.NOT_AHEAD, str(call))
        elif _state(call) != _folded(rows, call.version) or call.tags not in (None, tags):
            yield Violation(Rule.PREFIX, str(call))
        if call.asked_version is not None:
            if call.version != call.asked_version:
                yield Violation(Rule.AS_ASKED, str(call))
        elif call.version < _oldest(call, rows):
            yield Violation(Rule.FRESH, str(call))


def _own_writes(history: History) -> Found:
    for call in history.calls:
        if not _saw(call) or call.asked_version is not None:
            continue
        for other in history.calls:
            if (
                (other.process, other.aggregate) == (call.process, call.aggregate)
                and _saw(other)
                and other.asked_version is None
                and other.ended < call.began
                and other.version > call.version
            ):
                yield Violation(Rule.OWN_WRITES, f"{call} after {other}")


def _ends(history: History) -> Found:
    for call in history.calls:
        if call.end is End.OPEN:
            yield Violation(Rule.ENDED, str(call))
        elif call.end is End.UNDOCUMENTED:
            yield Violation(Rule.DOCUMENTED, str(call))


_RULES: Sequence[Callable[[History], Found]] = (
    _streams,
    _events,
    _outcomes,
    _states,
    _own_writes,
    _ends,
)


def _commands(history: History) -> list[Call]:
    return [call for call in history.calls if call.amounts is not None]


def _saw(call: Call) -> bool:
    return call.end in (End.ACKNOWLEDGED, End.REFUSED)


def _state(call: Call) -> tuple[int, int]:
    return call.version, call.balance


def _folded(rows: Sequence[Row], version: int) -> tuple[int, int]:
    return version, sum(row.amount for row in rows[:version])


def _oldest(call: Call, rows: Sequence[Row]) -> int:
    """The lowest version that the call's freshness allows."""
    if call.max_age is None:
        return 0
    if call.max_age == 0:
        return call.head_before
    moment = call.began_at - call.max_age - _CLOCK_STEP
    return len([1 for row in rows[: call.head_before] if row.stood_at < moment])


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
