"""Retention applied to what nobody snapshots any more."""

from uuid import uuid4

import pytest

from interlock.application.aggregates import NullAggregateSnapshotStorageBackend, Replay
from interlock.backends import Scope
from interlock.errors import BackendUnavailableError, ConfigurationError
from rig import Rig, snapshotting
from rig_domain import ID, Deposit
from rig_stores import Sharing, Snapshots


class Failing(Snapshots):
    async def prune(self, scope: Scope) -> int:
        raise OSError("gone")


async def test_lowered_retention_is_applied_to_all_aggregates_and_changes_no_answer() -> None:
    async with Rig(**snapshotting()) as rig:
        other = uuid4()
        await rig.deposit(1, 2, 3)
        await rig.deposit(4, 5, aggregate_id=other)
        assert await rig.app.prune(rig.cls) == 0
        rig.snapshots._keep = 1
        assert await rig.app.prune(rig.cls) == 3
        assert list(rig.snapshots.records()) == [3]
        assert await rig.app.prune(rig.cls) == 0
        for aggregate_id in (ID, other):
            replayed = await rig.load(aggregate_id, freshness=Replay())
            assert await rig.load(aggregate_id) == replayed


@pytest.mark.parametrize("backend", [NullAggregateSnapshotStorageBackend, Sharing])
async def test_a_backend_without_retention_has_nothing_to_prune(backend: type) -> None:
    async with Rig(snapshots=backend()) as rig:
        await rig.app.dispatch(Deposit(aggregate_id=ID))
        assert await rig.app.prune(rig.cls) == 0


async def test_a_store_that_fails_is_told() -> None:
    async with Rig(snapshots=Failing()) as rig:
        with pytest.raises(BackendUnavailableError, match=r"prune failed: OSError\('gone'\)"):
            await rig.app.prune(rig.cls)


async def test_another_type_is_refused() -> None:
    async with Rig() as rig:
        with pytest.raises(ConfigurationError, match="isn't registered"):
            await rig.app.prune(type("Other", (rig.cls,), {}))
