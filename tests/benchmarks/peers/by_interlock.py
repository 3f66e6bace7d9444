"""The workloads by Interlock, on SQLite."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel
from subject import HOT, LONG, SHORT, Clock, Spent, State, chosen, moves, serve

from account import Account, AccountOpened, Deposit, MoneyDeposited, MoneyWithdrawn
from interlock.application import Application
from interlock.application.aggregates import FastForward, Trust
from stores import Ours, fill


class Subject:
    """The applications: without anything, with snapshots, with a cache."""

    def __init__(self, plain: Application, snapshots: Application, cached: Application) -> None:
        self._plain = plain
        self._snapshots = snapshots
        self._cached = cached

    async def answer(self, workload: str, count: int) -> tuple[Spent, State] | None:
        """The seconds of so many operations, and the state of the last."""
        works: dict[str, Callable[[int], Awaitable[tuple[Spent, State]]]] = {
            "cold": lambda n: _loads(self._plain, [LONG] * n),
            "snapshot": lambda n: _loads(self._snapshots, [LONG] * n),
            "trust": lambda n: _loads(self._cached, [LONG] * n, Trust()),
            "fast_forward": lambda n: _loads(self._cached, [LONG] * n, FastForward()),
            "hot": self._commands,
            "hot_64": self._commands_at_once,
            "short": lambda n: _loads(self._snapshots, chosen(n)),
        }
        return await works[workload](count)

    async def _commands(self, count: int) -> tuple[Spent, State]:
        with Clock() as clock:
            for number in range(count):
                await self._deposit(HOT[number % len(HOT)])
        return clock.spent, await self._state(HOT[(count - 1) % len(HOT)])

    async def _commands_at_once(self, count: int) -> tuple[Spent, State]:
        with Clock() as clock:
            for _ in range(count // len(HOT)):
                await asyncio.gather(*map(self._deposit, HOT))
        return clock.spent, await self._state(HOT[-1])

    async def _deposit(self, account_id: UUID) -> None:
        await self._cached.dispatch(Deposit(aggregate_id=account_id, amount=1))

    async def _state(self, account_id: UUID) -> State:
        account = await self._cached.load(Account, account_id)
        return account.version, account.balance


def history(length: int) -> list[BaseModel]:
    """The events of an account."""
    return [
        AccountOpened(owner="Ada"),
        *(
            MoneyWithdrawn(amount=-amount) if amount < 0 else MoneyDeposited(amount=amount)
            for amount in moves(length)
        ),
    ]


async def _loads(
    app: Application, ids: Sequence[UUID], freshness: Trust | FastForward | None = None
) -> tuple[Spent, State]:
    with Clock() as clock:
        for account_id in ids:
            account = await app.load(Account, account_id, freshness=freshness)
    return clock.spent, (account.version, account.balance)


async def opened(ours: Ours, stack: AsyncExitStack) -> Subject:
    """All accounts stored, and the applications on them."""
    await fill(ours, {LONG: history(10_000)}, snapshot_at=9_500)
    await fill(ours, {account_id: history(100) for account_id in SHORT}, snapshot_at=50)
    await fill(ours, {account_id: history(1) for account_id in HOT})
    applications = (
        ours.application(),
        ours.application(snapshots=True),
        ours.application(cache=True),
    )
    return Subject(*[await stack.enter_async_context(each) for each in applications])


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        database = Ours(f"sqlite:///{Path(sys.argv[1]) / 'interlock.db'}")
        subject = runner.run(opened(database, stack))
        serve(lambda workload, count: runner.run(subject.answer(workload, count)))
        runner.run(stack.aclose())
