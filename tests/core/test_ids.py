"""Ids: plain UUIDs whatever class came in, at every door; and UUIDs of ids that are text."""

import doctest
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

import interlock
from interlock._values import ids
from interlock.application.aggregates import (
    AlwaysCache,
    AnyOf,
    SnapshotAfterN,
    SnapshotWhenReplayed,
)
from interlock.backends import AggregateRecord
from interlock.domain import Aggregate
from rig import Rig
from rig_domain import ID, Account, Deposit, Do
from rig_stores import Sharing
from test_faces import loaded_by


class DriverUUID(UUID):
    """As drivers bring their own; this one equals nothing but its like."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DriverUUID) and self.int == other.int

    def __hash__(self) -> int:
        return ~super().__hash__()


STRANGE = DriverUUID(int=ID.int)
KEEPING: dict[str, Any] = {
    "cache_strategy": AlwaysCache(),
    "snapshot_strategy": AnyOf(SnapshotAfterN(1), SnapshotWhenReplayed(1)),
}


def _ids(rig: Rig, state: Aggregate) -> list[UUID]:
    """Every id in a state and in what is kept of it."""
    records = [*rig.snapshots.records().values(), rig.cache.found]
    kept = [found for each in records for found in (each.aggregate_id, each.last_event_id)]
    keys = [key.aggregate_id for key in rig.cache._records]
    reported = [report.aggregate_id for report in rig.reports]
    return [state.id, *kept, *keys, *(stream for _, stream in rig.events._streams), *reported]


async def _loaded_many(rig: Rig) -> Account:
    (found,) = await rig.load_many(STRANGE)
    return found


async def _rebuilt(rig: Rig) -> Account:
    rig.cache.evict()
    rebuilt: list[UUID] = []
    await rig.app.rebuild_snapshots(
        Account, [STRANGE], progress=lambda each: rebuilt.append(each.aggregate_id)
    )
    assert set(map(type, rebuilt)) == {UUID}
    return await rig.load()


DOORS: dict[str, Callable[[Rig], Awaitable[Account]]] = {
    "load": lambda rig: rig.load(STRANGE),
    "load_many": _loaded_many,
    "rebuild_snapshots": _rebuilt,
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
async def test_what_is_loaded_and_kept_has_plain_ids(
    door: Callable[[Rig], Awaitable[Account]],
) -> None:
    async with Rig(**KEEPING) as rig:
        rig.events.write(1, 2)
        state = await door(rig)
        assert (state.version, state.balance) == (2, 3)
        assert set(map(type, _ids(rig, state))) == {UUID}
    async with rig.other() as rig:  # which finds the snapshot, if one was kept
        again = await rig.load(STRANGE)
        assert (again, rig.report.baseline) == (state, "snapshot")
        await rig.load(STRANGE)
        assert rig.report.baseline == "cache"


async def test_a_command_keeps_and_finds_what_a_plain_id_would() -> None:
    async with Rig(**KEEPING) as rig:
        assert await rig.app.dispatch(Deposit(aggregate_id=STRANGE, amount=3)) == 3
        assert await rig.app.dispatch(Deposit(aggregate_id=STRANGE, amount=4)) == 7
        state = await rig.load(STRANGE)
        assert rig.report.baseline == "cache"
        assert rig.app.counters().get("cache.failed") is None
        assert rig.app.counters().get("snapshot.failed") is None
        assert set(map(type, _ids(rig, state))) == {UUID}
        assert await rig.app.exists(Account, STRANGE)
        assert [each.version async for each in rig.app.events(Account, STRANGE)] == [1, 2]
        await rig.forget(STRANGE, events=True)
        assert not await rig.app.exists(Account, ID)
        assert rig.snapshots.records() == {}


@pytest.mark.parametrize(
    "made",
    [
        Do(aggregate_id=STRANGE, command_id=STRANGE, action=lambda _: None),
        Do.model_construct(aggregate_id=STRANGE, command_id=STRANGE, action=print),
        Do(aggregate_id=uuid4(), action=lambda _: None).model_copy(
            update={"aggregate_id": STRANGE, "command_id": STRANGE}
        ),
    ],
    ids=["validated", "constructed", "copied"],
)
async def test_a_handler_sees_plain_ids(made: Do) -> None:
    seen: list[UUID] = []

    class Watched(Account):
        revision = "1"

        async def do(self, command: Do) -> Any:
            seen.extend((self.id, command.aggregate_id, command.command_id))

    async with Rig(Watched) as rig:
        await rig.app.dispatch(made)
    assert [(type(each), each) for each in seen] == [(UUID, ID)] * 3


async def test_a_constructed_command_whose_id_is_no_uuid_is_refused() -> None:
    text: Any = str(ID)
    wrong = Do.model_construct(aggregate_id=text, action=print)
    async with Rig() as rig:
        with pytest.raises(TypeError, match="aggregate_id is of type str; wanted a UUID"):
            await rig.app.dispatch(wrong)


def test_a_command_has_plain_ids() -> None:
    made = Deposit(aggregate_id=STRANGE, command_id=STRANGE)
    assert {type(made.aggregate_id), type(made.command_id)} == {UUID}


@pytest.mark.parametrize(
    "made",
    [
        lambda: Account(id=STRANGE),
        lambda: Account.model_validate({"id": STRANGE}),
        lambda: Account.model_validate_json(Account(id=STRANGE).model_dump_json()),
        lambda: Account.model_validate(Account(id=STRANGE).model_dump(mode="json")),
    ],
    ids=["made", "validated", "from JSON", "from a JSON object"],
)
def test_an_aggregate_has_a_plain_id(made: Callable[[], Account]) -> None:
    assert (type(made().id), made().id) == (UUID, ID)


class StrangeRows(Sharing):
    """A plain class whose driver gives ids of its own class."""

    async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
        found = await super().get_aggregate(aggregate_id)
        return found and found.model_copy(update={"id": DriverUUID(int=found.id.int)})

    async def load_snapshot(
        self, aggregate_id: UUID, intended_version: int | None = None
    ) -> Aggregate | None:
        found = await super().load_snapshot(aggregate_id, intended_version)
        return found and found.model_copy(update={"id": DriverUUID(int=found.id.int)})


async def test_what_a_plain_backend_returns_has_a_plain_id() -> None:
    async with Rig(cache=StrangeRows(), **KEEPING) as rig:
        await rig.deposit(1, 2)
        state = await rig.load()
        assert (rig.report.baseline, type(state.id)) == ("cache", UUID)
    async with Rig(events=rig.events, snapshots=StrangeRows(), **KEEPING) as rig:
        await rig.load()
        rig.cache.evict()
        await rig.deposit(3)
        assert type((await rig.load()).id) is UUID
        assert type(rig.cache.found.aggregate_id) is UUID
        assert {type(aggregate_id) for _, aggregate_id in rig.events._streams} == {UUID}


async def test_a_record_of_a_store_has_plain_ids() -> None:
    async with Rig() as rig:
        await rig.deposit(1)
        found = rig.cache.found
        given = found._asdict()
        given["aggregate_id"] = STRANGE
        given["last_event_id"] = DriverUUID(int=found.last_event_id.int)
        record = AggregateRecord(**given)
        assert record == found
        assert {type(record.aggregate_id), type(record.last_event_id)} == {UUID}


def test_the_uuid_of_text_is_the_same_everywhere() -> None:
    assert interlock.uuid_of("order", "2026-17") == UUID("80bc087d-430f-566f-809c-b2230a024c53")
    assert interlock.uuid_of("Straße") == UUID(
        bytes=hashlib.sha1(
            bytes.fromhex("0c7e95e03d134b57ada3ca82b328e4ab") + "7:Straße,".encode(),
            usedforsecurity=False,
        ).digest()[:16],
        version=5,
    )
    assert doctest.testmod(ids).failed == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b:c"), ("a:b", "c")),
        (("a", "b"), ("ab",)),
        (("a", ""), ("a",)),
        (("a,1:b",), ("a", "b")),
        (("ß",), ("ss",)),
    ],
)
def test_other_parts_have_another_uuid(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert interlock.uuid_of(*one) != interlock.uuid_of(*other)


def test_a_part_is_text() -> None:
    wrong: Any = 17
    with pytest.raises(TypeError, match="a part is of type int; wanted a str"):
        interlock.uuid_of("order", wrong)


def test_the_root_loads_what_is_asked_for() -> None:
    assert not {"pydantic", "uuid"} & loaded_by("import interlock")
    with pytest.raises(AttributeError, match="no attribute 'uuid_off'"):
        _ = interlock.uuid_off
