"""The ids of a type's streams, for tools, and a rebuild that goes through all of them."""

from uuid import UUID, uuid4

import pytest

from interlock._engine.reports import Source
from interlock.application.aggregates import NeverCache
from interlock.errors import ConfigurationError
from rig import Rig
from rig_domain import Account
from rig_stores import Events

IDS = sorted(uuid4() for _ in range(5))


class _Unlisted(Events):
    ids = None  # type: ignore[assignment] # it can't


async def _open(rig: Rig) -> None:
    for number, account_id in enumerate(IDS[::-1], 1):
        await rig.deposit(*[1] * number, aggregate_id=account_id)


async def _listed(rig: Rig, after: UUID | None = None) -> list[UUID]:
    return [found async for found in rig.app.ids(Account, after=after)]


async def test_the_streams_are_listed_in_ascending_order() -> None:
    async with Rig() as rig:
        await _open(rig)
        assert await _listed(rig) == IDS
        assert await _listed(rig, after=IDS[2]) == IDS[3:]
        assert await _listed(rig, after=IDS[-1]) == []
        await rig.forget(IDS[0], events=True)
        assert await _listed(rig) == IDS[1:]


async def test_a_rebuild_without_ids_is_of_all_streams() -> None:
    async with Rig(cache_strategy=NeverCache()) as rig:
        await _open(rig)
        assert await rig.app.rebuild_snapshots(Account) == len(IDS)
        for account_id in IDS:
            await rig.load(account_id)
            assert (rig.report.baseline, rig.report.events_folded) == (Source.SNAPSHOT, 0)


async def test_a_store_that_lists_no_streams_is_named() -> None:
    async with Rig(events=_Unlisted()) as rig:
        with pytest.raises(ConfigurationError, match="_Unlisted can't list the streams of Account"):
            await _listed(rig)
        with pytest.raises(ConfigurationError, match="name the aggregates' ids yourself"):
            await rig.app.rebuild_snapshots(Account)
