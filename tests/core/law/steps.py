"""What may happen: commands, loads, faults, restores; drawn by Hypothesis."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from hypothesis import strategies as st

from interlock._model.strategies import Freshness
from interlock.application.aggregates import (
    AllOf,
    AlwaysCache,
    AnyOf,
    CacheAfterVersion,
    CacheWhen,
    FastForward,
    MaxAge,
    NeverCache,
    NeverSnapshot,
    Replay,
    SnapshotAfterN,
    SnapshotAfterTime,
    SnapshotOnEvent,
    SnapshotWhen,
    SnapshotWhenReplayed,
    Trust,
)
from interlock.domain import Aggregate, Command
from law import domain, faults

IDS = (UUID(int=1), UUID(int=2))
Kind = Literal["records", "json", "objects"]
Subject = tuple[type[Aggregate], UUID]
Where = Literal["cache", "snapshots", "events"]
CONSULTING = (Trust(), MaxAge(timedelta(seconds=10)), FastForward(), FastForward())


@dataclass(frozen=True)
class Setup:
    """How one process loads and keeps."""

    snapshot_strategy: Any
    cache_strategy: Any
    freshness: Freshness
    codec: str
    on_unavailable: Literal["replay", "fail"]
    replay_limit: int | None


@dataclass(frozen=True)
class Plan:
    """What two processes consist of."""

    setups: tuple[Setup, Setup]
    cache: Kind
    snapshots: Kind
    is_cache_shared: bool
    timeout: timedelta | None
    turns: int
    chunk: int
    keep: int
    reads_ahead: bool


@dataclass(frozen=True)
class Dispatch:
    process: int
    command: Command[Any]


@dataclass(frozen=True)
class Load:
    """`freshness` None is the registered one; `version` counts from the head, which is 0."""

    process: int
    subject: Subject
    freshness: Freshness | None = None
    version: int | None = None


@dataclass(frozen=True)
class LoadMany:
    """Of one type, at once; an id may be named twice."""

    process: int
    cls: type[Aggregate]
    ids: tuple[UUID, ...]
    freshness: Freshness | None = None


@dataclass(frozen=True)
class Events:
    process: int
    subject: Subject


@dataclass(frozen=True)
class Forget:
    """What is derived; nobody notices."""

    process: int
    subject: Subject


Call = Dispatch | Load | LoadMany | Events | Forget


@dataclass(frozen=True)
class Together:
    """Calls that are under way at the same time; each begins so many loop turns late."""

    calls: tuple[Call, ...]
    delays: tuple[int, ...] = ()


@dataclass(frozen=True)
class Outside:
    """A writer that isn't one of the two processes."""

    commands: tuple[Command[Any], ...]


@dataclass(frozen=True)
class Restore:
    """The stream ends this much earlier; then another branch grows."""

    subject: Subject
    loses: int
    commands: tuple[Command[Any], ...]


@dataclass(frozen=True)
class Arm:
    where: Where
    fault: str


@dataclass(frozen=True)
class Wait:
    """The clock goes on, or jumps back by a year."""

    seconds: int
    jumps_back: bool = False


@dataclass(frozen=True)
class Evict:
    where: Literal["cache", "snapshots"]


@dataclass(frozen=True)
class Restart:
    process: int


@dataclass(frozen=True)
class ForgetAll:
    """The events too."""

    process: int
    subject: Subject


Step = Together | Outside | Restore | Arm | Wait | Evict | Restart | ForgetAll

READS = (*faults.READ_FAULTS, "corrupt", "other-revision", "corrupt", "other-revision", "fails")
AWKWARD = ("", "a", "b", "nul\0nul", '"quoted\\', "é \U0001f680", "\u2028line", " ")
words = st.sampled_from(AWKWARD)
ids = st.sampled_from((*[IDS[0]] * 5, IDS[1]))
decimals = st.sampled_from(
    [Decimal(text) for text in ("0", "1.10", "2.50", "1E+2", "-1", "-0.05", "1e-9", "12345678901")]
)
moments = st.builds(
    lambda zone, second: datetime(2030, 3, 31, 1, 30, second, second, tzinfo=zone),
    st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-8))]),
    st.integers(0, 59),
)
payments = st.one_of(
    st.builds(domain.Card, number=words),
    st.builds(domain.Cash, coins=st.lists(st.integers(-1, 2), max_size=2).map(tuple)),
)
posting: dict[str, st.SearchStrategy[Any]] = {
    "aggregate_id": ids,
    "text": words,
    "amount": decimals,
    "payment": payments,
    "reference": st.one_of(st.none(), st.integers(0, 3), words),
    "times": st.integers(1, 4),
}
ledger_commands = st.one_of(
    st.builds(domain.Post, **posting),
    st.builds(domain.PostLater, **posting, turns=st.integers(1, 4)),
    st.builds(domain.Tag, aggregate_id=ids, tags=st.lists(words, max_size=3)),
    st.builds(domain.Meddle, aggregate_id=ids, keeps=st.booleans()),
    st.builds(domain.Describe, aggregate_id=ids, turns=st.integers(0, 3), raises=st.booleans()),
    st.one_of(
        st.builds(domain.Open, aggregate_id=ids, owner=words, at=moments),
        st.builds(domain.PostOnce, **posting),
        st.builds(domain.PostAndRaise, aggregate_id=ids, text=words),
        st.builds(domain.Poison, aggregate_id=ids, text=words),
    ),
)
medals = st.builds(domain.Medal, name=words, weight=decimals, kind=st.sampled_from(["gold", "tin"]))
badge_commands = st.one_of(
    st.builds(
        domain.Award, aggregate_id=ids, medal=medals, points=st.integers(0, 5), until=moments
    ),
    st.builds(domain.Spend, aggregate_id=ids, points=st.integers(1, 4), at_once=st.integers(1, 3)),
    st.builds(domain.Show, aggregate_id=ids, raises=st.booleans()),
)
questions = st.one_of(
    st.builds(domain.Describe, aggregate_id=ids, turns=st.integers(0, 3), raises=st.booleans()),
    st.builds(domain.Meddle, aggregate_id=ids, keeps=st.booleans()),
    st.builds(domain.Show, aggregate_id=ids, raises=st.booleans()),
)
commands = st.one_of(ledger_commands, ledger_commands, badge_commands)
writing_ledger = st.one_of(
    st.builds(domain.Post, **posting),
    st.builds(domain.Tag, aggregate_id=ids, tags=st.lists(words, max_size=2)),
)
writing_badge = st.builds(
    domain.Award, aggregate_id=ids, medal=medals, points=st.integers(0, 5), until=moments
)
writing = st.one_of(writing_ledger, writing_ledger, writing_badge)
writing_of: dict[type[Aggregate], st.SearchStrategy[Command[Any]]] = {
    domain.Ledger: writing_ledger,
    domain.Badge: writing_badge,
}
question_of: dict[type[Aggregate], Callable[..., Command[Any]]] = {
    domain.Ledger: domain.Describe,
    domain.Badge: domain.Show,
}
types: list[type[Aggregate]] = [domain.Ledger, domain.Ledger, domain.Ledger, domain.Badge]
subjects: st.SearchStrategy[Subject] = st.tuples(st.sampled_from(types), ids)
freshnesses = st.sampled_from(
    [
        Trust(),
        Trust(),
        MaxAge(timedelta(seconds=10)),
        MaxAge(timedelta(seconds=10)),
        MaxAge(timedelta(seconds=100)),
        FastForward(),
        FastForward(),
        Replay(),
    ]
)
processes = st.integers(0, 1)
dispatches = st.builds(Dispatch, processes, commands)
loads = st.one_of(
    st.builds(Load, processes, subjects, st.one_of(st.none(), freshnesses)),
    st.builds(Load, processes, subjects, freshnesses),
    st.builds(Load, processes, subjects, st.none(), st.integers(-1, 6)),
)
many = st.builds(
    LoadMany,
    processes,
    st.sampled_from(types),
    st.lists(ids, min_size=2, max_size=4).map(tuple),
    st.one_of(st.none(), freshnesses),
)
calls = st.one_of(
    dispatches,
    loads,
    dispatches,
    st.one_of(loads, many),
    st.one_of(st.builds(Events, processes, subjects), st.builds(Forget, processes, subjects)),
)
outside = st.builds(Outside, st.lists(writing, min_size=1, max_size=2).map(tuple))


def alone(call: Call) -> Together:
    return Together((call,))


def arms(where: Where, *kinds: str) -> st.SearchStrategy[Arm]:
    return st.builds(Arm, st.just(where), st.sampled_from(kinds))


def scenario(*parts: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Step, ...]]:
    return st.tuples(*parts)


any_call = calls.map(alone)
write = st.builds(Dispatch, processes, writing).map(alone)
consult = st.builds(Load, processes, subjects, st.sampled_from(CONSULTING)).map(alone)
decide = st.one_of(st.builds(Dispatch, processes, questions).map(alone), write)
forget = st.builds(Evict, st.just("cache"))
restore = st.builds(Restore, subjects, st.integers(1, 6), st.lists(writing, max_size=5).map(tuple))
delays = st.lists(st.integers(0, 30), max_size=4).map(tuple)
race = st.builds(
    Together, st.one_of(st.tuples(calls, calls), st.tuples(calls, calls, calls)), delays
)
cache_bites = st.one_of(
    scenario(write, arms("cache", *READS), st.one_of(consult, decide)),
    scenario(write, write, arms("cache", "stale"), st.one_of(consult, decide)),
    scenario(arms("cache", *faults.PUT_FAULTS), write, st.one_of(consult, any_call)),
    scenario(arms("cache", *READS), arms("cache", "remove-fails"), consult, decide),
)
snapshot_bites = st.one_of(
    scenario(write, forget, arms("snapshots", *READS), st.one_of(consult, decide)),
    scenario(write, write, forget, arms("snapshots", "stale", "foreign"), consult),
    scenario(arms("snapshots", *faults.PUT_FAULTS), write, any_call, forget, any_call),
)
event_bites = st.one_of(
    scenario(arms("events", *faults.APPEND_FAULTS), write),
    scenario(arms("events", *faults.APPEND_FAULTS), st.one_of(race, any_call)),
    scenario(arms("events", *faults.STREAM_FAULTS), any_call, st.one_of(write, any_call)),
    scenario(arms("events", *faults.INTRUSIONS), any_call, write),
)
restores = st.one_of(
    scenario(write, restore, st.one_of(consult, decide)),
    scenario(write, restore, forget, st.one_of(consult, decide)),
    scenario(write, restore, arms("cache", "ghost"), st.one_of(consult, decide)),
    scenario(write, restore, forget, arms("snapshots", "ghost"), st.one_of(consult, decide)),
)
forgets = st.one_of(
    scenario(write, st.builds(ForgetAll, processes, subjects), st.one_of(consult, decide)),
    scenario(st.builds(ForgetAll, processes, subjects), many.map(alone), write),
)
interludes = st.one_of(
    scenario(st.builds(Wait, st.integers(1, 12)), any_call),
    scenario(st.builds(Wait, st.integers(1, 12), st.booleans()), consult),
    scenario(st.builds(Evict, st.sampled_from(["cache", "snapshots"])), any_call),
    scenario(st.builds(Restart, processes), any_call),
)


@st.composite
def one_process(draw: st.DrawFn) -> tuple[Step, ...]:
    """What one process does to one aggregate while others write: where staleness would show."""
    process, subject = draw(processes), draw(subjects)
    asks = question_of[subject[0]]
    question = alone(Dispatch(process, asks(aggregate_id=subject[1], raises=draw(st.booleans()))))
    write = draw(writing_of[subject[0]]).model_copy(update={"aggregate_id": subject[1]})
    trust, old = (alone(Load(process, subject, one)) for one in (Trust(), CONSULTING[1]))
    head, past = (
        alone(Load(process, subject, FastForward())),
        alone(Load(process, subject, None, 1)),
    )
    own_call, other = Dispatch(process, write), alone(Dispatch(1 - process, write))
    same = draw(st.sampled_from([(head, head), (trust, head), (trust, trust), (old, old)]))
    writer = draw(st.sampled_from([own_call, own_call, other.calls[0]]))
    crowd = Together((same[0].calls[0], writer, same[1].calls[0], same[1].calls[0]), draw(delays))
    outside = draw(st.sampled_from([Outside((write,)), other]))
    beyond = alone(Load(process, subject, None, -1))
    pair = Together((head.calls[0], head.calls[0]), (0, draw(st.integers(1, 40))))
    own = alone(own_call)
    wait, restart, forget = Wait(11), Restart(process), Evict("cache")
    lag, stay = Arm("cache", "put-lags"), Arm("cache", "remove-fails")
    return draw(
        st.sampled_from(
            [
                (head, outside, question),
                (head, outside, own, question),
                (head, outside, stay, own),
                (head, outside, head, Arm("cache", "stale"), trust),
                (head, own, Arm("cache", "stale"), trust),
                (head, outside, lag, stay, head, trust),
                (head, outside, wait, restart, forget, past, old),
                (head, outside, wait, old, question),
                (head, Wait(5), outside, Wait(6), old),
                (head, Wait(11), outside, Wait(1, jumps_back=True), old),
                (head, Wait(1, jumps_back=True), outside, Wait(11), old),
                (head, outside, Arm("events", "read-fails"), question),
                (head, Arm("cache", "put-fails"), stay, own, trust),
                (outside, Arm("events", "written-after-read"), head, old),
                (outside, forget, Arm("events", "written-after-read"), old, old),
                (head, lag, own, other, trust, own),
                (crowd, crowd),
                (head, Arm("events", "written-after-read"), beyond),
                (forget, Arm("events", "written-after-read"), pair, head),
                (outside, Arm("events", "written-after-read"), pair, head),
                (forget, crowd, forget, crowd),
                (own, forget, crowd, trust),
                (forget, Arm("events", "written-after-read"), crowd),
                (outside, Arm("events", "written-after-read"), crowd),
            ]
        )
    )


scenarios = st.one_of(
    scenario(any_call, any_call),
    scenario(outside, st.one_of(consult, decide)),
    scenario(race),
    scenario(race),
    one_process(),
    one_process(),
    one_process(),
    cache_bites,
    cache_bites,
    snapshot_bites,
    snapshot_bites,
    event_bites,
    restores,
    forgets,
    interludes,
)
THEMES: tuple[tuple[Where, tuple[str, ...]], ...] = (
    ("cache", faults.READ_FAULTS),
    ("cache", faults.PUT_FAULTS + faults.REMOVE_FAULTS),
    ("snapshots", faults.READ_FAULTS),
    ("snapshots", faults.PUT_FAULTS),
    ("events", faults.APPEND_FAULTS),
    ("events", faults.STREAM_FAULTS + faults.INTRUSIONS),
)


@st.composite
def provoked(draw: st.DrawFn, where: Where, among: tuple[str, ...]) -> tuple[Step, ...]:
    """A fault, where it is likely to bite: one process, one aggregate."""
    fault = draw(st.sampled_from(among))
    process, subject = draw(processes), draw(subjects)
    write = draw(writing_of[subject[0]]).model_copy(update={"aggregate_id": subject[1]})
    asks = question_of[subject[0]]
    own = alone(Dispatch(process, write))
    calls = (
        *(alone(Load(process, subject, one)) for one in CONSULTING),
        own,
        alone(Dispatch(process, asks(aggregate_id=subject[1]))),
    )
    call, next_call = draw(st.sampled_from(calls)), draw(st.sampled_from(calls))
    before: tuple[Step, ...] = (own,)
    if fault == "ghost":
        branch = draw(st.lists(st.just(write), max_size=4).map(tuple))
        before = (own, own, Restore(subject, 2, branch))
    elif fault == "stale":
        before = (own, own)
    elif fault == "foreign":
        other = IDS[1] if subject[1] == IDS[0] else IDS[0]
        foreign = write.model_copy(update={"aggregate_id": other})
        before = (alone(Dispatch(process, foreign)), own)
    elif where == "events" or fault in faults.PUT_FAULTS:
        return (*draw(st.sampled_from([(), before])), Arm(where, fault), own, call, next_call)
    forgets = (Evict("cache"),) if where == "snapshots" else ()
    return (*before, *forgets, Arm(where, fault), call, *forgets, next_call)


def histories(where: Where, among: tuple[str, ...]) -> st.SearchStrategy[list[Step]]:
    """Steps of all kinds, often those that provoke one of the faults."""
    one = st.one_of(scenarios.map(tuple), provoked(where, among))  # the map keeps them two halves
    return st.lists(one, min_size=5, max_size=16).map(
        lambda found: [step for steps in found for step in steps]
    )


snapshot_strategies = st.sampled_from(
    [
        NeverSnapshot(),
        SnapshotAfterN(1),
        SnapshotAfterN(2),
        SnapshotAfterN(3),
        SnapshotWhenReplayed(2),
        SnapshotAfterTime(timedelta(seconds=3)),
        SnapshotOnEvent("Tagged", "Spent"),
        SnapshotWhen(lambda moment: moment.version % 2 == 1),
        AnyOf(SnapshotAfterN(4), SnapshotOnEvent("Awarded", "Posted")),
        AllOf(SnapshotAfterN(1), SnapshotWhenReplayed(1)),
    ]
)
cache_strategies = st.sampled_from(
    [
        AlwaysCache(),
        AlwaysCache(),
        AlwaysCache(),
        NeverCache(),
        CacheAfterVersion(3),
        CacheWhen(lambda moment: moment.version % 2 == 0),
    ]
)


def setups(where: Where) -> st.SearchStrategy[Setup]:
    keeps_snapshots = st.sampled_from([SnapshotAfterN(1), SnapshotAfterN(2)])
    return st.builds(
        Setup,
        keeps_snapshots if where == "snapshots" else snapshot_strategies,
        st.just(AlwaysCache()) if where == "cache" else cache_strategies,
        freshnesses,
        st.sampled_from(["json", "json", "json", "json+zlib"]),
        st.sampled_from(["replay", "replay", "replay", "fail"]),
        st.sampled_from([None, None, None, 2]),
    )


kinds = st.sampled_from(["records", "records", "json", "objects"])


def plans(where: Where) -> st.SearchStrategy[Plan]:
    """Two processes; where the faults are to come, at least one of them looks there."""
    return st.builds(
        Plan,
        st.one_of(
            st.tuples(setups(where), setups("events")), st.tuples(setups(where), setups(where))
        ),
        kinds,
        kinds,
        st.booleans(),
        st.sampled_from([None, timedelta(minutes=1)]),
        st.sampled_from([0, 1, 2, 7]),
        st.integers(1, 3),
        st.integers(1, 3),
        st.booleans(),
    )
