"""Histories in which the faults of a theme are likely to bite."""

from hypothesis import strategies as st

from law import fault_lists
from law.calls import (
    CONSULTING,
    IDS,
    Arm,
    Dispatch,
    Evict,
    Forget,
    ForgetAll,
    Load,
    Restore,
    Step,
    Where,
)
from law.drawn_calls import processes, question_of, subjects, writing_of
from law.steps import alone, scenarios

THEMES: dict[str, tuple[Where, tuple[str, ...]]] = {
    "cache-reads": ("cache", fault_lists.READ_FAULTS),
    "cache-puts": ("cache", fault_lists.PUT_FAULTS + fault_lists.REMOVE_FAULTS),
    "snapshot-reads": ("snapshots", fault_lists.READ_FAULTS),
    "snapshot-puts": ("snapshots", (*fault_lists.PUT_FAULTS, "forgotten")),
    "appends": ("events", (*fault_lists.APPEND_FAULTS, "forgotten")),
    "streams": ("events", fault_lists.STREAM_FAULTS + fault_lists.INTRUSIONS),
}


@st.composite
def provoked(draw: st.DrawFn, where: Where, among: tuple[str, ...]) -> tuple[Step, ...]:
    """A fault, or a forgetting, where it is likely to bite: one process, one aggregate."""
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
    elif fault == "forgotten":
        if where == "events":
            return (own, ForgetAll(process, subject), call, next_call)
        return (own, alone(Forget(process, subject)), call, next_call)
    elif where == "events" or fault in fault_lists.PUT_FAULTS:
        return (*draw(st.sampled_from([(), before])), Arm(where, fault), own, call, next_call)
    forgets = (Evict("cache"),) if where == "snapshots" else ()
    return (*before, *forgets, Arm(where, fault), call, *forgets, next_call)


def histories(where: Where, among: tuple[str, ...]) -> st.SearchStrategy[list[Step]]:
    """Steps of all kinds, often those that provoke one of the faults."""
    provokes = provoked(where, among)
    # Half and half: `st.one_of` would take each scenario as one alternative of many.
    one = st.booleans().flatmap(lambda is_provoked: provokes if is_provoked else scenarios)
    return st.lists(one, min_size=5, max_size=16).map(
        lambda found: [step for steps in found for step in steps]
    )
