"""Processes that deposit, withdraw and close.

`python teller.py CONFIG COMMANDS ACCOUNTS PROCESSES [FOLDER]`: so many commands of each process on
so many accounts; they are forked when all is imported, and nothing open yet.
Between its commands a process evicts, flushes and restores cache entries, so that others meet stale
ones. Where a database is away it tries again, and finds out what became of an append that it isn't
sure of. What was accepted, refused and seen by each is printed as JSON; `tellers` holds that
against the streams.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel

from interlock._engine.reports import Source
from interlock.application import Application, ApplicationBuilder, LoadReport, OnLoad
from interlock.backends import AggregateRecord
from interlock.domain import Aggregate, Command
from interlock.errors import AppendOutcomeUnknownError, BackendUnavailableError, InterlockError
from interlock.routing import applies_event, handles_command

T = TypeVar("T")
Told = Mapping[str, Any]  # Any: JSON

MISCHIEF = 0.6  # of the steps
PATIENCE = 120.0  # seconds


def account_ids(count: int) -> list[UUID]:
    """The accounts' ids."""
    return [uuid5(UUID(int=7), f"account {number}") for number in range(count)]


class RefusedError(ValueError):
    """Why, and on which version it was decided."""

    def __init__(self, reason: str, version: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.version = version


class Deposit(Command[None]):
    amount: int


class Withdraw(Command[None]):
    amount: int


class Close(Command[int | None]):
    """Answered with the version of an account that is closed already."""


class Deposited(BaseModel):
    amount: int


class Withdrawn(BaseModel):
    amount: int


class Closed(BaseModel):
    pass


class Account(Aggregate):
    balance: int = 0
    is_closed: bool = False

    @handles_command
    def deposit(self, command: Deposit) -> None:
        if self.is_closed:
            raise RefusedError("closed", self.version)
        self.emit(Deposited(amount=command.amount))

    @handles_command
    def withdraw(self, command: Withdraw) -> None:
        if command.amount > self.balance:
            raise RefusedError("overdraft", self.version)
        self.emit(Withdrawn(amount=command.amount))

    @handles_command
    def close(self, command: Close) -> int | None:
        if self.is_closed:
            return self.version
        self.emit(Closed())
        return None

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount

    @applies_event
    def apply_withdrawn(self, event: Withdrawn) -> None:
        self.balance -= event.amount

    @applies_event
    def apply_closed(self, event: Closed) -> None:
        self.is_closed = True


@dataclass
class Teller:
    """One process's commands, and what came of them."""

    chooser: random.Random
    account_ids: Sequence[UUID]
    heads: dict[UUID, int] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    refused: list[tuple[str, str, int, int, int]] = field(default_factory=list)
    seen: list[tuple[str, int, int, bool]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    stashed: dict[UUID, AggregateRecord] = field(default_factory=dict)

    async def work(self, app: Application, commands: int) -> None:
        """Dispatch the commands, one after the other."""
        done = 0
        while done < commands:
            account_id = self.chooser.choice(self.account_ids)
            if self.chooser.random() < MISCHIEF:
                await self._mischief(app, account_id)
            stream = app._services[Account].context.stream
            head = await self.patiently(partial(stream.head, account_id))
            self.heads[account_id] = 0 if head is None else head[0]
            if self.chooser.random() < 0.2:
                account = await self.patiently(partial(app.load, Account, account_id))
                self.seen.append(
                    (str(account_id), account.version, account.balance, account.is_closed)
                )
            else:
                await self._command(app, account_id)
                done += 1

    async def _command(self, app: Application, account_id: UUID) -> None:
        amount = self.chooser.randint(1, 9)
        kind = self.chooser.choices((Deposit, Withdraw, Close), (50, 50, 1))[0]
        command: Command[Any] = kind.model_validate({"aggregate_id": account_id, "amount": amount})
        try:
            refused_on, reason = (
                await self.patiently(partial(self._dispatch, app, command)),
                "closed",
            )
        except RefusedError as error:
            refused_on, reason = error.version, error.reason
        if refused_on is None:
            self.accepted.append(str(command.command_id))
        else:
            refusal = (str(account_id), reason, amount, refused_on, self.heads[account_id])
            self.refused.append(refusal)

    async def _dispatch(self, app: Application, command: Command[Any]) -> Any:
        """The answer; None if what it emitted was found to stand, after nobody knew."""
        try:
            return await app.dispatch(command)
        except AppendOutcomeUnknownError as error:
            self.counts["outcomes unknown"] += 1
            ids = set(error.event_ids)
        stored = await self.patiently(partial(self._ids, app, command.aggregate_id))
        return None if ids <= stored else await app.dispatch(command)

    async def _ids(self, app: Application, account_id: UUID) -> set[UUID]:
        return {recorded.event_id async for recorded in app.events(Account, account_id)}

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """What the call answers once the database does."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await call()
            except BackendUnavailableError:
                self.counts["outages"] += 1
                if time.monotonic() > deadline:
                    raise

    async def _mischief(self, app: Application, account_id: UUID) -> None:
        context = app._services[Account].context
        assert context.cache is not None
        cache, scope = context.cache, context.registration.mapper.scope
        key = scope.key(account_id)
        what = self.chooser.choices(("stash", "restore", "evict", "flush"), (40, 40, 15, 5))[0]
        try:
            if what == "stash":
                found = await cache.read(key)
                if found is not None:
                    self.stashed[account_id] = found
            elif what == "restore" and account_id in self.stashed:
                await cache.remove(key)
                await cache.put(key, self.stashed[account_id])
            elif what == "flush":
                for each in self.account_ids:
                    await cache.remove(scope.key(each))
            elif what == "evict":
                await cache.remove(key)
        except InterlockError:
            self.counts["cache was down"] += 1

    def observe(self, report: LoadReport) -> None:
        """Count the cache hits that were behind the stream when the command began."""
        if report.baseline is Source.CACHE and not report.is_current:
            is_stale = report.version < self.heads.get(report.aggregate_id, 0)
            self.counts["stale hits" if is_stale else "true hits"] += 1


class FolderCache:
    """A hand-written cache that the processes share: a JSON file for each account."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        """What stands in the file."""
        try:
            return Account.model_validate_json((self._folder / str(aggregate_id)).read_bytes())
        except FileNotFoundError:
            return None

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        """Replace the file."""
        new = self._folder / f"{aggregate.id}.{os.getpid()}"
        new.write_text(aggregate.model_dump_json())
        new.replace(self._folder / str(aggregate.id))

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        """Remove the file."""
        (self._folder / str(aggregate_id)).unlink(missing_ok=True)


def application(config: str, folder: str | None = None) -> ApplicationBuilder:
    """As configured; with a folder, the cache is the hand-written one there."""
    builder = ApplicationBuilder.from_config(config).configure(max_attempts=1_000)
    if folder is None:
        return builder.register_aggregate(Account)
    return builder.register_aggregate(Account, cache_backend=FolderCache(Path(folder)))


async def tell(config: str, commands: int, accounts: int, seed: int, folder: str | None) -> Told:
    """Work; what came of it."""
    chooser = random.Random(seed)  # noqa: S311 a choice, not a secret
    teller = Teller(chooser, account_ids(accounts))
    app = application(config, folder).register_observer(OnLoad(teller.observe)).build()
    await teller.patiently(app.start)
    await teller.work(app, commands)
    counters = app.counters()
    await app.close()
    return {
        "accepted": teller.accepted,
        "refused": teller.refused,
        "seen": teller.seen,
        "counts": teller.counts,
        "counters": counters,
    }


def main(
    config: str, commands: str, accounts: str, processes: str, folder: str | None = None
) -> None:
    """Let processes work, and print what came of it."""
    application(config, folder).build()  # for what it imports
    context = get_context("fork")
    ends = []
    for seed in range(int(processes)):
        end, sender = context.Pipe(duplex=False)
        words = (config, int(commands), int(accounts), seed, folder)
        context.Process(target=_send, args=(sender, words), daemon=True).start()
        sender.close()  # so that the end of a process is the end of its pipe
        ends.append(end)
    sys.stdout.write(json.dumps([end.recv() for end in ends]))


def _send(sender: Connection, words: tuple[str, int, int, int, str | None]) -> None:
    sender.send(asyncio.run(tell(*words)))


if __name__ == "__main__":
    main(*sys.argv[1:])
