"""Whatever is kept, a command ends as it would after a plain replay: through the real loader."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryEventStore,
    Replay,
    SnapshotAfterN,
    Trust,
)
from interlock.backends import BackendKind, EventStore, StoredEvent
from interlock_conformance.checks import MUST, both, expect
from interlock_conformance.exploring import current_settings
from interlock_conformance.harness import CacheHarness
from interlock_conformance.records import Notebook, Write

texts = st.sampled_from(["a", "bb", "é", "-refused"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 1), texts),
        st.tuples(st.just("load"), st.integers(0, 1), st.sampled_from(["", "trust", "version"])),
        st.tuples(st.just("restore"), st.integers(0, 3), st.just("")),
    ),
    min_size=8,
    max_size=25,
)
Step = tuple[str, int, str]


class RestorableEvents(InMemoryEventStore):
    """Events in memory that can be set back, as a database is from a backup."""

    def __init__(self) -> None:
        super().__init__()
        self._log: list[StoredEvent] = []

    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        await super().append(events, after=after)
        self._log.extend(events)

    async def restore(self, *, lost: int) -> None:
        """Lose the last events of the one stream."""
        kept = self._log[: max(len(self._log) - lost, 0)]
        if self._log:
            await self.delete(self._log[0].aggregate_type, self._log[0].aggregate_id)
        self._log = []
        if kept:
            await self.append(kept, after=None)


@dataclass(slots=True)
class World:
    """Two applications on the backend under test and one that replays, on the same events."""

    events: RestorableEvents
    apps: tuple[Application, Application]
    oracle: Application
    aggregate_id: UUID
    was_restored: bool = False

    async def take(self, step: Step) -> None:
        """One step, and what must be true after it."""
        what, number, detail = step
        if what == "write":
            await self._write(self.apps[number], detail)
        elif what == "load":
            await self._load(self.apps[number], detail)
        else:
            await self.events.restore(lost=number)
            self.was_restored = self.was_restored or number > 0

    async def _write(self, app: Application, text: str) -> None:
        length = len((await self._replayed()).text)
        wanted = f"{text} is refused at {length}" if text.startswith("-") else length
        found: int | str
        try:
            found = await app.dispatch(Write(aggregate_id=self.aggregate_id, text=text))
        except ValueError as error:
            found = str(error)
        expect(found == wanted, f"{wanted}, as after a replay", f"{found}")

    async def _load(self, app: Application, how: str) -> None:
        replayed = await self._replayed()
        if how == "trust" and not self.was_restored:
            loaded = await app.load(Notebook, self.aggregate_id, freshness=Trust())
            earlier = await self._replayed(loaded.version)
            expect(loaded == earlier, f"the state that was: {earlier!r}", f"{loaded!r}")
        elif how == "version":
            version = replayed.version // 2
            loaded = await app.load(Notebook, self.aggregate_id, version=version)
            earlier = await self._replayed(version)
            expect(loaded == earlier, f"version {version}: {earlier!r}", f"{loaded!r}")
        else:
            loaded = await app.load(Notebook, self.aggregate_id, freshness=FastForward())
            expect(loaded == replayed, f"the head: {replayed!r}", f"{loaded!r}")

    async def _replayed(self, version: int | None = None) -> Notebook:
        return await self.oracle.load(
            Notebook, self.aggregate_id, version=version, freshness=Replay()
        )


@both(
    "061",
    MUST,
    plain=("CACHE", "SNAP"),
    others="keep bytes and stamps as they are: everything else the loader checks",
)
def answers_are_those_of_a_replay(harness: CacheHarness) -> None:
    """Random commands of two processes, loads and restores of the events end as with a replay."""

    async def live(chosen: Sequence[Step]) -> None:
        events, namespace = RestorableEvents(), f"{harness.namespace}-{uuid4().hex[:8]}"
        async with AsyncExitStack() as stack:
            first, second = [
                await stack.enter_async_context(await _application(harness, events, namespace))
                for _ in range(2)
            ]
            oracle = await stack.enter_async_context(_replaying(events))
            world = World(events, (first, second), oracle, uuid4())
            for step in chosen:
                await world.take(step)

    _explore(harness, live)


def _explore(harness: CacheHarness, live: Callable[[Sequence[Step]], Awaitable[None]]) -> None:
    @current_settings(15)
    @given(steps)
    def lives(chosen: Sequence[Step]) -> None:
        harness.run(live(chosen))

    lives()


async def _application(harness: CacheHarness, events: EventStore, namespace: str) -> Application:
    subject = harness.subject
    backend = await (subject.make(Notebook) if subject.is_plain else subject.make())
    builder = ApplicationBuilder().configure(namespace=namespace)
    builder.register_event_store(events)
    if subject.kind is BackendKind.CACHE:
        builder.register_aggregate(Notebook, cache_backend=backend, cache_strategy=AlwaysCache)
    else:
        builder.register_aggregate(
            Notebook, snapshot_backend=backend, snapshot_strategy=SnapshotAfterN(2)
        )
    return builder.build()


def _replaying(events: EventStore) -> Application:
    return ApplicationBuilder().register_event_store(events).register_aggregate(Notebook).build()
