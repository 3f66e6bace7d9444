"""Random calls of an event store, each compared with plain lists."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from interlock.backends import EventStore, StoredEvent
from interlock_conformance.checks import MUST, check, expect, unless_raised
from interlock_conformance.exploring import explore
from interlock_conformance.harness import EventsHarness
from interlock_conformance.records import NOTEBOOK, events_of, head_of
from interlock_conformance.streams import Head, expect_conflict, expect_rows, head_at, rows_of

places = st.integers(0, 1)
counts = st.integers(1, 4)
distances = st.sampled_from([None, 0, 0, 0, -1, -2, 1, 2])  # from the head
sizes = st.sampled_from([None, 0, 1, 2, 9])
bounds = st.sampled_from([-4, -3, -2, -1, 0, 1, 2, None])  # as above


class StreamsModel(RuleBasedStateMachine):
    """An event store beside plain lists; a subclass says which."""

    harness: ClassVar[EventsHarness]
    stores: ClassVar[list[EventStore]]

    def __init__(self) -> None:
        super().__init__()
        self.was_reopened = False
        self.ids = [uuid4(), uuid4()]
        self.streams: list[list[StoredEvent]] = [[], []]

    def head(self, place: int) -> Head | None:
        stream = self.streams[place]
        return head_of(stream) if stream else None

    def offered(self, place: int, count: int, after: Head | None) -> Sequence[StoredEvent]:
        """Make events that follow the head `after` of the stream at a place."""
        first = 1 if after is None else after[0] + 1
        return events_of(self.ids[place], count, first=first)

    @rule(place=places, count=counts)
    def append(self, place: int, count: int) -> None:
        """Append events at the head of a stream."""
        after = self.head(place)
        events = self.offered(place, count, after)
        with unless_raised(f"an append behind {after}, which is the head, succeeds"):
            self.harness.run(self.stores[0].append(events, after=after))
        self.streams[place] += events

    @rule(place=places, count=counts, distance=distances, known=st.booleans())
    def append_elsewhere(
        self, place: int, count: int, distance: int | None, *, known: bool
    ) -> None:
        """Append events elsewhere than at the head, which is a conflict."""
        head = self.head(place)
        version = 0 if distance is None else (0 if head is None else head[0]) + distance
        after = None if version < 1 else (version, self.id_at(place, version, known=known))
        if after == head:
            return
        events = self.offered(place, count, after)
        conflict = expect_conflict(self.stores[0], events, after=after, why=f"the head is {head}")
        self.harness.run(conflict)

    @rule(place=places, back=st.integers(-1, 5), size=sizes)
    def read(self, place: int, back: int, size: int | None) -> None:
        """Read a range of a stream's versions."""
        stream = self.streams[place]
        first = max((stream[-1].version if stream else 0) - back, 1)
        last = None if size is None else first + size - 1
        wanted = [
            event.row()
            for event in stream
            if first <= event.version and (last is None or event.version <= last)
        ]
        some = events_of(self.ids[place], 1)[0]
        expect_rows(self.harness.run(rows_of(self.stores[0], some, first=first, last=last)), wanted)

    @rule(place=places, bound=bounds)
    def delete(self, place: int, bound: int | None) -> None:
        """Delete a stream, or its events below a version."""
        stream = self.streams[place]
        below = None if bound is None else (stream[-1].version if stream else 0) + bound
        kept = [e for e in stream if below is not None and e.version >= below]
        with unless_raised("a deletion succeeds"):
            deleted = self.harness.run(
                self.stores[0].delete(NOTEBOOK, self.ids[place], below=below)
            )
        wanted = len(stream) - len(kept)
        expect(deleted == wanted, f"{wanted} events deleted below {below}", f"{deleted}")
        self.streams[place] = kept

    @precondition(lambda self: "durable" in self.harness.capabilities and not self.was_reopened)
    @rule()
    def reopen(self) -> None:
        """Close the store and open it again."""
        self.was_reopened = True  # once in an example: opening takes its time
        self.stores[0] = self.harness.run(self.harness.reopen(self.stores[0]))

    @invariant()
    def heads_are_right(self) -> None:
        """Compare the head of every stream with the model's."""
        for place, aggregate_id in enumerate(self.ids):
            found = self.harness.run(head_at(self.stores[0], events_of(aggregate_id, 1)[0]))
            wanted = self.head(place)
            expect(found == wanted, f"the head {wanted}", f"{found}")

    def id_at(self, place: int, version: int, *, known: bool) -> UUID:
        """The id of the event at a version, if that is wanted and there is one."""
        ids = {event.version: event.event_id for event in self.streams[place]}
        return ids.get(version, uuid4()) if known else uuid4()


@check(
    "EVENTS-060",
    MUST,
    others="one statement that inserts where the head is `after`; a stream is nothing but its rows",
)
def streams_are_lists(harness: EventsHarness) -> None:
    """After any calls an event store holds what plain lists would."""
    # Opened once: each example has streams of its own.
    stores = [harness.run(harness.open())]
    explore(type("Model", (StreamsModel,), {"harness": harness, "stores": stores}), examples=15)
