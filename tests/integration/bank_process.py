"""A process that deposits and withdraws: `python bank_process.py URL COMMANDS SEED`.

It prints, as JSON, the ids of the commands that were accepted and how many conflicts it met.
"""

import asyncio
import json
import random
import sys
from uuid import UUID, uuid5

from pydantic import BaseModel

from interlock.application import Application, ApplicationBuilder, backend
from interlock.application.aggregates import (
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    SnapshotAfterN,
)
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command

ACCOUNTS = [uuid5(UUID(int=7), f"account {number}") for number in range(4)]


class Deposit(Command[None]):
    amount: int


class Withdraw(Command[None]):
    amount: int


class Deposited(BaseModel):
    amount: int


class Withdrawn(BaseModel):
    amount: int


class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> None:
        self.emit(Deposited(amount=command.amount))

    @handles_command
    def withdraw(self, command: Withdraw) -> None:
        if command.amount > self.balance:
            raise ValueError("overdraft")
        self.emit(Withdrawn(amount=command.amount))

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount

    @applies_event
    def apply_withdrawn(self, event: Withdrawn) -> None:
        self.balance -= event.amount


def application(url: str) -> Application:
    """Events and snapshots in the file at the URL, and a cache of this process's own."""
    return (
        ApplicationBuilder()
        .configure(max_attempts=1_000)
        .register_event_store(
            backend("sqlalchemy-events", url=url, create_schema=True, synchronous="NORMAL")
        )
        .register_aggregate(
            Account,
            snapshot_strategy=SnapshotAfterN(10),
            snapshot_backend=backend("sqlalchemy-snapshots", url=url, create_schema=True),
            cache_strategy=AlwaysCache,
            cache_backend=InMemoryAggregateCacheBackend,
        )
        .build()
    )


async def main(url: str, commands: int, seed: int) -> None:
    """Dispatch the commands, four at a time."""
    chooser = random.Random(seed)  # noqa: S311 a choice, not a secret
    accepted: list[str] = []
    async with application(url) as app:

        async def dispatch(command: Command[None]) -> None:
            try:
                await app.dispatch(command)
            except ValueError:
                return
            accepted.append(str(command.command_id))

        for _ in range(commands // 4):
            kinds = [chooser.choice((Deposit, Deposit, Withdraw)) for _ in range(4)]
            await asyncio.gather(
                *(
                    dispatch(
                        kind(aggregate_id=chooser.choice(ACCOUNTS), amount=chooser.randint(1, 9))
                    )
                    for kind in kinds
                )
            )
        conflicts = app.counters().get("append.conflict", 0)
    sys.stdout.write(json.dumps({"accepted": accepted, "conflicts": conflicts}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
