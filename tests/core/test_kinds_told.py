"""What is said of values that aren't kept, what is never said, and what is left as it was."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

import pytest
from pydantic import AfterValidator, BaseModel, Field

from interlock.application import ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
    SnapshotAfterN,
)
from interlock.backends import StoredEvent
from interlock.domain import Aggregate, Command
from interlock.errors import EventApplyError, InterlockError
from interlock.routing import applies_event, handles_command
from kinds import catalogue
from kinds.catalogue import GROUPS, OtherwiseError, table
from kinds.holder import Holder, Turn
from kinds.rows import EMIT, KEPT, NOT_KEPT, Row
from kinds.ways import logged

TELLTALE = "hunter" + "2"


def _never(value: str) -> str:
    if value:
        raise ValueError(f"{value} is no name")
    return value


class Named(BaseModel):
    name: str = ""
    strict: Annotated[str, AfterValidator(_never)] = ""
    short: str = Field("", max_length=3)
    many: dict[str, Any] = {}
    number: int = 0


class Card(Named):
    pin: str = ""


class Text(str):
    __slots__ = ()


class Unknown:
    def __repr__(self) -> str:
        return TELLTALE


LOSSES: dict[str, dict[str, Any]] = {
    "a subclass of text": {"name": Text(TELLTALE)},
    "text where a number is": {"number": TELLTALE},
    "a validator that says what it got": {"strict": TELLTALE},
    "a constraint": {"short": TELLTALE},
    "half of a surrogate pair": {"name": TELLTALE + "\ud800"},
    "what JSON doesn't have": {"many": {"a": (TELLTALE, {TELLTALE})}},
    "an object that no serializer knows": {"many": {"a": Unknown()}},
}


class Emit(Command[None]):
    fields: dict[str, Any]


class Person(Aggregate):
    revision = "1"

    named: Named = Named()
    texts: tuple[str, ...] = ()

    @handles_command
    def emit_it(self, command: Emit) -> None:
        self.emit(Named.model_construct(**command.fields))

    @applies_event
    def on_named(self, event: Named) -> None:
        self.named = event


@pytest.mark.parametrize("fields", LOSSES.values(), ids=LOSSES.keys())
async def test_a_refused_event_is_told_without_its_value(fields: dict[str, Any]) -> None:
    async with ApplicationBuilder().register_aggregate(Person).build() as app:
        with pytest.raises(EventApplyError) as caught:
            await app.dispatch(
                Emit.model_construct(aggregate_id=UUID(int=1), command_id=uuid4(), fields=fields)
            )
        assert not await app.exists(Person, UUID(int=1))
    assert TELLTALE not in str(caught.value)


@pytest.mark.parametrize("fields", LOSSES.values(), ids=LOSSES.keys())
async def test_a_state_that_is_not_kept_is_told_without_its_value(fields: dict[str, Any]) -> None:
    lines: list[str] = []
    with logged(lines):
        async with _kept(_losing(fields)).build() as app:
            await app.dispatch(Turn(aggregate_id=UUID(int=1), number=0))
    assert lines
    assert not any(TELLTALE in line for line in lines)


async def test_the_two_types_are_told() -> None:
    fields = {"name": Text("a")}
    async with ApplicationBuilder().register_aggregate(Person).build() as app:
        with pytest.raises(EventApplyError, match=r"\$\.name\b.*Text.*\bstr\b"):
            await app.dispatch(
                Emit.model_construct(aggregate_id=UUID(int=1), command_id=uuid4(), fields=fields)
            )


async def test_a_loss_is_counted_each_time_and_logged_once() -> None:
    lines: list[str] = []
    losing = _losing({"name": Text("a")}, {"many": {"a": (1,)}})
    with logged(lines):
        async with _kept(losing).build() as app:
            for number in (0, 0, 1, 0):
                for aggregate_id in (UUID(int=1), UUID(int=2)):
                    await app.dispatch(Turn(aggregate_id=aggregate_id, number=number))
            counters = app.counters()
    assert (counters["cache.not_kept"], counters["snapshot.not_kept"]) == (8, 8)
    assert [sum(path in line for line in lines) for path in ("$.named.name", "$.named.many")] in (
        [1, 1],
        [2, 2],
    )


def _losing(*losses: dict[str, Any]) -> type[Holder]:
    class Losing(Holder):
        revision = "1"

        named: Named = Named()

        steps = tuple(_step(fields) for fields in losses)

    return Losing


def _step(fields: dict[str, Any]) -> Any:
    def step(it: Any) -> None:
        it.named = Named.model_construct(**fields)

    return step


def _kept(cls: type[Aggregate]) -> ApplicationBuilder:
    return ApplicationBuilder().register_aggregate(
        cls,
        snapshot_strategy=SnapshotAfterN(1),
        snapshot_backend=InMemoryAggregateSnapshotStorageBackend,
        cache_strategy=AlwaysCache,
        cache_backend=InMemoryAggregateCacheBackend,
        freshness=FastForward(),
    )


class Booked(BaseModel):
    """Written by other code, under a key that this code doesn't write."""

    read_only: ClassVar[bool] = True

    amount: int = Field(0, alias="Amount")


class Book(Command[None]):
    pass


class Account(Aggregate):
    revision = "1"

    balance: int = 0

    @handles_command
    def book(self, command: Book) -> None:
        self.emit(Booked(Amount=5))

    @applies_event
    def on_booked(self, event: Booked) -> None:
        self.balance += event.amount


async def test_an_event_class_that_is_only_read_is_applied_and_not_emitted() -> None:
    events, aggregate_id = InMemoryEventStore(), UUID(int=1)
    stored = StoredEvent(
        aggregate_type="Account",
        aggregate_id=aggregate_id,
        version=1,
        event_id=uuid4(),
        type="Booked",
        schema_version=1,
        recorded_at=datetime(2030, 3, 31, tzinfo=UTC),
        metadata=b"{}",
        payload=b'{"Amount": 5}',
    )
    await events.append([stored], after=None)
    async with _kept(Account).register_event_store(events).build() as app:
        assert (await app.load(Account, aggregate_id)).balance == 5
        with pytest.raises(InterlockError, match="read_only"):
            await app.dispatch(Book(aggregate_id=aggregate_id))
        assert (await app.load(Account, aggregate_id)).version == 1


def test_the_page_is_not_made_where_a_row_is_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = (Row("a number", "int", "5", EMIT, KEPT), Row("a number", "int", "5", KEPT, NOT_KEPT))
    for row, place in zip(wrong, ("in an event", "in a state"), strict=True):
        monkeypatch.setattr(catalogue, "GROUPS", {**GROUPS, "wrong": (row,)})
        with pytest.raises(OtherwiseError, match=f"a number, {place}"):
            table("wrong")
