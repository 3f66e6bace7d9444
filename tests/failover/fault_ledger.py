"""Writers and readers of a few accounts while servers fail, and what they must never see."""

import asyncio
from bisect import bisect
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, pairwise
from random import Random
from time import monotonic
from uuid import UUID, uuid4

from interlock.backends import (
    BackendUnavailableError,
    ConcurrencyError,
    ConfirmsHead,
    EventRow,
    EventStore,
    StoredEvent,
)

_SIZES = (*(1, 1, 1, 2, 3) * 6, 700)
"""Events of an append: the last need an atomic batch."""

_MOST_EVENTS = 5_000
"""An account that has more makes room for a new one: at the end all are read."""

_PAUSE_SECONDS = 0.1
"""How long a writer waits before it asks again a store that couldn't answer."""

_PATIENCE = 300
"""The seconds after which servers that acknowledge nothing are held to be lost."""


@dataclass
class Ledger:
    """What was acknowledged and what was refused, and what was found to be wrong."""

    accounts: list[UUID] = field(default_factory=lambda: [uuid4() for _ in range(20)])
    acknowledged: dict[UUID, dict[int, UUID]] = field(default_factory=dict)
    """The ids of the events that stand, by account and version."""
    refused: set[UUID] = field(default_factory=set)
    unknown: set[UUID] = field(default_factory=set)
    latest: Counter[UUID] = field(default_factory=Counter)
    """The highest acknowledged version of each account."""
    outcomes: Counter[str] = field(default_factory=Counter)
    stale: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    """When appends were acknowledged, by the monotonic clock."""
    changed: set[UUID] = field(default_factory=set)
    """The accounts that were appended to since they were last judged."""

    def longest_pause(self, start: float) -> float:
        """The most seconds without an acknowledged append, from a moment on until the last."""
        since = [start, *self.moments[bisect(self.moments, start) :]]
        return max(after - before for before, after in pairwise(since))

    async def write(self, store: EventStore, until: asyncio.Event, random: Random) -> None:
        """Append to one account after the other behind the head that is read."""
        while not until.is_set():
            account = random.choice(self.accounts)
            known = self.latest[account]
            try:
                head = await store.head("Account", account)
            except BackendUnavailableError:
                self.outcomes["unavailable reads"] += 1
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            version = 0 if head is None else head[0]
            if version < known:
                self.stale.append(f"a head at {version} after {known} was acknowledged")
            if version > _MOST_EVENTS and account in self.accounts:
                self.accounts[self.accounts.index(account)] = uuid4()
            events = events_of(account, random.choice(_SIZES), first=version + 1)
            ids = {event.version: event.event_id for event in events}
            try:
                await store.append(events, after=head)
            except ConcurrencyError:
                self.outcomes["conflicts"] += 1
                self.refused |= {*ids.values()}
            except BackendUnavailableError as error:
                self.outcomes["unavailable appends"] += 1
                (self.refused if error.nothing_done else self.unknown).update(ids.values())
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self.outcomes["acknowledged"] += 1
                self.moments.append(monotonic())
                self.changed.add(account)
                self.acknowledged.setdefault(account, {}).update(ids)
                self.latest[account] = max(self.latest[account], *ids)

    async def read(self, store: EventStore, until: asyncio.Event, random: Random) -> None:
        """Read the tail of one account after the other; ask first whether what was read stands."""
        seen: dict[UUID, list[EventRow]] = {}
        while not until.is_set():
            account = random.choice(self.accounts)
            for row in seen.get(account, ()):
                if isinstance(store, ConfirmsHead):
                    await self._confirm(store, account, row)
            known = self.latest[account]
            first = max(1, known - 5)
            try:
                rows = await _rows(store, account, first)
            except BackendUnavailableError:
                self.outcomes["unavailable reads"] += 1
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self.outcomes["reads"] += 1
            if known and (not rows or rows[-1][0] < known):
                self.stale.append(f"a read up to {rows[-1:]} after {known} was acknowledged")
            seen[account] = rows[-1:]

    async def _confirm(self, store: ConfirmsHead, account: UUID, row: EventRow) -> None:
        """Ask whether an event that was the head is it still."""
        known, version = self.latest[account], row[0]
        try:
            is_head = await store.is_head("Account", account, version, UUID(bytes=row[1]))
        except BackendUnavailableError:
            self.outcomes["unavailable reads"] += 1
            return
        self.outcomes["heads confirmed" if is_head else "heads not confirmed"] += 1
        if is_head and version < known:
            self.stale.append(f"{version} was confirmed after {known} was acknowledged")

    @asynccontextmanager
    async def load(
        self, stores: Sequence[EventStore], writers: int, random: Random
    ) -> AsyncIterator[None]:
        """So many writers, and a reader at each store, until the end of the block."""
        over = asyncio.Event()
        working = [
            asyncio.ensure_future(work(store, over, Random(random.random())))  # noqa: S311 # a test's
            for place, store in enumerate(islice(cycle(stores), writers))
            for work in ([self.write, self.read] if place < len(stores) else [self.write])
        ]
        try:
            yield
        finally:
            over.set()
            await asyncio.gather(*working)

    async def progress(self, appends: int = 20) -> None:
        """Wait for so many more appends to be acknowledged."""
        wanted = self.outcomes["acknowledged"] + appends
        async with asyncio.timeout(_PATIENCE):
            while self.outcomes["acknowledged"] < wanted:  # noqa: ASYNC110 # writers tell nobody
                await asyncio.sleep(0.01)  # until a writer has had its turn

    async def judge(self, store: EventStore, accounts: Collection[UUID]) -> dict[str, int]:
        """Read accounts; count what is lost, doubled, stale or stands though it was refused."""
        wrong = Counter(lost=0, doubled=0, refused=0, gaps=0, foreign=0, stale=len(self.stale))
        for account in accounts:
            rows = await _rows(store, account, 1)
            found = {row[0]: UUID(bytes=row[1]) for row in rows}
            own = self.acknowledged.get(account, {})
            wrong["lost"] += sum(found.get(version) != each for version, each in own.items())
            wrong["doubled"] += len(rows) - len({row[1] for row in rows})
            wrong["gaps"] += [row[0] for row in rows] != [*range(1, len(rows) + 1)]
            wrong["refused"] += len(self.refused & {*found.values()})
            wrong["foreign"] += len({*found.values()} - {*own.values()} - self.unknown)
        self.changed.clear()
        return dict(wrong)


def events_of(
    aggregate_id: UUID, count: int, *, first: int = 1, payload: bytes = b"{}"
) -> Sequence[StoredEvent]:
    """So many events in a row, of an account."""
    moment = datetime(2024, 2, 29, tzinfo=UTC)
    return [
        StoredEvent(
            "Account",
            aggregate_id,
            version,
            uuid4(),
            "MoneyDeposited",
            1,
            moment + timedelta(seconds=version),
            b"{}",
            payload,
        )
        for version in range(first, first + count)
    ]


async def _rows(store: EventStore, account: UUID, first: int) -> list[EventRow]:
    chunks = store.read("Account", account, first=first)
    return [EventRow(*row) async for chunk in chunks for row in chunk]
