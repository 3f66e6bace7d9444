"""An application for tests: in the loops of pytest-asyncio and of anyio, and streams in it."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import BaseModel

from interlock import Aggregate, ApplicationBuilder, Command, applies_event, handles_command
from interlock.application.aggregates import AlwaysCache, InMemoryAggregateCacheBackend
from interlock.errors import ConfigurationError, UnknownEventError
from interlock.testing import in_memory_application, store_events

ID = UUID(int=7)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Deposit(Command[int]):
    amount: int


class Deposited(BaseModel):
    amount: int


class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> int:
        self.emit(Deposited(amount=command.amount))
        return self.balance

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount


class TestStoredEvents:
    async def test_they_are_what_commands_and_loads_see(self) -> None:
        async with in_memory_application(Account, clock=lambda: NOON) as app:
            await store_events(app, Account, ID, Deposited(amount=1), Deposited(amount=2))
            assert await app.dispatch(Deposit(aggregate_id=ID, amount=3)) == 6
            await store_events(app, Account, ID, Deposited(amount=4))
            account = await app.load(Account, ID)
            assert (account.version, account.balance) == (4, 10)
            recorded = [each async for each in app.events(Account, ID)]
            assert [each.event for each in recorded] == [Deposited(amount=n) for n in (1, 2, 3, 4)]
            assert {each.recorded_at for each in recorded} == {NOON}

    async def test_a_cache_returns_nothing_that_is_older(self) -> None:
        builder = ApplicationBuilder().register_aggregate(
            Account, cache_strategy=AlwaysCache, cache_backend=InMemoryAggregateCacheBackend
        )
        async with builder.build() as app:
            await app.dispatch(Deposit(aggregate_id=ID, amount=3))
            await store_events(app, Account, ID, Deposited(amount=4))
            assert (await app.load(Account, ID)).balance == 7

    async def test_none_is_no_event(self) -> None:
        async with in_memory_application(Account) as app:
            await store_events(app, Account, ID)
            assert not await app.exists(Account, ID)

    async def test_one_that_is_refused_leaves_nothing(self) -> None:
        class Other(BaseModel):
            pass

        async with in_memory_application(Account) as app:
            with pytest.raises(UnknownEventError):
                await store_events(app, Account, ID, Deposited(amount=1), Other())
            assert not await app.exists(Account, ID)
            assert await app.dispatch(Deposit(aggregate_id=ID, amount=3)) == 3

    async def test_an_application_that_does_not_run_is_told(self) -> None:
        app = ApplicationBuilder().register_aggregate(Account).build()
        with pytest.raises(ConfigurationError, match="isn't running"):
            await store_events(app, Account, ID, Deposited(amount=1))


ACCOUNTS = """
from uuid import uuid4
from pydantic import BaseModel
from interlock import Aggregate, Command, applies_event, handles_command
from interlock.testing import in_memory_application

class Deposit(Command[int]):
    amount: int

class Deposited(BaseModel):
    amount: int

class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> int:
        self.emit(Deposited(amount=command.amount))
        return self.balance

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount
"""
OF_ASYNCIO = """
import pytest
import pytest_asyncio
from accounts import *

pytestmark = pytest.mark.asyncio(loop_scope="{scope}")

@pytest_asyncio.fixture(scope="{scope}", loop_scope="{scope}")
async def app():
    async with in_memory_application(Account) as app:
        yield app

@pytest.mark.parametrize("amount", [3, 4])
async def test_deposit(app, amount):
    assert await app.dispatch(Deposit(aggregate_id=uuid4(), amount=amount)) == amount
"""
OF_ANYIO = """
import pytest
from accounts import *

pytestmark = pytest.mark.anyio

@pytest.fixture{scope}
def anyio_backend():
    return "asyncio"

@pytest.fixture{scope}
async def app(anyio_backend):
    async with in_memory_application(Account) as app:
        yield app

@pytest.mark.parametrize("amount", [3, 4])
async def test_deposit(app, amount):
    assert await app.dispatch(Deposit(aggregate_id=uuid4(), amount=amount)) == amount
"""
SETTINGS = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"


@pytest.mark.parametrize(
    "test",
    [
        OF_ASYNCIO.format(scope="function"),
        OF_ASYNCIO.format(scope="module"),
        OF_ASYNCIO.format(scope="session"),
        OF_ANYIO.format(scope=""),
        OF_ANYIO.format(scope='(scope="module")'),
    ],
    ids=["asyncio-function", "asyncio-module", "asyncio-session", "anyio", "anyio-module"],
)
def test_it_is_a_fixture_of_any_loop(tmp_path: Path, test: str) -> None:
    (tmp_path / "accounts.py").write_text(ACCOUNTS)
    (tmp_path / "test_accounts.py").write_text(test)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout
