"""Event stores whose server is disturbed: their calls, and what stands once it is well again."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from uuid import UUID, uuid4

from interlock.backends import (
    BackendUnavailableError,
    ConfirmsHead,
    EventRow,
    EventStore,
    StoredEvent,
)
from interlock_conformance.checks import expect
from interlock_conformance.harness import EventsHarness
from interlock_conformance.network import (
    AMPLE_SECONDS,
    Network,
    answered,
    expect_passage,
    told_outcome,
)
from interlock_conformance.records import NOTEBOOK, head_of
from interlock_conformance.streams import expect_rows

UNKNOWN = (
    "`nothing_done=True` only where no connection was had, or the server itself said no; after a "
    "connection that broke the outcome is unknown, and the append isn't made again"
)


async def connected(
    harness: EventsHarness, *, seconds: float = AMPLE_SECONDS
) -> tuple[Network, EventStore]:
    """A store that has spoken to its server through a proxy."""
    net = harness.network(seconds=seconds)
    store = await harness.open_in_time(**net.options)
    await healed_head(store, uuid4())
    await expect_passage(net, healed_head(store, uuid4()))
    return net, store


def calls(
    store: EventStore, events: Sequence[StoredEvent]
) -> Mapping[str, Callable[[], Awaitable[object]]]:
    """A call of each method for one stream, by its name."""
    aggregate_id, head = events[0].aggregate_id, head_of(events)
    confirms = (
        {"is_head": lambda: store.is_head(NOTEBOOK, aggregate_id, *head)}
        if isinstance(store, ConfirmsHead)
        else {}
    )
    return {
        **confirms,
        "head": lambda: store.head(NOTEBOOK, aggregate_id),
        "read": lambda: all_of(store, aggregate_id),
        "append": lambda: store.append(events, after=None),
        "delete": lambda: store.delete(NOTEBOOK, aggregate_id),
    }


async def all_of(store: EventStore, aggregate_id: UUID) -> Sequence[EventRow]:
    """The whole stream, whatever is raised."""
    return [EventRow(*row) async for chunk in store.read(NOTEBOOK, aggregate_id) for row in chunk]


async def healed_head(store: EventStore, aggregate_id: UUID) -> tuple[int, UUID] | None:
    """The head, from a server that is well again."""
    return await answered(store, partial(store.head, NOTEBOOK, aggregate_id), "`head` answers")


async def expect_honest(
    store: EventStore,
    events: Sequence[StoredEvent],
    more: Sequence[StoredEvent],
    result: object,
) -> None:
    """Expect an outcome that fits what stands, and that all of it stands or nothing."""
    head = await healed_head(store, events[0].aggregate_id)
    has_stored = head == head_of(more)
    if result is None:
        expect(has_stored, f"the head {head_of(more)}: the append was acknowledged", f"{head}")
    else:
        expect(
            isinstance(result, BackendUnavailableError),
            "BackendUnavailableError, or no exception: `after` was the head",
            told_outcome(result),
        )
        claims_nothing = getattr(result, "nothing_done", False)
        expect(
            not (claims_nothing and has_stored),
            "BackendUnavailableError without `nothing_done`: the events stand",
            f"{told_outcome(result)}, with `nothing_done`",
        )
    found = await answered(store, lambda: all_of(store, events[0].aggregate_id), "a read succeeds")
    expect_rows(found, [e.row() for e in ([*events, *more] if has_stored else events)])
