"""From a start to a close is a life; it has one loop and one process, and leaves nothing behind."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from interlock.application.aggregates import SnapshotAfterN
from interlock.errors import ConfigurationError
from rig import Rig, ended, settled
from rig_domain import ID, Account
from rig_stores import Events, Gate, Scripted

SHORT = {"close_timeout": timedelta(milliseconds=40)}


class Slow(Scripted):
    """Opens and closes when the test says so."""

    async def open(self) -> None:
        await self.at("open")

    async def close(self) -> None:
        await self.at("close")


class SlowEvents(Slow, Events):
    pass


async def test_of_two_starts_at_once_one_is_refused() -> None:
    rig = Rig(events=SlowEvents())
    gate = rig.events.hold("open")
    first = asyncio.create_task(rig.app.start())
    await gate.reached.wait()
    with pytest.raises(ConfigurationError, match="being started already"):
        await rig.app.start()
    gate.opened.set()
    await first
    await rig.deposit(1)
    await rig.app.close()


async def test_what_is_being_started_is_not_closed() -> None:
    rig = Rig(events=SlowEvents())
    gate = rig.events.hold("open")
    start = asyncio.create_task(rig.app.start())
    await gate.reached.wait()
    with pytest.raises(ConfigurationError, match="being started; close it after that"):
        await rig.app.close()
    gate.opened.set()
    await start
    await rig.app.close()


async def test_what_is_being_closed_is_not_started() -> None:
    rig = Rig(events=SlowEvents())
    await rig.app.start()
    gate = rig.events.hold("close")
    close = asyncio.create_task(rig.app.close())
    await gate.reached.wait()
    with pytest.raises(ConfigurationError, match="being closed already"):
        await rig.app.start()
    gate.opened.set()
    await close
    async with rig.app:
        await rig.deposit(1)


async def test_another_loop_may_not_close_it() -> None:
    async with Rig() as rig:
        with pytest.raises(ConfigurationError, match="event loop that started it; build another"):
            await asyncio.to_thread(lambda: asyncio.run(rig.app.close()))
        await rig.deposit(1)


def _calls(rig: Rig) -> dict[str, Callable[[], Awaitable[object]]]:
    app = rig.app

    async def the_events() -> object:
        return [event async for event in app.events(Account, ID)]

    async def the_ids() -> object:
        return [found async for found in app.ids(Account)]

    return {
        "dispatch": lambda: rig.deposit(1),
        "load": rig.load,
        "load_many": lambda: rig.load_many(ID),
        "events": the_events,
        "ids": the_ids,
        "exists": lambda: app.exists(Account, ID),
        "forget": rig.forget,
        "prune": lambda: app.prune(Account),
        "rebuild_snapshots": lambda: app.rebuild_snapshots(Account, [ID]),
        "close": app.close,
        "start": app.start,
    }


@pytest.mark.parametrize("call", _calls(Rig()))
async def test_the_loop_of_another_thread_is_told(call: str) -> None:
    async with Rig() as rig:
        await rig.deposit(1)

        async def there() -> None:
            await _calls(rig)[call]()

        with pytest.raises(ConfigurationError, match=r"event loop|running already"):
            await asyncio.to_thread(lambda: asyncio.run(there()))
        await rig.deposit(1)


@pytest.mark.parametrize("name", ["events", "load_many"])
async def test_what_one_loop_began_another_does_not_go_on_with(name: str) -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2)
        found: AsyncGenerator[object, None] = (
            rig.app.events(Account, ID)
            if name == "events"
            else rig.app.load_many(Account, [ID, ID])
        )
        await anext(found)

        async def there() -> None:
            await anext(found)

        with pytest.raises(ConfigurationError, match="belongs to the event loop"):
            await asyncio.to_thread(lambda: asyncio.run(there()))


def test_a_loop_that_was_closed_before_the_application_is_told() -> None:
    rig = Rig()
    asyncio.run(rig.app.start())
    with pytest.raises(ConfigurationError, match="closed before the application was"):
        asyncio.run(rig.app.start())
    with pytest.raises(ConfigurationError, match=r"closed before the application was; build"):
        asyncio.run(rig.load())


async def test_backends_that_never_close_are_given_up_at_the_deadline(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig(events=SlowEvents(), settings=SHORT)
    await rig.app.start()
    rig.events.hold("close")
    await ended(rig.app.close())
    assert "SlowEvents's close gave no answer" in caplog.text
    async with rig.app:
        await rig.deposit(1)


def test_a_new_life_waits_for_nothing_of_the_last_one() -> None:
    rig = Rig(settings=SHORT)
    gates: list[Gate] = []
    stuck: list[asyncio.Future[Any]] = []

    async def first() -> None:
        await rig.app.start()
        rig.events.write(1)
        for step, call in (("append", rig.deposit(1)), ("reading", rig.load())):
            gates.append(rig.events.hold(step))
            stuck.append(asyncio.ensure_future(call))
            await gates[-1].reached.wait()
        stuck.append(asyncio.ensure_future(rig.deposit(1)))  # waits for its turn
        await settled()
        await ended(rig.app.close())

    async def second() -> None:
        async with rig.app:
            assert (await ended(rig.load())).version == 1
            await ended(asyncio.gather(rig.deposit(1), rig.deposit(1)))

    async def end() -> None:
        for gate in gates:
            gate.opened.set()
        await asyncio.gather(*stuck, return_exceptions=True)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(first())
    asyncio.run(second())
    loop.run_until_complete(end())
    loop.close()


def test_a_snapshot_that_the_last_life_had_yet_to_write_is_not_waited_for() -> None:
    rig = Rig(settings=SHORT, snapshot_strategy=SnapshotAfterN(1))
    rig.snapshots.timeout = timedelta(seconds=1)
    gates: list[Gate] = []

    async def first() -> None:
        await rig.app.start()
        gates.append(rig.snapshots.hold("put"))
        await rig.deposit(1)
        await gates[0].reached.wait()
        await ended(rig.app.close())

    loop = asyncio.new_event_loop()
    loop.run_until_complete(first())

    async def second() -> None:
        async with rig.app:
            await rig.deposit(1)
            await ended(rig.app.close())

    asyncio.run(second())
    assert list(rig.snapshots.records()) == [2]
    loop.run_until_complete(settled())
    loop.close()


FORKED = """
import asyncio, os
from uuid import UUID

from rig_domain import Account, Deposit
from interlock.application import ApplicationBuilder
from interlock.application.aggregates import SnapshotAfterN
from interlock.errors import ConfigurationError

app = ApplicationBuilder().register_aggregate(Account).build()
loop = asyncio.new_event_loop()
loop.run_until_complete(app.start())
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
    assert loop.run_until_complete(app.dispatch(Deposit(aggregate_id=UUID(int=1)))) == 1
    loop.run_until_complete(app.close())
else:
    def refused(call):
        try:
            loop.run_until_complete(call)
        except ConfigurationError as error:
            return f"started by process {os.getppid()}, of which this one is a fork" in str(error)
    calls = app.dispatch(Deposit(aggregate_id=UUID(int=1))), app.load(Account, UUID(int=1))
    os._exit(not all(refused(call) for call in (*calls, app.close())))
"""


def test_a_fork_does_not_use_what_its_parent_started() -> None:
    subprocess.run([sys.executable, "-c", FORKED], check=True, cwd=__file__.rpartition("/")[0])  # noqa: S603
