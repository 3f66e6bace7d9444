"""A store that confirms heads is asked whether a cached state is one, and not for its tail."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from interlock._model.strategies import Freshness
from interlock.application.aggregates import FastForward, MaxAge, NeverCache, SnapshotAfterN
from interlock.errors import BackendUnavailableError
from rig import Rig
from rig_domain import ID, Account
from rig_stores import Events

FAST = FastForward()


class Confirming(Events):
    """Calls beside those of `Events`: `is_head`."""

    is_shy = False

    async def is_head(
        self, aggregate_type: str, aggregate_id: UUID, version: int, event_id: UUID
    ) -> bool:
        await self.at("is_head")
        return not self.is_shy and self.is_head_at_once(
            aggregate_type, aggregate_id, version, event_id
        )


def refuse(account: Account) -> None:
    raise ValueError(f"insufficient: {account.balance}")


def confirming(**options: Any) -> Rig:
    """An application on a store that confirms heads."""
    return Rig(events=Confirming(), **options)


async def calls_of(
    rig: Rig, freshness: Freshness | None = FAST, **options: Any
) -> tuple[Any, list[str]]:
    """The balance, and what the event store was asked for."""
    rig.events.calls.clear()
    account = await rig.app.load(Account, ID, freshness=freshness, **options)
    return account.balance, [call for call in rig.events.calls if call != "reading"]


async def test_a_cached_head_is_confirmed_and_not_read() -> None:
    async with confirming() as rig:
        await rig.deposit(1, 2)
        assert await calls_of(rig) == (3, ["is_head"])


async def test_a_cached_state_that_is_behind_is_read_on_from() -> None:
    async with confirming() as rig:
        await rig.deposit(1)
        rig.events.write(2)
        assert await calls_of(rig) == (3, ["is_head", "read"])


async def test_a_head_that_is_not_confirmed_is_read() -> None:
    store = Confirming()
    async with Rig(events=store) as rig:
        await rig.deposit(1)
        store.is_shy = True
        assert await calls_of(rig) == (1, ["is_head", "read"])
        assert await rig.do(lambda account: account.balance) == 1


async def test_another_event_at_the_version_is_read() -> None:
    async with confirming() as rig:
        await rig.deposit(1)
        rig.events.roll_back(to=0)
        rig.events.write(5)
        assert (await calls_of(rig))[0] == 5


async def test_a_confirmed_state_counts_as_verified_from_then_on() -> None:
    async with confirming() as rig:
        await rig.deposit(1)
        rig.clock.pass_by(60)
        freshness = MaxAge(timedelta(seconds=30))
        assert await calls_of(rig, freshness) == (1, ["is_head"])
        assert await calls_of(rig, freshness) == (1, [])


async def test_snapshots_and_states_of_the_past_are_read() -> None:
    rig = confirming(cache_strategy=NeverCache, snapshot_strategy=SnapshotAfterN(1))
    async with rig:
        await rig.deposit(1, 2)
        assert await calls_of(rig) == (3, ["read"])
    async with confirming() as rig:
        await rig.deposit(1, 2)
        assert await calls_of(rig, None, version=2) == (3, ["read"])


async def test_an_outcome_on_the_head_is_confirmed() -> None:
    async with confirming() as rig:
        await rig.deposit(1)
        rig.events.calls.clear()
        with pytest.raises(ValueError, match="insufficient: 1"):
            await rig.do(refuse)
        assert rig.events.calls == ["is_head"]


async def test_an_outcome_on_a_stale_state_is_decided_again() -> None:
    async with confirming() as rig:
        await rig.deposit(1)
        rig.events.write(2)
        with pytest.raises(ValueError, match="insufficient: 3"):
            await rig.do(refuse)


async def test_nothing_leaves_that_cannot_be_confirmed() -> None:
    async with confirming() as rig:
        await rig.deposit(1)
        rig.events.down.add("is_head")
        outcomes = await asyncio.gather(
            rig.do(refuse), rig.load(freshness=FAST), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [BackendUnavailableError] * 2
