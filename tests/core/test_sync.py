"""The application for callers without an event loop: threads, handlers, life, interrupts."""

import asyncio
import inspect
import os
import signal
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import timedelta
from typing import assert_type
from uuid import UUID

import pytest
from pydantic import BaseModel

from interlock import Aggregate, ApplicationBuilder, Command, applies_event, handles_command
from interlock.application import Application, RecordedEvent
from interlock.application.aggregates import (
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    InMemoryEventStore,
)
from interlock.backends import StoredEvent
from interlock.errors import BackendUnavailableError, ConfigurationError, ReentrantCommandError
from interlock.sync import SyncApplication
from thorough import drawn

ID = UUID(int=7)
IDS = [UUID(int=number) for number in range(1, 301)]
NAME = ContextVar("NAME", default="nobody")


class Deposit(Command[int]):
    amount: int = 1


class Refuse(Command[None]):
    pass


class TellName(Command[str]):
    pass


class CallBack(Command[None]):
    pass


class Wait(Command[None]):
    pass


class Deposited(BaseModel):
    amount: int


class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> int:
        self.emit(Deposited(amount=command.amount))
        return self.balance

    @handles_command
    def refuse(self, command: Refuse) -> None:
        raise ValueError("refused")

    @handles_command
    def tell_name(self, command: TellName) -> str:
        return NAME.get()

    @handles_command
    async def wait(self, command: Wait) -> None:
        WAITS.set()
        await asyncio.Event().wait()

    @handles_command
    async def call_back(self, command: CallBack) -> None:
        if IN_A_THREAD.is_set():
            await asyncio.to_thread(CALLED[0].load, Account, ID)
            await asyncio.to_thread(CALLED[0].dispatch, Deposit(aggregate_id=ID))
        else:
            CALLED[0].load(Account, ID)

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount


WAITS = threading.Event()
IN_A_THREAD = threading.Event()
CALLED: list[SyncApplication] = []


def made(events: InMemoryEventStore | None = None) -> Application:
    builder = ApplicationBuilder().register_aggregate(Account)
    builder.configure(close_timeout=timedelta(seconds=1), queue_size=1_000)
    return builder.register_event_store(events or InMemoryEventStore()).build()


@pytest.fixture
def app() -> Iterator[SyncApplication]:
    WAITS.clear()
    IN_A_THREAD.clear()
    with SyncApplication(made()) as app:
        CALLED[:] = [app]
        yield app


def parameters(method: object) -> dict[str, object]:
    signature = inspect.signature(method)  # type: ignore[arg-type] # it is a method
    return dict(signature.parameters)


class TestFace:
    def test_each_method_of_an_application_is_there_and_takes_the_same(self) -> None:
        names = [name for name in dir(Application) if not name.startswith("_")]
        other = {
            name
            for name in names
            if parameters(getattr(Application, name))
            != parameters(getattr(SyncApplication, name, lambda: None))
        }
        assert other == set()
        assert {name for name in dir(SyncApplication) if not name.startswith("_")} == set(names)

    def test_it_is_typed_as_the_original(self, app: SyncApplication) -> None:
        assert_type(app.dispatch(Deposit(aggregate_id=ID)), int)
        assert_type(app.load(Account, ID), Account)
        assert [assert_type(each, Account) for each in app.load_many(Account, [ID])]
        for each in app.events(Account, ID, of=Deposited):
            assert_type(each, RecordedEvent[Deposited])

    def test_all_of_it_answers(self, app: SyncApplication) -> None:
        assert app.dispatch(Deposit(aggregate_id=ID, amount=3), metadata={"by": "anna"}) == 3
        assert app.load(Account, ID).balance == 3
        assert [each.metadata["by"] for each in app.events(Account, ID)] == ["anna"]
        assert app.exists(Account, ID)
        assert app.version(Account, ID) == 1
        assert list(app.ids(Account)) == [ID]
        assert app.health().is_ready
        assert app.counters() == {}
        assert app.cache_entry(Account, ID) is None
        app.evict(Account, ID)
        assert app.explain(Account, ID).version == 1
        app.forget(Account, ID, events=True)
        assert not app.exists(Account, ID)

    def test_an_error_is_the_original(self, app: SyncApplication) -> None:
        with pytest.raises(ValueError, match="refused"):
            app.dispatch(Refuse(aggregate_id=ID))

    def test_the_context_of_the_caller_is_the_handlers(self, app: SyncApplication) -> None:
        token = NAME.set("anna")
        assert app.dispatch(TellName(aggregate_id=ID)) == "anna"
        NAME.reset(token)
        assert app.dispatch(TellName(aggregate_id=ID)) == "nobody"


class TestIteration:
    def test_many_items_come_in_order(self, app: SyncApplication) -> None:
        for each in IDS:
            app.dispatch(Deposit(aggregate_id=each))
        assert [each.id for each in app.load_many(Account, IDS)] == IDS
        assert list(app.ids(Account, after=IDS[9])) == IDS[10:]

    def test_an_error_comes_after_the_items_before_it(self, app: SyncApplication) -> None:
        for _ in range(5):
            app.dispatch(Deposit(aggregate_id=ID))
        items = app._iterate(_failing_after(5))
        assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(ValueError, match="after 5"):
            next(items)

    def test_one_that_is_left_is_closed_in_the_loop(self, app: SyncApplication) -> None:
        closed = threading.Event()
        for each in app._iterate(_telling(closed)):
            if each == 3:
                break
        assert closed.wait(30)

    def test_one_outlives_the_application(self, app: SyncApplication) -> None:
        items = app._iterate(_telling(threading.Event()))
        assert next(items) == 0
        app.close()
        with pytest.raises(ConfigurationError, match="was closed"):
            list(items)


async def _failing_after(number: int) -> AsyncGenerator[int, None]:
    for each in range(number):
        yield each
    raise ValueError(f"after {number}")


async def _telling(closed: threading.Event) -> AsyncGenerator[int, None]:
    try:
        for each in range(1_000):
            yield each
    finally:
        closed.set()


class TestThreads:
    def test_commands_of_many_threads_are_right(self) -> None:
        builder = (
            ApplicationBuilder()
            .configure(queue_size=32)
            .register_aggregate(
                Account, cache_strategy=AlwaysCache, cache_backend=InMemoryAggregateCacheBackend
            )
        )
        with SyncApplication(builder.build()) as app:
            self._check_many_threads(app)

    def _check_many_threads(self, app: SyncApplication) -> None:
        threads, each = 32, drawn(50, 1_000)
        ids = IDS[:8]

        def work(number: int) -> list[int]:
            own = ids[number % len(ids)]
            return [app.dispatch(Deposit(aggregate_id=own)) for _ in range(each)]

        with ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(work, range(threads)))
        assert all(found == sorted(set(found)) for found in answers)
        of_one = [answer for found in answers[:: len(ids)] for answer in found]
        assert sorted(of_one) == list(range(1, threads * each // len(ids) + 1))
        assert {app.load(Account, each).balance for each in ids} == {threads * each // len(ids)}

    def test_the_first_calls_of_many_threads_start_it_once(self) -> None:
        app = SyncApplication(made())
        barrier = threading.Barrier(16)

        def work(_: int) -> int:
            barrier.wait()
            return app.dispatch(Deposit(aggregate_id=ID))

        with ThreadPoolExecutor(16) as pool:
            assert sorted(pool.map(work, range(16))) == list(range(1, 17))
        app.close()

    def test_a_call_that_waits_holds_up_no_other(self, app: SyncApplication) -> None:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(app.dispatch, Wait(aggregate_id=ID))
            assert WAITS.wait(30)
            assert app.dispatch(Deposit(aggregate_id=IDS[0])) == 1
            app.close()  # gives it up after `close_timeout`
            with pytest.raises(ConfigurationError, match="closed before the call had ended"):
                waiting.result()


class TestHandlers:
    def test_a_handler_that_calls_back_is_refused(self, app: SyncApplication) -> None:
        with pytest.raises(ConfigurationError, match="handlers don't dispatch"):
            app.dispatch(CallBack(aggregate_id=ID))

    def test_so_is_one_that_dispatches_from_another_thread(self, app: SyncApplication) -> None:
        IN_A_THREAD.set()
        with pytest.raises(ReentrantCommandError):
            app.dispatch(CallBack(aggregate_id=ID))


class TestLife:
    def test_closed_it_is_refused_until_it_is_started_again(self) -> None:
        events = InMemoryEventStore()
        app = SyncApplication(made(events))
        assert app.dispatch(Deposit(aggregate_id=ID)) == 1
        app.close()
        app.close()
        with pytest.raises(ConfigurationError, match="was closed; start it again"):
            app.load(Account, ID)
        with app:
            assert app.dispatch(Deposit(aggregate_id=ID)) == 2
            with pytest.raises(ConfigurationError, match="running already"):
                app.start()

    def test_it_is_closed_from_whatever_thread(self) -> None:
        app = SyncApplication(made())
        app.start()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: app.close(), range(8)))
        assert not [each for each in threading.enumerate() if each.name == "interlock.sync"]

    def test_a_start_that_fails_is_told_and_may_be_tried_again(self) -> None:
        events = Failing()
        app = SyncApplication(made(events))
        for _ in range(2):
            with pytest.raises(BackendUnavailableError, match="not yet"):
                app.load(Account, ID)
        events.fails = False
        assert app.load(Account, ID).version == 0
        app.close()

    def test_calls_while_it_is_closed_end(self) -> None:
        app = SyncApplication(made())
        app.start()
        begun = threading.Barrier(5)

        def work(_: int) -> int:
            begun.wait()
            number = 0
            while True:
                try:
                    number = app.dispatch(Deposit(aggregate_id=ID))
                except ConfigurationError:
                    return number

        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(work, range(4))
            begun.wait()
            app.close()
            last = max(answers)
        with app:
            assert app.load(Account, ID).balance == last


class Failing(InMemoryEventStore):
    def __init__(self) -> None:
        super().__init__()
        self.fails = True

    async def open(self) -> None:
        if self.fails:
            raise BackendUnavailableError("not yet")

    async def close(self) -> None:
        pass


class TestInterrupts:
    def test_a_timeout_cancels_the_call(self) -> None:
        WAITS.clear()
        with SyncApplication(made(), timeout=timedelta(milliseconds=50)) as app:
            with pytest.raises(TimeoutError, match=r"no answer within 50ms, so the call was"):
                app.dispatch(Wait(aggregate_id=ID))
            assert app.dispatch(Deposit(aggregate_id=ID)) == 1  # the id's turn is free

    def test_ctrl_c_cancels_the_call(self, app: SyncApplication) -> None:
        def interrupt() -> None:
            WAITS.wait(30)
            os.kill(os.getpid(), signal.SIGINT)

        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job may ignore it
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            app.dispatch(Wait(aggregate_id=ID))
        thread.join()
        signal.signal(signal.SIGINT, before)
        assert app.dispatch(Deposit(aggregate_id=ID)) == 1

    def test_an_append_that_has_begun_is_waited_for(self) -> None:
        events = Slow()
        with SyncApplication(made(events), timeout=timedelta(milliseconds=20)) as app:
            with pytest.raises(TimeoutError, match="may be stored all the same"):
                app.dispatch(Deposit(aggregate_id=ID))
            assert events.appended.is_set()
            assert app.load(Account, ID).balance == 1


class Slow(InMemoryEventStore):
    """Appends later than the test waits."""

    is_local = False

    def __init__(self) -> None:
        super().__init__()
        self.appended = threading.Event()

    async def append(self, events: Sequence[StoredEvent], *, after: object) -> None:
        await asyncio.sleep(0.2)  # longer than the timeout: what is shown is that it is waited for
        await super().append(events, after=after)  # type: ignore[arg-type] # a head
        self.appended.set()
