"""The workloads by `eventsourcing`: its own aggregate, snapshots and cache, on SQLite."""

import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from subject import HOT, LONG, SHORT, Clock, Spent, State, chosen, moves, serve


class Account(Aggregate):
    """A bank account."""

    def __init__(self, number: str, owner: str) -> None:
        self.number = number
        self.owner = owner
        self.balance = 0

    @staticmethod
    def create_id(number: str, owner: str) -> UUID:
        """The id of an account is its number."""
        return UUID(number)

    @event("Deposited")
    def deposit(self, amount: int) -> None:
        """Pay in."""
        self.balance += amount

    @event("Withdrawn")
    def withdraw(self, amount: int) -> None:
        """Pay out."""
        self.balance -= amount


class Bank(Application):
    """Accounts in a SQLite file."""

    snapshotting_intervals = None


class Subject:
    """The applications: without a cache, with one that is trusted, with one that is checked."""

    def __init__(self, folder: Path) -> None:
        common = {
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": str(folder / "eventsourcing.db"),
        }
        cached = {"AGGREGATE_CACHE_MAXSIZE": "1000"}
        self._plain = Bank(env=common)
        self._snapshots = Bank(env={**common, "IS_SNAPSHOTTING_ENABLED": "y"})
        self._trusting = Bank(env={**common, **cached, "AGGREGATE_CACHE_FASTFORWARD": "n"})
        self._checking = Bank(env={**common, **cached, "AGGREGATE_CACHE_FASTFORWARD": "y"})
        self._fill(LONG, 10_000, 9_500)
        for account_id in SHORT:
            self._fill(account_id, 100, 50)
        for account_id in HOT:
            self._trusting.save(Account(number=str(account_id), owner="Ada"))

    def _fill(self, account_id: UUID, length: int, snapshot_at: int) -> None:
        account = Account(number=str(account_id), owner="Ada")
        for place, amount in enumerate(moves(length), 2):
            account.withdraw(-amount) if amount < 0 else account.deposit(amount)
            if place == snapshot_at:
                self._snapshots.save(account)
                self._snapshots.take_snapshot(account_id)
        self._snapshots.save(account)

    def answer(self, workload: str, count: int) -> tuple[Spent, State] | None:
        """The seconds of so many operations, and the state of the last."""
        works: dict[str, Callable[[int], tuple[Spent, State]]] = {
            "cold": lambda n: _loads(self._plain, [LONG] * n),
            "snapshot": lambda n: _loads(self._snapshots, [LONG] * n),
            "trust": lambda n: _loads(self._trusting, [LONG] * n),
            "fast_forward": lambda n: _loads(self._checking, [LONG] * n),
            "hot": self._commands,
            "hot_64": self._commands,  # it is synchronous: one after the other
            "short": lambda n: _loads(self._snapshots, chosen(n)),
        }
        return works[workload](count)

    def _commands(self, count: int) -> tuple[Spent, State]:
        bank = self._trusting
        with Clock() as clock:
            for number in range(count):
                account: Account = bank.repository.get(HOT[number % len(HOT)])
                account.deposit(1)
                bank.save(account)
        return clock.spent, (account.version, account.balance)


def _loads(bank: Bank, ids: list[UUID]) -> tuple[Spent, State]:
    with Clock() as clock:
        for account_id in ids:
            account: Account = bank.repository.get(account_id)
    return clock.spent, (account.version, account.balance)


if __name__ == "__main__":
    serve(Subject(Path(sys.argv[1])).answer)
