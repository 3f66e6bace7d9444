"""What callers asked and got, the event store's rows, and the rules that hold of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


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
    FORGOTTEN = "who forgot a stream with its events never sees it again"
    AS_ASKED = "a load of a version gives that version, and fails only if the stream is shorter"
    ENDED = "every call ends, unless its process crashed"
    DOCUMENTED = "a call fails only with an error that is documented for it"
    SERVED = "a call that needs nothing but what answers doesn't fail"
    LIMITED = "a load fails where the settings forbid to replay"
    COST = "a load reads no more events than it has to"
    WRITTEN = "a snapshot that is due stands once its process is closed"
    CLOSED = "a process that is closed asks no store"


class End(StrEnum):
    """How a call ended."""

    OPEN = "hasn't ended"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused by its handler"
    FAILED = "failed, nothing done"
    CONFLICT = "lost against others"
    TRUNCATED = "events are missing"
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

    `began` and `ended` count the beginnings and ends of all calls, `asked` is when one of many is
    asked for that began earlier, with the others. `head_before` and `head_after` are how many
    events the stream had then, `era_before` and `era_after` how often it had been rolled back or
    deleted. `amounts` are those of a command (empty for one that only looks), None for a load;
    `sees` is false of what returns no state, `is_remembered` of a read of the events themselves,
    after which an earlier state may be returned. `max_age` is the age in seconds that is allowed:
    0 for the head, None for any; `forgot` is how often the stream had been rolled back or deleted
    when the process forgot it, if nobody else can have kept it. `heads_known` is of how many
    streams the process knows what it committed or returned, 0 for all; of all it knows what it
    committed if `are_commits_known`. What is needed for the answer was there if `may_fail` is
    false; events are missing only if `may_miss_events` is true. `must_fail` tells that the settings
    forbid the answer. The load read `rows` events, and needed no more than `needed`. `due` is every
    how many events a snapshot is due, which nothing hindered; `written` is the version of the
    newest.
    """

    process: int
    aggregate: str
    began: int
    began_at: float
    head_before: int
    command: str = ""
    amounts: tuple[int, ...] | None = None
    max_age: float | None = 0.0
    asked: int = 0
    asked_version: int | None = None
    sees: bool = True
    is_remembered: bool = True
    heads_known: int = 0
    are_commits_known: bool = False
    may_fail: bool = True
    may_miss_events: bool = False
    must_fail: bool = False
    rows: int = 0
    needed: int | None = None
    due: int | None = None
    written: int = 0
    era_before: int = 0
    era_after: int = 0
    forgot: int = 0
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
    """The streams by aggregate, and the calls in the order in which they began.

    `past` has the streams as they were right before each rollback or deletion, in that order.
    `calls_after_close` are how often each process asked a store once it was closed.
    """

    streams: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    calls: Sequence[Call] = ()
    past: Mapping[str, Sequence[Sequence[Row]]] = field(default_factory=dict)
    calls_after_close: Mapping[int, int] = field(default_factory=dict)

    def eras(self, name: str) -> list[Sequence[Row]]:
        """List the forms of a stream: before each rollback or deletion, and at the end."""
        return [*self.past.get(name, ()), self.streams.get(name, ())]

    def __str__(self) -> str:
        lines = [
            f"{name}, {era}: {row}"
            for name in self.streams
            for era, rows in enumerate(self.eras(name))
            for row in rows
        ]
        return "\n".join(["", *lines, *map(str, self.calls)])
