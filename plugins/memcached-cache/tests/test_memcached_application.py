import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from interlock.application import Application, ApplicationBuilder
from interlock.backends import BackendUnavailableError
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from memcached_rig import Server


class Deposit(Command[int]):
    amount: int
    note: str = ""


class Deposited(BaseModel):
    amount: int
    note: str


class Purse(Aggregate):
    balance: int = 0
    note: str = ""

    @handles_command
    def deposit(self, command: Deposit) -> int:
        self.emit(Deposited(amount=command.amount, note=command.note))
        return self.balance

    @applies_event
    def deposited(self, event: Deposited) -> None:
        self.balance += event.amount
        self.note = event.note


@pytest.fixture
def application(tmp_path: Path) -> Callable[..., Application]:
    """Applications on the same cache, each with events of its own, in memory."""

    def application(*servers: Server, options: str = "") -> Application:
        file = tmp_path / "interlock.toml"
        file.write_text(
            f"""
schema = 1

[cache_backends.hot]
backend = "memcached-cache"
servers = {[server.name for server in servers]}
retry_interval = "1ms"
timeout = "30s"
{options}

[aggregates.Purse]
cache_strategy = "always"
cache_backend = "hot"
"""
        )
        return ApplicationBuilder.from_config(file).register_aggregate(Purse).build()

    return application


Applications = Callable[..., Application]


async def balance(app: Application, purse: UUID) -> int:
    async with app:
        return (await app.load(Purse, purse)).balance


async def test_what_one_application_cached_another_one_finds(
    nodes: list[Server], application: Applications
) -> None:
    purses = [uuid4() for _ in range(9)]
    async with application(*nodes) as app:
        for purse in purses:
            await app.dispatch(Deposit(aggregate_id=purse, amount=3))
            assert await app.dispatch(Deposit(aggregate_id=purse, amount=4)) == 7
        assert "cache.failed" not in app.counters()
    for purse in purses:
        assert await balance(application(*nodes), purse) == 7


async def until_back(app: Application) -> None:
    """Wait until the cache isn't left alone any more."""

    def is_back(counters: dict[str, int]) -> bool:
        return counters.get("cache.breaker_opened") == counters.get("cache.breaker_closed")

    async with asyncio.timeout(60):
        while not is_back(app.counters()):  # noqa: ASYNC110 it is told of in the background
            await asyncio.sleep(0.01)


async def outage(app: Application, purses: list[UUID], server: Server) -> None:
    """Let the server be away while each purse gets 3 and 4, and be back."""
    for purse in purses:
        assert await app.dispatch(Deposit(aggregate_id=purse, amount=3)) == 3
    server.kill()
    for purse in purses:
        assert await app.dispatch(Deposit(aggregate_id=purse, amount=4)) == 7
        assert (await app.load(Purse, purse)).balance == 7
    failed = app.counters()["cache.failed"]
    assert 0 < failed < len(purses) * 2
    server.start()


async def test_dead_server_changes_no_answer_and_is_used_again_when_it_is_back(
    nodes: list[Server], application: Applications
) -> None:
    purses = [uuid4() for _ in range(20)]
    async with application(*nodes) as app:
        await outage(app, purses, nodes[0])
        await until_back(app)
        for purse in purses:
            assert await app.dispatch(Deposit(aggregate_id=purse, amount=5)) == 12
    for purse in purses:
        assert await balance(application(*nodes), purse) == 12


async def test_what_was_committed_while_the_cache_rests_leaves_others_nothing_older(
    nodes: list[Server], application: Applications
) -> None:
    purses = [uuid4() for _ in range(20)]
    async with application(*nodes) as app:
        await outage(app, purses, nodes[0])
        for purse in purses:
            assert await app.dispatch(Deposit(aggregate_id=purse, amount=5)) == 12
    for purse in purses:
        assert await balance(application(*nodes), purse) in (0, 12)  # not there, or as it is


async def test_server_that_is_down_at_the_start_is_reported_and_used_later(
    start: Callable[..., Server], application: Applications
) -> None:
    server, purse = start(), uuid4()
    server.kill()
    async with application(server) as app:
        assert app.counters()["open.failed"] == 1
        assert await app.dispatch(Deposit(aggregate_id=purse, amount=3)) == 3
        server.start()
        await until_back(app)
        assert await app.dispatch(Deposit(aggregate_id=purse, amount=4)) == 7
    assert await balance(application(server), purse) == 7


async def test_required_server_that_is_down_stops_the_start(
    start: Callable[..., Server], application: Applications
) -> None:
    server = start()
    server.kill()
    with pytest.raises(BackendUnavailableError, match=server.name):
        await application(server, options="required = true").start()


async def test_state_over_the_item_limit_is_counted_and_leaves_no_older_one(
    server: Server, application: Applications
) -> None:
    purse = uuid4()
    async with application(server) as app:
        await app.dispatch(Deposit(aggregate_id=purse, amount=3))
        large = Deposit(aggregate_id=purse, amount=4, note="x" * 2**21)
        assert await app.dispatch(large) == 7
        assert (await app.load(Purse, purse)).balance == 7
    assert app.counters()["cache.too_large"] >= 1  # a large state is put behind the answer
    assert await balance(application(server), purse) == 0  # not there, nor in its empty events
