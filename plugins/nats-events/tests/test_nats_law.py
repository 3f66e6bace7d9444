"""The law of the core on a cluster: no strategy, backend or fault changes an answer."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Thread
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from interlock.backends import Catalogue, EventRow, StoredEvent, from_micros
from interlock.domain import ConcurrencyError
from interlock_nats_events.backend import NatsEventStore
from interlock_nats_events.config import NatsEventsConfig
from law.calls import Plan, Step
from law.fault_lists import Subject
from law.faulty_events import ConfirmingEvents
from law.provoking import THEMES, histories
from law.steps import plans
from law.world import World
from nats_rig import Node, config_at, leader, wait_until_healthy

T = TypeVar("T")
EXAMPLES = 6  # of each theme
LEADERLESS = 3  # and of one theme as many, whose leader is killed
SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=False,
    phases=[Phase.generate],  # servers don't repeat themselves, so nothing is shrunk
    suppress_health_check=list(HealthCheck),
)


class Elsewhere:
    """A store at the other nodes, in a loop of its own, asked while this one stands still."""

    def __init__(self, config: NatsEventsConfig) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._store = NatsEventStore(config)

    @contextmanager
    def opened(self) -> Iterator["Elsewhere"]:
        self._thread.start()
        try:
            self._done(self._store.open())
            yield self
        finally:
            self._done(self._store.close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def rows(self, subject: Subject) -> list[EventRow]:
        return self._done(_rows(self._store, subject))

    def append(self, events: Sequence[StoredEvent], after: tuple[int, UUID] | None) -> None:
        self._done(self._store.append(events, after=after))

    def delete(self, subject: Subject) -> None:
        self._done(self._store.delete(*subject))

    def _done(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class NatsEvents(ConfirmingEvents):
    """The store with the faults of the law before it; others write to it elsewhere."""

    is_local = False
    timeout = timedelta(minutes=1)

    def __init__(
        self, store: NatsEventStore, elsewhere: Elsewhere, seen: Counter[str], plan: Plan
    ) -> None:
        super().__init__(seen, plan.turns, plan.chunk, reads_ahead=plan.reads_ahead)
        self._store = store
        self._elsewhere = elsewhere

    async def head(self, aggregate_type: str, aggregate_id: UUID) -> tuple[int, UUID] | None:
        return await self._store.head(aggregate_type, aggregate_id)

    async def delete(
        self, aggregate_type: str, aggregate_id: UUID, *, below: int | None = None
    ) -> int:
        return await self._store.delete(aggregate_type, aggregate_id, below=below)

    async def read_many(
        self, aggregate_type: str, first: Mapping[UUID, int]
    ) -> AsyncIterator[tuple[UUID, Sequence[EventRow]]]:
        for aggregate_id in first:
            await self._begin_read((aggregate_type, aggregate_id))
        async for found in self._store.read_many(aggregate_type, first):
            yield found

    def rows(self, subject: Subject) -> list[EventRow]:
        return self._elsewhere.rows(subject)

    def write(self, subject: Subject, rows: Sequence[EventRow]) -> None:
        if rows:
            stand = self.rows(subject)
            with suppress(ConcurrencyError):  # somebody was first: nothing is written
                self._elsewhere.append(_events(subject, rows), _head(stand))

    def restore(self, subject: Subject, version: int) -> None:
        self._landing = None
        kept = self.rows(subject)[:version]
        self._elsewhere.delete(subject)
        if kept:
            self._elsewhere.append(_events(subject, kept), None)

    async def _append(self, events: Sequence[StoredEvent], after: tuple[int, UUID] | None) -> None:
        await self._store.append(events, after=after)

    async def _read(self, subject: Subject, first: int, last: int | None) -> Sequence[EventRow]:
        return await _rows(self._store, subject, first=first, last=last)

    async def _confirm(self, subject: Subject, version: int, event_id: UUID) -> bool:
        return await self._store.is_head(*subject, version, event_id)


class NatsWorld(World):
    """Both processes keep their events in one cluster."""

    def __init__(
        self, plan: Plan, seen: Counter[str], store: NatsEventStore, elsewhere: Elsewhere
    ) -> None:
        self._stores = store, elsewhere
        super().__init__(plan, seen)

    def _event_store(self, plan: Plan, seen: Counter[str]) -> NatsEvents:
        return NatsEvents(*self._stores, seen, plan)


async def run(
    plan: Plan, steps: list[Step], nodes: Sequence[Node], seen: Counter[str], *, kills: bool
) -> None:
    """Take the steps on streams of their own; the leader may be killed before them."""
    namespace = uuid4().hex
    store = NatsEventStore(config_at(nodes, namespace=namespace))
    elsewhere = Elsewhere(config_at(nodes[::-1], namespace=namespace))
    await store.open()
    try:
        with elsewhere.opened():
            victim = await asyncio.to_thread(leader, nodes) if kills else None
            if victim is not None:
                victim.kill()
            try:
                await NatsWorld(plan, seen, store, elsewhere).run(steps)
            finally:
                if victim is not None:
                    victim.start()
                    await asyncio.to_thread(wait_until_healthy, nodes)
    finally:
        await store.close()


@pytest.mark.parametrize("theme", THEMES)
def test_an_optimisation_never_changes_an_answer_on_a_cluster(
    theme: str, three: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlock._engine.stream._PAUSE_SECONDS", 0)
    installed = Catalogue.installed()  # looked up once: an application is built again and again
    monkeypatch.setattr(Catalogue, "installed", lambda: installed)
    monkeypatch.setattr(logging.getLogger("interlock"), "disabled", True)
    where, faults = THEMES[theme]
    taken: Counter[str] = Counter()

    @SETTINGS
    @given(plan=plans(where), steps=histories(where, faults))
    def law(plan: Plan, steps: list[Step]) -> None:
        kills = theme == "streams" and taken["examples"] < LEADERLESS
        asyncio.run(run(plan, steps, three, taken, kills=kills))
        taken["examples"] += 1

    law()
    assert taken["examples"] == EXAMPLES
    assert any(taken[f"{where} {fault}"] for fault in faults), "a fault of the theme has bitten"
    assert taken["events confirmed True"]


async def _rows(
    store: NatsEventStore, subject: Subject, *, first: int = 1, last: int | None = None
) -> list[EventRow]:
    chunks = store.read(*subject, first=first, last=last)
    return [row async for chunk in chunks for row in chunk]


def _events(subject: Subject, rows: Sequence[EventRow]) -> list[StoredEvent]:
    return [
        StoredEvent(
            *subject,
            row.version,
            UUID(bytes=row.event_id),
            row.type,
            row.schema_version,
            from_micros(row.recorded_at),
            row.metadata,
            row.payload,
        )
        for row in rows
    ]


def _head(rows: Sequence[EventRow]) -> tuple[int, UUID] | None:
    return (rows[-1].version, UUID(bytes=rows[-1].event_id)) if rows else None
