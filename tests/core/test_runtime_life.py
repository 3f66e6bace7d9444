"""An application opens and closes what it was given, once, in order."""

import asyncio
from datetime import timedelta

import pytest

from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import AlwaysCache
from interlock.errors import (
    BackendUnavailableError,
    ConfigurationError,
)
from rig import Rig, ended, settled, unharmed
from rig_domain import ID, Account, Deposit, Deposited
from rig_stores import Cache, Events, Gate, Scripted


class Opened(Scripted):
    """A backend with connections; notes in a shared list what happens to it."""

    def __init__(self, log: list[str], name: str) -> None:
        super().__init__()
        self._log, self._name = log, name

    async def open(self) -> None:
        await self.at("open")
        self._log.append(f"open {self._name}")

    async def close(self) -> None:
        self._log.append(f"close {self._name}")
        await self.at("close")


class OpenedEvents(Opened, Events):
    pass


class OpenedCache(Opened, Cache):
    pass


def _app(events: OpenedEvents, cache: OpenedCache) -> Application:
    return (
        ApplicationBuilder()
        .register_event_store(events)
        .register_aggregate(Account, cache_strategy=AlwaysCache, cache_backend=cache)
        .build()
    )


class TestOpening:
    """Backends open on start and close in the reverse order."""

    async def test_building_opens_nothing(self) -> None:
        log: list[str] = []
        _app(OpenedEvents(log, "events"), OpenedCache(log, "cache"))
        assert log == []

    async def test_each_backend_is_opened_and_closed_once(self) -> None:
        log: list[str] = []
        async with _app(OpenedEvents(log, "events"), OpenedCache(log, "cache")):
            assert log == ["open events", "open cache"]
        assert log[2:] == ["close cache", "close events"]

    @pytest.mark.parametrize("error", [OSError("refused"), asyncio.CancelledError()])
    async def test_a_failing_open_closes_those_already_opened(self, error: BaseException) -> None:
        log: list[str] = []
        cache = OpenedCache(log, "cache")
        cache.required = True
        cache.then("open", error)
        app = _app(OpenedEvents(log, "events"), cache)
        with pytest.raises((BackendUnavailableError, asyncio.CancelledError)):
            await app.start()
        assert log == ["open events", "close events"]

    async def test_a_drivers_error_on_opening_is_told_as_unavailable(self) -> None:
        cache = OpenedCache([], "cache")
        cache.required = True
        cache.then("open", OSError("refused"))
        with pytest.raises(BackendUnavailableError, match="OpenedCache could not be opened"):
            await _app(OpenedEvents([], "events"), cache).start()

    async def test_after_a_failed_start_it_can_be_started(self) -> None:
        cache = OpenedCache([], "cache")
        cache.required = True
        cache.then("open", OSError("refused"))
        app = _app(OpenedEvents([], "events"), cache)
        with pytest.raises(BackendUnavailableError):
            await app.start()
        async with app:
            assert await app.dispatch(Deposit(aggregate_id=ID)) == 1

    async def test_a_cache_that_is_down_at_the_start_is_used_once_it_is_up(self) -> None:
        log: list[str] = []
        cache = OpenedCache(log, "cache")
        cache.then("open", OSError("refused"))
        app = _app(OpenedEvents(log, "events"), cache)
        with unharmed("the start failed"):
            await app.start()
        assert app.counters() == {"open.failed": 1}
        await app.dispatch(Deposit(aggregate_id=ID))
        assert cache.found.version == 1
        await app.close()
        assert log == ["open events", "close cache", "close events"]

    async def test_a_misconfigured_cache_stops_the_start(self) -> None:
        cache = OpenedCache([], "cache")
        cache.then("open", ConfigurationError("no such directory"))
        with pytest.raises(ConfigurationError, match="no such directory"):
            await _app(OpenedEvents([], "events"), cache).start()

    async def test_it_is_not_started_twice(self) -> None:
        async with Rig() as rig:
            with pytest.raises(ConfigurationError, match="running already"):
                await rig.app.start()

    async def test_a_backend_that_fails_to_close_keeps_no_other_open(self) -> None:
        log: list[str] = []
        cache = OpenedCache(log, "cache")
        cache.then("close", OSError("reset"))
        with unharmed("closing failed"):
            async with _app(OpenedEvents(log, "events"), cache):
                pass
        assert log[-1] == "close events"


class TestClosing:
    """Closing waits for what is under way."""

    async def test_it_waits_for_commits(self) -> None:
        log: list[str] = []
        events = OpenedEvents(log, "events")
        app = _app(events, OpenedCache(log, "cache"))
        await app.start()
        gate = events.hold("append")
        command = asyncio.create_task(app.dispatch(Deposit(aggregate_id=ID)))
        await gate.reached.wait()
        closing = asyncio.create_task(app.close())
        await settled()
        assert not closing.done()
        assert "close events" not in log
        gate.opened.set()
        await closing
        assert await command == 1
        assert log[-1] == "close events"

    async def test_it_waits_for_commits_whose_callers_were_cancelled(self) -> None:
        rig = Rig()
        await rig.app.start()
        gate = rig.events.hold("append")
        command = asyncio.create_task(rig.deposit(1))
        await gate.reached.wait()
        command.cancel()
        closing = asyncio.create_task(rig.app.close())
        await settled()
        assert not closing.done()
        gate.opened.set()
        await closing
        assert rig.cache.found.version == 1

    async def test_it_waits_for_loads(self) -> None:
        rig = Rig()
        await rig.app.start()
        rig.events.write(1)
        gate = rig.events.hold("reading")
        load = asyncio.create_task(rig.load())
        await gate.reached.wait()
        closing = asyncio.create_task(rig.app.close())
        await settled()
        assert not closing.done()
        gate.opened.set()
        await closing
        assert (await load).balance == 1

    async def test_it_waits_for_commands_that_are_being_handled_or_queue(self) -> None:
        log: list[str] = []
        events, gate = OpenedEvents(log, "events"), Gate()
        rig = Rig(events=events)
        await rig.app.start()

        async def wait(account: Account) -> None:
            await gate()
            account.emit(Deposited(amount=1))

        commands = [asyncio.create_task(rig.do(wait)), asyncio.create_task(rig.deposit(2))]
        await gate.reached.wait()
        closing = asyncio.create_task(rig.app.close())
        await settled()
        assert "close events" not in log
        gate.opened.set()
        await asyncio.gather(closing, *commands)
        assert len(events.rows()) == 2
        assert log[-1] == "close events"

    async def test_what_never_ends_is_not_waited_for_for_ever(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        log: list[str] = []
        events = OpenedEvents(log, "events")
        rig = Rig(events=events, settings={"close_timeout": timedelta(milliseconds=1)})
        await rig.app.start()
        with events.hold("append") as gate:
            command = asyncio.create_task(rig.deposit(1))
            await gate.reached.wait()
            await ended(rig.app.close())
            assert log[-1] == "close events"
            assert "took more than" in caplog.text
        await command

    async def test_while_it_closes_nothing_new_is_taken(self) -> None:
        rig = Rig()
        await rig.app.start()
        gate = rig.events.hold("append")
        command = asyncio.create_task(rig.deposit(1))
        await gate.reached.wait()
        closing = asyncio.create_task(rig.app.close())
        await settled()
        with pytest.raises(ConfigurationError, match="isn't running"):
            await rig.deposit(2)
        with pytest.raises(ConfigurationError, match="isn't running"):
            await rig.load()
        gate.opened.set()
        await asyncio.gather(closing, command)
        assert len(rig.events.rows()) == 1

    async def test_closing_twice_is_closing(self) -> None:
        log: list[str] = []
        app = _app(OpenedEvents(log, "events"), OpenedCache(log, "cache"))
        async with app:
            pass
        await app.close()
        assert log.count("close events") == 1
