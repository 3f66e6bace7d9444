"""The workloads by `eventsource-py`: its aggregate and snapshots, on SQLite. It has no cache."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID

from eventsource import AggregateRepository, AggregateRoot, DomainEvent, register_event
from eventsource.adapters.sqlite import SQLiteEventStore, SQLiteSnapshotStore
from pydantic import BaseModel
from subject import HOT, LONG, SHORT, Clock, Spent, State, chosen, moves, serve


@register_event
class Opened(DomainEvent):
    """An account is opened."""

    event_type: str = "Opened"
    aggregate_type: str = "Account"
    owner: str


@register_event
class Moved(DomainEvent):
    """Money is paid in, or out."""

    event_type: str = "Moved"
    aggregate_type: str = "Account"
    amount: int


class AccountState(BaseModel):
    """What an account is made of."""

    owner: str = ""
    balance: int = 0


class Account(AggregateRoot[AccountState]):
    """A bank account."""

    aggregate_type = "Account"

    def _get_initial_state(self) -> AccountState:
        return AccountState()

    def _apply(self, event: DomainEvent) -> None:
        state = self._state or AccountState()
        if isinstance(event, Moved):
            state.balance += event.amount
        elif isinstance(event, Opened):
            state.owner = event.owner
        self._state = state

    def open(self, owner: str) -> None:
        """Open it."""
        self.create_event(Opened, owner=owner)

    def move(self, amount: int) -> None:
        """Pay in, or out."""
        self.create_event(Moved, amount=amount)


class Subject:
    """The repositories: without snapshots, with them, and with one every 100 events."""

    def __init__(self, folder: Path) -> None:
        database = str(folder / "eventsource.db")
        self._events = events = SQLiteEventStore(database)
        snapshots = SQLiteSnapshotStore(database)
        self._plain = AggregateRepository(events, Account, enable_tracing=False)
        self._snapshots = AggregateRepository(
            events, Account, snapshot_store=snapshots, enable_tracing=False
        )
        self._taking = AggregateRepository(
            events,
            Account,
            snapshot_store=snapshots,
            snapshot_threshold=100,
            enable_tracing=False,
        )

    async def fill(self) -> None:
        """Store all accounts."""
        await self._fill(LONG, 10_000, 9_500)
        for account_id in SHORT:
            await self._fill(account_id, 100, 50)
        for account_id in HOT:
            account = Account(account_id)
            account.open("Ada")
            await self._taking.save(account)

    async def _fill(self, account_id: UUID, length: int, snapshot_at: int) -> None:
        account = Account(account_id)
        account.open("Ada")
        for place, amount in enumerate(moves(length), 2):
            account.move(amount)
            if place == snapshot_at:
                await self._snapshots.save(account)
                await self._snapshots.create_snapshot(account)
        await self._snapshots.save(account)

    async def close(self) -> None:
        """Close the connection, whose thread would go on."""
        await self._events.close()

    async def answer(self, workload: str, count: int) -> tuple[Spent, State] | None:
        """The seconds of so many operations, and the state of the last."""
        works: dict[str, Callable[[int], Awaitable[tuple[Spent, State]]]] = {
            "cold": lambda n: _loads(self._plain, [LONG] * n),
            "snapshot": lambda n: _loads(self._snapshots, [LONG] * n),
            "hot": self._commands,
            "hot_64": self._commands_at_once,
            "short": lambda n: _loads(self._snapshots, chosen(n)),
        }
        return await works[workload](count) if workload in works else None

    async def _commands(self, count: int) -> tuple[Spent, State]:
        with Clock() as clock:
            for number in range(count):
                state = await self._deposit(HOT[number % len(HOT)])
        return clock.spent, state

    async def _commands_at_once(self, count: int) -> tuple[Spent, State]:
        with Clock() as clock:
            for _ in range(count // len(HOT)):
                states = await asyncio.gather(*map(self._deposit, HOT))
        return clock.spent, states[-1]

    async def _deposit(self, account_id: UUID) -> State:
        account = await self._taking.load(account_id)
        account.move(1)
        await self._taking.save(account)
        return _state(account)


async def _loads(
    accounts: AggregateRepository[Account], ids: Sequence[UUID]
) -> tuple[Spent, State]:
    with Clock() as clock:
        for account_id in ids:
            account = await accounts.load(account_id)
    return clock.spent, _state(account)


def _state(account: Account) -> State:
    return account.version, 0 if account.state is None else account.state.balance


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        subject = Subject(Path(sys.argv[1]))
        runner.run(subject.fill())
        serve(lambda workload, count: runner.run(subject.answer(workload, count)))
        runner.run(subject.close())
