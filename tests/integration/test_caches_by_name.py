"""Strategies and freshness, named in TOML, on every cache."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from hot_caches import BY_NAME, SHARED, hot_cache
from interlock._engine.reports import Source
from interlock.application import Application, ApplicationBuilder, LoadReport, OnLoad
from interlock.application.aggregates import FastForward, Replay
from teller import Account, Deposit

FRESHNESS = (
    '"trust"',
    '{ use = "max-age", delta = "1h" }',
    '{ use = "max-age", delta = "1us" }',
    '"fast-forward"',
    '"replay"',
)
STRATEGIES = ('"always"', '{ use = "after-version", version = 3 }', '"never"')


class Process:
    """An application on what the TOML file says, and the reports of its loads."""

    def __init__(self, config: Path) -> None:
        self.reports: list[LoadReport] = []
        builder = ApplicationBuilder.from_config(config).register_observer(
            OnLoad(self.reports.append)
        )
        self.app: Application = builder.register_aggregate(Account).build()


class Bank:
    """A TOML file with a cache, on one event store for all processes."""

    def __init__(self, folder: Path, cache: str) -> None:
        self._folder = folder
        self._cache = cache

    def process(self, *, strategy: str = '"always"', freshness: str = '"trust"') -> Process:
        """A process with this strategy and freshness."""
        config = self._folder / "interlock.toml"
        config.write_text(
            f"""
schema = 1
[event_store]
backend = "sqlalchemy-events"
url = "sqlite:///{self._folder / "bank.db"}"
create_schema = true
synchronous = "NORMAL"
[aggregates.Account]
cache_strategy = {strategy}
cache_backend = "hot"
freshness = {freshness.replace('"1us"', '"PT0.000001S"')}
{self._cache}
"""
        )
        return Process(config)


@pytest.fixture(autouse=True)
def puts_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command is answered once the cache has its state; the first put is slow, as it connects."""
    monkeypatch.setattr("interlock._engine.late_writes._WAIT_MIN", 60.0)


@pytest.fixture(params=BY_NAME)
def bank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bank]:
    with hot_cache(request.param, tmp_path) as cache:
        yield Bank(tmp_path, cache)


@pytest.mark.parametrize("freshness", FRESHNESS)
async def test_whatever_the_freshness_the_head_is_found(bank: Bank, freshness: str) -> None:
    writer, reader = bank.process(), bank.process(freshness=freshness)
    account_id = uuid4()
    async with writer.app, reader.app:
        for version in range(1, 5):
            await writer.app.dispatch(Deposit(aggregate_id=account_id, amount=version))
            account = await reader.app.load(Account, account_id, freshness=FastForward())
            assert (account.version, account.balance) == (version, version * (version + 1) // 2)
        for _ in range(2):
            account = await reader.app.load(Account, account_id)
            assert (account.version, account.balance) == (4, 10)
        baseline = reader.reports[-1].baseline
        assert baseline is (Source.EMPTY if freshness == '"replay"' else Source.CACHE)
        await reader.app.dispatch(Deposit(aggregate_id=account_id, amount=90))
        assert (await writer.app.load(Account, account_id, freshness=Replay())).balance == 100


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_strategy_decides_what_is_kept(bank: Bank, strategy: str) -> None:
    process = bank.process(strategy=strategy)
    account_id = uuid4()
    async with process.app:
        kept = []
        for amount in range(1, 5):
            await process.app.dispatch(Deposit(aggregate_id=account_id, amount=amount))
            await process.app.load(Account, account_id)
            kept.append(process.reports[-1].baseline is Source.CACHE)
    assert kept == {
        '"always"': [True, True, True, True],
        '"never"': [False, False, False, False],
    }.get(strategy, [False, False, True, True])


async def test_what_has_no_events_is_not_kept(bank: Bank) -> None:
    process = bank.process()
    account_id = uuid4()
    async with process.app:
        for _ in range(2):
            assert (await process.app.load(Account, account_id)).version == 0
            assert process.reports[-1].baseline is Source.EMPTY
        assert not await process.app.exists(Account, account_id)


@pytest.mark.parametrize("kind", SHARED)
async def test_another_process_finds_what_one_has_cached(kind: str, tmp_path: Path) -> None:
    with hot_cache(kind, tmp_path) as cache:
        bank = Bank(tmp_path, cache)
        writer, reader = bank.process(), bank.process()
        account_id = uuid4()
        async with writer.app, reader.app:
            await writer.app.dispatch(Deposit(aggregate_id=account_id, amount=5))
            assert (await reader.app.load(Account, account_id)).balance == 5
        assert reader.reports[-1].baseline is Source.CACHE
        assert not reader.reports[-1].is_current
