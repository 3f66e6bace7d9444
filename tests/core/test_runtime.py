"""The running application: opening, closing, and what it refuses."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import AlwaysCache
from interlock.domain import Aggregate, Command
from interlock.errors import (
    BackendUnavailableError,
    ConfigurationError,
    EventApplyError,
    UnknownCommandError,
    VersionNotFoundError,
)
from interlock.routing import applies_event
from rig import (
    ID,
    Account,
    Cache,
    Deposit,
    Deposited,
    Events,
    Gate,
    Rig,
    Scripted,
    ended,
    settled,
    unharmed,
)


def nested(levels: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(levels):
        inner = [inner]
    return inner


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
        gate = events.hold("append")
        command = asyncio.create_task(rig.deposit(1))
        await gate.reached.wait()
        await ended(rig.app.close())
        assert log[-1] == "close events"
        assert "took more than" in caplog.text
        gate.opened.set()
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


class TestLoops:
    """An application belongs to one event loop, from its start to its close."""

    @pytest.mark.parametrize("call", ["load", "deposit"])
    async def test_before_its_start_and_after_its_close_it_refuses(self, call: str) -> None:
        rig = Rig()
        asked: tuple[Any, ...] = () if call == "load" else (1,)
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="async with app"):
                await getattr(rig, call)(*asked)
            async with rig:
                pass

    @pytest.mark.parametrize("call", ["load", "deposit"])
    async def test_another_loop_is_refused(self, call: str) -> None:
        async with Rig() as rig:
            asked: tuple[Any, ...] = () if call == "load" else (1,)

            def elsewhere() -> None:
                asyncio.run(getattr(rig, call)(*asked))

            with pytest.raises(ConfigurationError, match="event loop that started it"):
                await asyncio.to_thread(elsewhere)
            assert rig.events.rows() == []

    async def test_it_can_be_started_again(self) -> None:
        rig = Rig()
        for balance in (1, 2):
            async with rig:
                await rig.deposit(1)
                assert (await rig.load()).balance == balance


class Unheard(Command[None]):
    """Nobody handles it."""


class Stranger(Aggregate):
    """Nobody registered it."""


class TestQuestions:
    """What is asked wrongly is told."""

    async def test_a_command_that_nobody_handles(self) -> None:
        async with Rig() as rig:
            with pytest.raises(UnknownCommandError, match=r"Unheard; .*Deposit, DepositOnce, Do"):
                await rig.app.dispatch(Unheard(aggregate_id=ID))

    async def test_a_command_derived_from_a_handled_one_is_another(self) -> None:
        class Special(Deposit):
            pass

        async with Rig() as rig:
            with pytest.raises(UnknownCommandError, match="Special"):
                await rig.app.dispatch(Special(aggregate_id=ID))

    async def test_an_aggregate_that_is_not_registered(self) -> None:
        async with Rig() as rig:
            with pytest.raises(ConfigurationError, match="Stranger isn't registered"):
                await rig.app.load(Stranger, ID)

    async def test_an_id_that_is_no_uuid(self) -> None:
        wrong: Any = str(ID)
        async with Rig() as rig:
            with pytest.raises(TypeError, match="aggregate_id is of type str; wanted a UUID"):
                await rig.load(wrong)

    @pytest.mark.parametrize(
        ("version", "error", "words"),
        [
            (-1, VersionNotFoundError, "version -1 was asked for; versions count from 0"),
            ("1", TypeError, "a version is '1'; wanted an integer"),
            (True, TypeError, "a version is True; wanted an integer"),
        ],
    )
    async def test_a_version_that_cannot_be(
        self, version: Any, error: type[Exception], words: str
    ) -> None:
        async with Rig() as rig:
            await rig.deposit(1)
            with pytest.raises(error, match=words):
                await rig.load(version=version)
            for bound in ("first", "last"):
                with pytest.raises(error, match=words):
                    await anext(rig.app.events(Account, ID, **{bound: version}))

    @pytest.mark.parametrize(
        "wrong",
        [
            *({"by": object()}, ["by"], {"by": float("nan")}, {"by": [float("-inf")]}),
            *({"by": 10**4301}, {"by": nested(250)}),
        ],
        ids=["an object", "a list", "NaN", "an infinity", "a long number", "deep"],
    )
    async def test_metadata_that_json_cannot_hold(self, wrong: Any) -> None:
        async with Rig() as rig:
            with pytest.raises(TypeError, match="metadata is to be a mapping of JSON values"):
                await rig.app.dispatch(Deposit(aggregate_id=ID), metadata=wrong)
            assert rig.events.rows() == []

    async def test_a_freshness_that_is_its_class(self) -> None:
        async with Rig() as rig:
            with pytest.raises(TypeError, match="FastForward"):
                await rig.load(freshness="fast-forward")


async def test_exists_asks_the_stream() -> None:
    async with Rig() as rig:
        await rig.deposit(1)
        assert await rig.app.exists(Account, ID)
        assert not await rig.app.exists(Account, UUID(int=9))
        rig.events.roll_back(to=0)
        assert not await rig.app.exists(Account, ID)


async def test_events_are_those_asked_for_decoded() -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2, 4, 8)
        found = [event async for event in rig.app.events(Account, ID, first=2, last=3)]
        assert [event.version for event in found] == [2, 3]
        assert [event.event for event in found] == [Deposited(amount=2), Deposited(amount=4)]
        assert found[0].event_id == UUID(bytes=rig.events.rows()[1].event_id)
        assert found[0].recorded_at == rig.clock.now
        assert set(found[0].metadata) == {"command_id"}


class Noted(BaseModel):
    text: str


class Remarked(Noted):
    pass


class Ledger(Account):
    """An account whose stream has events of several classes."""

    type_name = "Account"

    @applies_event
    def apply_noted(self, event: Noted) -> None: ...

    @applies_event
    def apply_remarked(self, event: Remarked) -> None: ...


@pytest.mark.parametrize(
    ("of", "versions"),
    [(BaseModel, [1, 2, 3]), (Deposited, [1]), (Noted, [2, 3]), (Remarked, [3])],
)
async def test_events_of_a_class_are_given_alone(of: type[BaseModel], versions: list[int]) -> None:
    def write(ledger: Ledger) -> None:
        for event in (Deposited(amount=1), Noted(text="a"), Remarked(text="b")):
            ledger.emit(event)

    async with Rig(Ledger) as rig:
        await rig.do(write)
        found = [event async for event in rig.app.events(Ledger, ID, of=of)]
        assert [event.version for event in found] == versions
        assert all(isinstance(event.event, of) for event in found)


async def test_events_of_other_classes_are_not_decoded() -> None:
    async with Rig(Ledger) as rig:
        await rig.do(lambda ledger: ledger.emit(Noted(text="a")))
        stream = rig.events._streams["Account", ID]
        stream[0] = stream[0]._replace(payload=b"{")
        with unharmed("it was decoded"):
            assert [each async for each in rig.app.events(Ledger, ID, of=Deposited)] == []
        with pytest.raises(EventApplyError):
            [each async for each in rig.app.events(Ledger, ID, of=Noted)]


async def test_a_class_that_no_event_has_is_refused() -> None:
    async with Rig() as rig:
        with pytest.raises(TypeError, match="Account applies no event that is a Deposit"):
            await anext(rig.app.events(Account, ID, of=Deposit))


async def test_an_event_store_that_is_down_is_told() -> None:
    async with Rig() as rig:
        rig.events.down |= {"head", "read"}
        with pytest.raises(BackendUnavailableError):
            await rig.app.exists(Account, ID)
        with pytest.raises(BackendUnavailableError):
            [event async for event in rig.app.events(Account, ID)]
