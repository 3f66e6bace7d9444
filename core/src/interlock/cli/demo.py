"""`interlock demo`: the same account loaded cold, from a snapshot and from the cache."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import typer
from pydantic import BaseModel

from interlock._app.application import Application
from interlock._app.builder import ApplicationBuilder
from interlock._engine.reports import LoadReport, OnLoad
from interlock._model.aggregate import Aggregate
from interlock._model.command import Command
from interlock._model.routes import applies_event, handles_command
from interlock._model.stamp import STAMP_KEY
from interlock._model.strategies import Replay

_EVENTS = 10_000
_PER_COMMAND = 100
_REPETITIONS = 9
_BAR_WIDTH = 60
_TOML = """\
schema = 1

[event_store]
backend = "sqlalchemy-events"
url = "sqlite:///{database}"

[snapshot_backends.main]
backend = "sqlalchemy-snapshots"
url = "sqlite:///{database}"

[aggregates.BankAccount]
snapshot_strategy = {{ use = "after-n", n = 9500 }}
snapshot_backend = "main"
cache_strategy = "always"
cache_backend = "memory-cache"
"""


class DepositMany(Command[None]):
    """Pay in several amounts."""

    amounts: list[int]


class MoneyDeposited(BaseModel):
    """An amount was paid in."""

    amount: int


class BankAccount(Aggregate):
    """An account that only grows."""

    balance: int = 0

    @handles_command
    def deposit(self, command: DepositMany) -> None:
        """Record each amount."""
        for amount in command.amounts:
            self.emit(MoneyDeposited(amount=amount))

    @applies_event
    def apply_deposited(self, event: MoneyDeposited) -> None:
        """Add the amount."""
        self.balance += event.amount


@dataclass(frozen=True)
class Load:
    """One way to load the account: what it took, and what came of it."""

    name: str
    seconds: float
    report: LoadReport
    state: dict[str, Any]  # Any: the JSON dump, less the stamp
    last_event_id: str


def run(*, before_loading: Callable[[Path], None] | None = None) -> int:
    """Show it; the exit status is 0 if all loads gave the same state, else 1.

    `before_loading` gets the database's path. Nothing is left behind.
    """
    with tempfile.TemporaryDirectory(prefix="interlock-demo-") as folder:
        config = Path(folder, "interlock.toml")
        config.write_text(_TOML.format(database=Path(folder, "bank.db").as_posix()))
        account_id = uuid4()
        asyncio.run(_fill(config, account_id))
        if before_loading is not None:
            before_loading(Path(folder, "bank.db"))
        loads = asyncio.run(_load_each_way(config, account_id))
    for line in _shown(loads):
        typer.echo(line)
    problems = differences(loads)
    for problem in problems:
        typer.echo(problem)
    if not problems:
        typer.echo(f"All three are equal: dump, version {loads[0].report.version}, last event.")
    typer.echo(f"\nThe configuration was\n\n{_TOML.format(database='bank.db')}", nl=False)
    return 1 if problems else 0


def differences(loads: list[Load]) -> list[str]:
    """The differences of a load's result from the first one's, a line each."""
    first = loads[0]
    return [
        f"{load.name} differs from {first.name} in its {what}: {found} instead of {wanted}"
        for load in loads[1:]
        for what, found, wanted in (
            ("dump", load.state, first.state),
            ("version", load.report.version, first.report.version),
            ("last event", load.last_event_id, first.last_event_id),
        )
        if found != wanted
    ]


def _application(config: Path, reports: list[LoadReport]) -> Application:
    return (
        ApplicationBuilder.from_config(config)
        .register_aggregate(BankAccount)
        .register_observer(OnLoad(reports.append))
        .build()
    )


async def _fill(config: Path, account_id: UUID) -> None:
    typer.echo(f"{_EVENTS:,} events into SQLite ...")
    async with _application(config, []) as app:
        for start in range(0, _EVENTS, _PER_COMMAND):
            amounts = [number % 100 + 1 for number in range(start, start + _PER_COMMAND)]
            await app.dispatch(DepositMany(aggregate_id=account_id, amounts=amounts))


async def _load_each_way(config: Path, account_id: UUID) -> list[Load]:
    reports: list[LoadReport] = []
    async with _application(config, reports) as app:
        cold = await _timed(
            "cold", reports, lambda: app.load(BankAccount, account_id, freshness=Replay())
        )
        # A load of a version bypasses the cache, so it starts from the snapshot each time.
        snapshot = await _timed(
            "snapshot", reports, lambda: app.load(BankAccount, account_id, version=_EVENTS)
        )
        await app.load(BankAccount, account_id)
        cache = await _timed("cache", reports, lambda: app.load(BankAccount, account_id))
        return [cold, snapshot, cache]


async def _timed(
    name: str, reports: list[LoadReport], load: Callable[[], Awaitable[BankAccount]]
) -> Load:
    spent = []
    for _ in range(_REPETITIONS):
        start = time.perf_counter()
        account = await load()
        spent.append(time.perf_counter() - start)
    state = account.model_dump(mode="json")
    stamp = state.pop(STAMP_KEY)
    return Load(name, median(spent), reports[-1], state, stamp["last_event_id"])


def _shown(loads: list[Load]) -> Iterator[str]:
    slowest = max(load.seconds for load in loads)
    yield f"\nLoading a bank account of {_EVENTS:,} events\n"
    yield f"{'load':<9} {'from':<18} {'time':>12} {'events folded':>14} {'speed-up':>9}"
    for load in loads:
        source = f"{load.report.baseline} at {load.report.baseline_version:,}"
        yield (
            f"{load.name:<9} {source:<18} {load.seconds * 1e3:>9,.3f} ms "
            f"{load.report.events_folded:>14,} {slowest / load.seconds:>8,.0f}x"
        )
    yield ""
    for load in loads:
        yield f"{load.name:<9} {'#' * max(1, round(_BAR_WIDTH * load.seconds / slowest))}"
    yield ""
