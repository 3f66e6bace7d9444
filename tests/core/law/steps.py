"""What may happen: commands, loads, faults, restores; drawn by Hypothesis."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from interlock.application.aggregates import (
    AllOf,
    AlwaysCache,
    AnyOf,
    CacheAfterVersion,
    CacheWhen,
    FastForward,
    NeverCache,
    NeverSnapshot,
    SnapshotAfterN,
    SnapshotAfterTime,
    SnapshotOnEvent,
    SnapshotWhen,
    SnapshotWhenReplayed,
    Trust,
)
from law import fault_lists
from law.calls import (
    CONSULTING,
    Arm,
    Call,
    Dispatch,
    Evict,
    ForgetAll,
    Load,
    Outside,
    Plan,
    Restart,
    Restore,
    Setup,
    Step,
    Together,
    Wait,
    Where,
)
from law.drawn_calls import (
    calls,
    freshnesses,
    many,
    outside,
    processes,
    question_of,
    questions,
    subjects,
    writing,
    writing_of,
)

READS = (
    *fault_lists.READ_FAULTS,
    "corrupt",
    "other-revision",
    "corrupt",
    "other-revision",
    "fails",
)


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
    scenario(arms("cache", *fault_lists.PUT_FAULTS), write, st.one_of(consult, any_call)),
    scenario(arms("cache", *READS), arms("cache", "remove-fails"), consult, decide),
)
snapshot_bites = st.one_of(
    scenario(write, forget, arms("snapshots", *READS), st.one_of(consult, decide)),
    scenario(write, write, forget, arms("snapshots", "stale", "foreign"), consult),
    scenario(arms("snapshots", *fault_lists.PUT_FAULTS), write, any_call, forget, any_call),
)
event_bites = st.one_of(
    scenario(arms("events", *fault_lists.APPEND_FAULTS), write),
    scenario(arms("events", *fault_lists.APPEND_FAULTS), st.one_of(race, any_call)),
    scenario(arms("events", *fault_lists.STREAM_FAULTS), any_call, st.one_of(write, any_call)),
    scenario(arms("events", *fault_lists.INTRUSIONS), any_call, write),
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
        st.booleans(),
    )
