"""asyncpg's own UUID class: what is loaded by it is kept and found as by a plain one."""

from typing import Any
from uuid import UUID

from asyncpg.pgproto import pgproto  # type: ignore[import-untyped] # it brings no types
from pydantic import BaseModel

from interlock import PlainUUID
from interlock.application.aggregates import AlwaysCache, SnapshotAfterN
from interlock.domain import Aggregate
from interlock.routing import applies_event
from rig import Rig
from rig_domain import ID, Account, Deposit

ROW_ID = pgproto.UUID(str(ID))


async def test_snapshots_and_the_cache_are_used() -> None:
    keeping: dict[str, Any] = {
        "cache_strategy": AlwaysCache(),
        "snapshot_strategy": SnapshotAfterN(1),
    }
    async with Rig(**keeping) as rig:
        assert await rig.app.dispatch(Deposit(aggregate_id=ROW_ID, amount=3)) == 3
        account = await rig.load(ROW_ID)
        assert (rig.report.baseline, type(account.id), account.balance) == ("cache", UUID, 3)
        assert not {"cache.failed", "snapshot.failed"} & rig.app.counters().keys()
    async with rig.other() as rig:
        (account,) = await rig.load_many(ROW_ID)
        assert (rig.report.baseline, type(account.id), account.balance) == ("snapshot", UUID, 3)
        key = next(iter(rig.cache._records))
        assert type(key.aggregate_id) is UUID


class Assigned(BaseModel):
    owner: PlainUUID


class Owned(Aggregate):
    owner: PlainUUID | None = None

    @applies_event
    def apply_assigned(self, event: Assigned) -> None:
        self.owner = event.owner


def test_a_field_for_it_survives_its_json() -> None:
    owned = Owned()
    owned.emit(Assigned(owner=ROW_ID))
    assert (type(owned.owner), owned.owner) == (UUID, ID)


def test_it_is_made_plain_on_the_way_in() -> None:
    command = Deposit(aggregate_id=ROW_ID, command_id=ROW_ID)
    assert [type(command.aggregate_id), type(command.command_id)] == [UUID, UUID]
    assert type(Account(id=ROW_ID).id) is UUID
