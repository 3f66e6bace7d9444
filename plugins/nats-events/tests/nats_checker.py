"""Writers and readers of a few accounts at several nodes, and what they must never see."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from uuid import UUID, uuid4

from interlock.backends import BackendUnavailableError, ConcurrencyError, EventRow
from interlock_nats_events.backend import NatsEventStore
from nats_rig import events_of

_SIZES = (*(1, 1, 1, 2, 3) * 6, 700)
"""Events of an append: the last need an atomic batch."""

_MOST_EVENTS = 5_000
"""An account that has more makes room for a new one: at the end all are read."""


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

    async def write(self, store: NatsEventStore, until: asyncio.Event, random: Random) -> None:
        """Append to one account after the other behind the head that is read."""
        while not until.is_set():
            account = random.choice(self.accounts)
            known = self.latest[account]
            try:
                head = await store.head("Account", account)
            except BackendUnavailableError:
                self.outcomes["unavailable reads"] += 1
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
            else:
                self.outcomes["acknowledged"] += 1
                self.acknowledged.setdefault(account, {}).update(ids)
                self.latest[account] = max(self.latest[account], *ids)

    async def read(self, store: NatsEventStore, until: asyncio.Event, random: Random) -> None:
        """Read the tail of one account after the other."""
        while not until.is_set():
            account = random.choice(self.accounts)
            known = self.latest[account]
            first = max(1, known - 5)
            try:
                rows = await _rows(store, account, first)
            except BackendUnavailableError:
                self.outcomes["unavailable reads"] += 1
                continue
            self.outcomes["reads"] += 1
            if known and (not rows or rows[-1][0] < known):
                self.stale.append(f"a read up to {rows[-1:]} after {known} was acknowledged")

    async def judge(self, store: NatsEventStore) -> dict[str, int]:
        """Read everything; count what is lost, doubled, stale or stands though it was refused."""
        wrong = Counter(lost=0, doubled=0, refused=0, gaps=0, foreign=0, stale=len(self.stale))
        for account in self.acknowledged:
            rows = await _rows(store, account, 1)
            found = {row[0]: UUID(bytes=row[1]) for row in rows}
            own = self.acknowledged.get(account, {})
            wrong["lost"] += sum(found.get(version) != each for version, each in own.items())
            wrong["doubled"] += len(rows) - len({row[1] for row in rows})
            wrong["gaps"] += [row[0] for row in rows] != [*range(1, len(rows) + 1)]
            wrong["refused"] += len(self.refused & {*found.values()})
            wrong["foreign"] += len({*found.values()} - {*own.values()} - self.unknown)
        return dict(wrong)


async def _rows(store: NatsEventStore, account: UUID, first: int) -> list[EventRow]:
    chunks = store.read("Account", account, first=first)
    return [EventRow(*row) async for chunk in chunks for row in chunk]
