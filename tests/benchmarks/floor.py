"""The floor: what a careful hand writes for this one domain, without any framework.

The standard library's sqlite3 on the calling thread, pydantic's own compiled validators, and one
dictionary from an event's stored name to its validator and its function.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from account import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn


class PlainAccount(BaseModel):
    """The same state as `Account`, as a plain model."""

    id: UUID
    version: int = 0
    owner: str = ""
    balance: int = 0


def _opened(account: PlainAccount, event: AccountOpened) -> None:
    account.owner = event.owner


def _deposited(account: PlainAccount, event: MoneyDeposited) -> None:
    account.balance += event.amount


def _withdrawn(account: PlainAccount, event: MoneyWithdrawn) -> None:
    account.balance -= event.amount


_EVENTS: dict[str, tuple[Callable[[str], Any], Callable[..., None]]] = {
    "AccountOpened": (AccountOpened.__pydantic_validator__.validate_json, _opened),
    "MoneyDeposited": (MoneyDeposited.__pydantic_validator__.validate_json, _deposited),
    "MoneyWithdrawn": (MoneyWithdrawn.__pydantic_validator__.validate_json, _withdrawn),
}
state_of = PlainAccount.__pydantic_validator__.validate_json


def replayed(account: PlainAccount, rows: Iterable[Sequence[Any]]) -> PlainAccount:
    """The account after the events of (version, type, payload)."""
    version = account.version
    for version, name, payload in rows:  # noqa: B007 the last one is used
        validate, apply = _EVENTS[name]
        apply(account, validate(payload))
    account.version = version
    return account


def payload_of(account: Account | PlainAccount) -> bytes:
    """A snapshot's bytes."""
    fields = {name: getattr(account, name) for name in PlainAccount.model_fields}
    return PlainAccount(**fields).model_dump_json().encode()


_SCHEMA = """
create table events (
  stream blob, version integer, type text, payload blob, primary key (stream, version)
) without rowid;
create table snapshots (stream blob primary key, version integer, payload blob) without rowid;
"""


class Floor:
    """Loads accounts from a SQLite file by hand."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("pragma synchronous = full")
        self._connection.executescript(_SCHEMA)

    def append(self, account_id: UUID, events: Sequence[BaseModel]) -> None:
        """Store a new account's events."""
        rows = [
            (account_id.bytes, version, type(event).__name__, event.model_dump_json().encode())
            for version, event in enumerate(events, 1)
        ]
        self._connection.execute("begin")
        self._connection.executemany("insert into events values (?, ?, ?, ?)", rows)
        self._connection.execute("commit")

    def append_all(self, ids: Sequence[UUID], events: Sequence[BaseModel]) -> None:
        """Store the same events for many new accounts, in one commit."""
        stored = [
            (version, type(event).__name__, event.model_dump_json().encode())
            for version, event in enumerate(events, 1)
        ]
        rows = ((each.bytes, *row) for each in ids for row in stored)
        self._connection.execute("begin")
        self._connection.executemany("insert into events values (?, ?, ?, ?)", rows)
        self._connection.execute("commit")

    def deposit_all(self, accounts: Sequence[PlainAccount], amount: int) -> None:
        """Handle a command for each of them, in one commit to the disk."""
        events = [MoneyDeposited(amount=amount) for _ in accounts]
        self._connection.execute("begin immediate")
        for account, event in zip(accounts, events, strict=True):
            row = (account.id.bytes, account.version + 1, "MoneyDeposited", event.model_dump_json())
            self._connection.execute("insert into events values (?, ?, ?, ?)", row)
        self._connection.execute("commit")
        for account, event in zip(accounts, events, strict=True):
            _deposited(account, event)
            account.version += 1

    def deposit(self, account: PlainAccount, amount: int) -> None:
        """Handle a command: decide, append, commit to the disk."""
        if amount <= 0:
            raise ValueError(f"an amount of {amount}")
        event = MoneyDeposited(amount=amount)
        row = (account.id.bytes, account.version + 1, "MoneyDeposited", event.model_dump_json())
        self._connection.execute("begin immediate")
        self._connection.execute("insert into events values (?, ?, ?, ?)", row)
        self._connection.execute("commit")
        _deposited(account, event)
        account.version += 1

    def snapshot(self, account: Account | PlainAccount) -> None:
        """Store a snapshot."""
        self._connection.execute(
            "insert or replace into snapshots values (?, ?, ?)",
            (account.id.bytes, account.version, payload_of(account)),
        )

    def load(self, account_id: UUID) -> PlainAccount:
        """Replay all events."""
        return self._replay(PlainAccount(id=account_id))

    def load_snapshot(self, account_id: UUID) -> PlainAccount:
        """Replay the events after the snapshot."""
        row = self._connection.execute(
            "select payload from snapshots where stream = ?", (account_id.bytes,)
        ).fetchone()
        return self._replay(state_of(row[0]))

    def head(self, account_id: UUID) -> int:
        """One indexed read: the version of the last event."""
        row = self._connection.execute(
            "select version from events where stream = ? order by version desc limit 1",
            (account_id.bytes,),
        ).fetchone()
        return int(row[0])

    def _replay(self, account: PlainAccount) -> PlainAccount:
        rows = self._connection.execute(
            "select version, type, payload from events "
            "where stream = ? and version > ? order by version",
            (account.id.bytes, account.version),
        )
        return replayed(account, rows)
