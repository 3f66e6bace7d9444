"""A plain class, a codec or a state set by hand keeps nothing that its JSON would lose."""

from collections.abc import Callable
from typing import Any

import pytest

from interlock._engine.reports import Reason, Source
from interlock._model.aggregate import Aggregate
from interlock._storage.codecs import Codec, JsonCodec, ZlibJsonCodec
from kept_classes import EVERY, Lossy
from rig import Rig, unharmed
from rig_domain import ID, Deposited
from rig_stores import Cache, Sharing


class Remembering(JsonCodec):
    """Keeps the very states, whatever they hold."""

    name = "remembering"

    def __init__(self) -> None:
        self._states: list[Aggregate] = []

    def encode(self, state: Aggregate) -> bytes:
        self._states.append(state.model_copy(deep=True))
        return str(len(self._states) - 1).encode()

    def decode(self, aggregate_type: type[Any], payload: bytes) -> Any:
        copy = self._states[int(payload)].model_copy(deep=True)
        copy.__pydantic_fields_set__.update(aggregate_type.model_fields)
        return copy


class RememberingOnly:
    """The same as a codec that isn't JSON."""

    name = "remembering"

    def __init__(self) -> None:
        codec = Remembering()
        self.encode, self.decode = codec.encode, codec.decode


@pytest.mark.parametrize("codec", [Remembering, RememberingOnly])
async def test_a_plain_class_gets_nothing_that_its_json_would_lose(
    codec: Callable[[], Codec],
) -> None:
    for cache, is_kept in ((Cache(), True), (Sharing(), False)):
        async with Rig(Lossy, cache=cache, codec=codec()) as rig:
            await rig.deposit(1)
            assert rig.app.counters().get("cache.not_kept", 0) == (0 if is_kept else 1)


async def test_a_codec_that_loses_something_is_found_out() -> None:
    class Forgetful(JsonCodec):
        name = "forgetful"

        def decode(self, aggregate_type: type[Any], payload: bytes) -> Any:
            state = super().decode(aggregate_type, payload)
            state.balance = min(state.balance, 10)
            return state

    async with Rig(codec=Forgetful()) as rig:
        await rig.deposit(11)
        assert rig.cache.record is None
        assert rig.app.counters()["cache.not_kept"] == 1


async def test_a_state_that_a_codec_finds_too_large_is_said_to_be() -> None:
    large = Deposited(amount=1, marks=["x" * 100])
    async with Rig(codec=ZlibJsonCodec(max_bytes=100), snapshot_strategy=EVERY) as rig:
        with unharmed("what is too large failed a command or a load"):
            await rig.do(lambda account: account.emit(large))
            await rig.load()
        assert rig.misses[0] == (Source.CACHE, Reason.TOO_LARGE)
        assert rig.app.counters()["snapshot.failed"] > 0


@pytest.mark.parametrize("method", ["encode", "decode"])
async def test_what_a_codec_says_of_values_is_not_repeated(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Talkative(JsonCodec):
        name = "talkative"

    def fail(*_: object) -> None:
        raise ValueError("the card is 4111")

    codec = Talkative()
    async with Rig(codec=codec) as rig:
        setattr(codec, method, fail)
        await rig.deposit(1)
        await rig.load()
        assert rig.misses[0] == (Source.CACHE, Reason.NOT_KEPT)
        assert "ValueError" in rig.report.misses[0].detail
    assert "4111" not in rig.report.misses[0].detail + caplog.text


async def test_what_a_plain_class_gives_back_and_was_not_given_is_no_state() -> None:
    plain = Sharing()
    async with Rig(Lossy, cache=plain) as rig:
        await rig.deposit(2)
        kept = plain.kept[ID]
        assert isinstance(kept, Lossy)
        kept.pair = (1,)
        with unharmed("what the class gave back failed a load"):
            state = await rig.load()
        assert isinstance(state, Lossy)
        assert state.pair == [2]
        assert rig.misses[0] == (Source.CACHE, Reason.UNUSABLE)
