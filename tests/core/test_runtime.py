"""The running application: opening, closing, and what it refuses."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from interlock.domain import Aggregate, Command
from interlock.errors import (
    BackendUnavailableError,
    ConfigurationError,
    UnknownCommandError,
    VersionNotFoundError,
)
from rig import Rig
from rig_domain import ID, Account, Deposit


def nested(levels: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(levels):
        inner = [inner]
    return inner


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


async def test_an_event_store_that_is_down_is_told() -> None:
    async with Rig() as rig:
        rig.events.down |= {"head", "read"}
        with pytest.raises(BackendUnavailableError):
            await rig.app.exists(Account, ID)
        with pytest.raises(BackendUnavailableError):
            [event async for event in rig.app.events(Account, ID)]
