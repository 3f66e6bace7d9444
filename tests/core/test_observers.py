"""Observers are told of each operation, in its order and context, and change no outcome."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, NoReturn

import pytest

from interlock.application import (
    AppendReport,
    ApplicationBuilder,
    Batch,
    BreakerReport,
    CacheReport,
    CountReport,
    DispatchReport,
    FailureReport,
    LoadReport,
    Observer,
    OnLoad,
    Operation,
    Reason,
    SnapshotReport,
    StoreAction,
)
from interlock.application.aggregates import SnapshotAfterN
from interlock.errors import BackendUnavailableError, ConfigurationError
from outage_rig import with_breaker
from rig import Rig, unharmed
from rig_domain import ID, Account, Do
from rig_stores import Snapshots
from virtual_time import RemoteCache, RemoteSnapshots, State, in_virtual_time, pass_by

_INSIDE: ContextVar[tuple[str, ...]] = ContextVar("inside", default=())


class All(Observer):
    """Keeps all that it is told, and within what."""

    def __init__(self) -> None:
        self.reports: list[Any] = []  # of any kind
        self.paths: list[str] = []
        self.batches: list[tuple[Batch, list[str]]] = []

    @contextmanager
    def around(self, operation: Operation) -> Iterator[None]:
        token = _INSIDE.set((*_INSIDE.get(), f"{operation.kind} {operation.name}".strip()))
        self.paths.append(" > ".join(_INSIDE.get()))
        try:
            yield
        finally:
            _INSIDE.reset(token)

    @contextmanager
    def around_batch(self, batch: Batch) -> Iterator[None]:
        before = len(self.reports)
        yield
        within = [type(report).__name__ for report in self.reports[before:]]
        self.batches.append((batch, within))

    def _keep(self, report: object) -> None:
        self.reports.append(report)

    on_dispatch = on_load = on_append = on_snapshot = on_cache = on_failure = _keep
    on_count = on_breaker = _keep

    def of(self, kind: type) -> list[Any]:
        """The reports of one kind."""
        return [report for report in self.reports if type(report) is kind]


def _raise(*_: object) -> NoReturn:
    raise ZeroDivisionError("an observer's own")


_fails: Any = _raise  # Any: whatever method it stands for


class Failing(Observer):
    """Fails whatever it is told."""

    around = around_batch = _fails
    on_dispatch = on_load = on_append = on_snapshot = on_cache = on_failure = _fails
    on_count = on_breaker = _fails


class FailingAround(Observer):
    """Fails when an operation ends, and would hide how it did."""

    @contextmanager
    def around(self, _: Operation) -> Iterator[None]:
        with suppress(Exception):
            yield
        raise ZeroDivisionError


async def test_a_command_is_told_with_all_that_it_does() -> None:
    told = All()
    async with Rig(observers=[told], snapshot_strategy=SnapshotAfterN(1)) as rig:
        await rig.deposit(1)
    assert told.paths == [
        "dispatch Deposit",
        "dispatch Deposit > load",
        "dispatch Deposit > load > cache read",
        "dispatch Deposit > load > snapshot read",
        "dispatch Deposit > append",
        "dispatch Deposit > snapshot put",
        "dispatch Deposit > cache put",
    ]
    (dispatch,), (append,) = told.of(DispatchReport), told.of(AppendReport)
    assert (dispatch.aggregate_type, dispatch.aggregate_id) == ("Account", ID)
    assert (dispatch.command, dispatch.attempts, dispatch.events) == ("Deposit", 1, 1)
    assert (append.backend, append.events, append.version) == ("Events", 1, 1)
    assert append.duration <= dispatch.duration
    read, put = told.of(CacheReport)
    assert (read.action, read.is_done, read.reason) == (StoreAction.READ, False, Reason.ABSENT)
    assert (put.action, put.is_done, put.backend) == (StoreAction.PUT, True, "Cache")
    read, put = told.of(SnapshotReport)
    assert (read.action, read.is_done, read.version) == (StoreAction.READ, False, None)
    assert (put.action, put.is_done, put.version) == (StoreAction.PUT, True, 1)
    assert told.of(CountReport) == [CountReport("snapshot.taken", "Account")]


async def test_attempts_count_the_decisions() -> None:
    told = All()
    async with Rig(observers=[told]) as rig:
        await rig.deposit(1)

        async def overtake() -> None:
            rig.events.write(1)

        rig.events.then("append", overtake)
        await rig.deposit(1)
    *_, dispatch = told.of(DispatchReport)
    assert (dispatch.attempts, dispatch.events) == (2, 1)
    assert CountReport("append.conflict", "Account") in told.reports


async def test_a_failure_is_told_once_for_each_operation_that_it_ends() -> None:
    told = All()
    async with Rig(observers=[told]) as rig:
        rig.events.down |= {"read"}
        with pytest.raises(BackendUnavailableError) as caught:
            await rig.deposit(1)
    failures = told.of(FailureReport)
    assert [failure.operation.kind for failure in failures] == ["load", "dispatch"]
    assert {type(failure.error) for failure in failures} == {type(caught.value)}
    assert told.of(DispatchReport) == told.of(LoadReport) == []


async def test_a_handlers_exception_is_a_failed_dispatch() -> None:
    told = All()
    async with Rig(observers=[told]) as rig:
        with pytest.raises(ZeroDivisionError):
            await rig.app.dispatch(Do(aggregate_id=ID, action=_fails))
    (failure,) = told.of(FailureReport)
    assert (failure.operation.kind, failure.operation.name) == ("dispatch", "Do")


async def test_a_snapshot_behind_its_command_is_told_as_a_part_of_it() -> None:
    told = All()
    snapshots = RemoteSnapshots()
    async with Rig(
        observers=[told], snapshots=snapshots, snapshot_strategy=SnapshotAfterN(2)
    ) as rig:
        with snapshots.hold("put") as put:
            await rig.deposit(1, 1)
            await put.reached.wait()
            token = _INSIDE.set(("another request",))
            await rig.deposit(1, 1)
            _INSIDE.reset(token)
    assert [path for path in told.paths if path.endswith("snapshot put")] == [
        "dispatch Deposit > snapshot put",
        "another request > dispatch Deposit > snapshot put",
    ]


async def test_a_batch_is_told_around_the_loads_that_it_makes() -> None:
    told = All()
    async with Rig(observers=[told]) as rig:
        await rig.deposit(1)
        told.reports.clear()
        loads = rig.app.load_many(Account, [ID, ID])
        assert [account.balance async for account in loads] == [1, 1]
        assert told.batches == [(Batch("Account", 1), ["LoadReport"])]


async def test_an_observer_that_fails_around_a_batch_changes_no_answer() -> None:
    async with Rig(observers=[Failing()]) as rig:
        await rig.deposit(1)
        before = rig.app.counters()["observer.failed"]
        assert [each.balance async for each in rig.app.load_many(Account, [ID])] == [1]
        assert rig.app.counters()["observer.failed"] == before + 2  # around it, and of its load


@pytest.mark.parametrize("observer", [Failing(), FailingAround()], ids=lambda o: type(o).__name__)
async def test_an_observers_exception_changes_no_outcome(
    observer: Observer, caplog: pytest.LogCaptureFixture
) -> None:
    told = All()
    async with Rig(observers=[observer, told], snapshot_strategy=SnapshotAfterN(1)) as rig:
        with unharmed("an observer failed a command"):
            await rig.deposit(1)
        assert (await rig.load()).balance == 1
        with pytest.raises(ZeroDivisionError):
            await rig.app.dispatch(Do(aggregate_id=ID, action=_fails))
        counters = rig.app.counters()
    assert len(told.of(DispatchReport)) == 1
    assert counters["observer.failed"] >= len(told.paths)
    assert len([each for each in caplog.messages if "observer.failed" in each]) == 1


async def test_an_observer_that_cancels_itself_cancels_nobody() -> None:
    class Cancelled(Observer):
        def on_append(self, report: AppendReport) -> None:
            raise asyncio.CancelledError

    async with Rig(observers=[Cancelled()]) as rig:
        command = asyncio.create_task(rig.deposit(1))
        await asyncio.wait({command})
        assert not command.cancelled()
        assert rig.app.counters()["observer.failed"] == 1


async def test_what_nobody_overrides_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    class Appends(Observer):
        def __init__(self) -> None:
            self.reports: list[AppendReport] = []

        def on_append(self, report: AppendReport) -> None:
            self.reports.append(report)

    told = Appends()
    for name in ("LoadReport", "DispatchReport", "CacheReport", "SnapshotReport", "CountReport"):
        for module in ("observed", "reading", "reporting"):
            path = f"interlock._engine.{module}.{name}"
            monkeypatch.setattr(path, _fails, raising=False)
    async with Rig(observers=[told], is_observed=False, snapshot_strategy=SnapshotAfterN(1)) as rig:
        await rig.deposit(1, 1)
        await rig.load()
        assert rig.app.counters() == {"snapshot.taken": 2}
    assert [report.version for report in told.reports] == [1, 2]


@in_virtual_time
async def test_a_breaker_is_told_at_the_start_and_at_each_change() -> None:
    told = All()
    rig = Rig(cache=RemoteCache(), **with_breaker({"observers": [told]}))
    async with rig:
        rig.cache.state = State.REFUSES
        await rig.deposit(1, 1, 1)
        await pass_by(1)
        rig.cache.state = State.UP
        await pass_by(60)
        await rig.load()
    reports = told.of(BreakerReport)
    assert [report.is_open for report in reports] == [False, True, False]
    assert {(each.store, each.backend, each.aggregate_types) for each in reports} == {
        ("cache", "RemoteCache", ("Account",))
    }


async def test_counters_are_of_a_type() -> None:
    class Other(Account):
        revision = "1"

    rig = Rig(snapshot_strategy=SnapshotAfterN(1))
    async with rig:
        await rig.deposit(1)
        assert rig.app.counters(Account) == rig.app.counters() == {"snapshot.taken": 1}
        with pytest.raises(ConfigurationError, match="Other"):
            rig.app.counters(Other)


def test_what_is_no_observer_is_refused() -> None:
    builder = ApplicationBuilder().register_observer(print)  # type: ignore[arg-type] # as asked
    with pytest.raises(ConfigurationError, match="no observer; wanted an instance of a subclass"):
        builder.build()


async def test_a_function_is_told_of_loads() -> None:
    reports: list[LoadReport] = []
    async with Rig(observers=[OnLoad(reports.append)], snapshots=Snapshots()) as rig:
        await rig.load()
    assert [report.version for report in reports] == [0]
