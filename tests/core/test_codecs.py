"""Codecs give back the state, or say that they can't."""

import tracemalloc
import zlib
from collections.abc import Callable
from uuid import UUID

import pytest

from interlock._model.aggregate import Aggregate
from interlock._storage.codecs import JsonCodec, ZlibJsonCodec
from interlock.errors import RecordTooLargeError, RecordUnusableError
from rig import unharmed


class State(Aggregate):
    text: str = ""


@pytest.mark.parametrize("codec", [JsonCodec(), ZlibJsonCodec(), ZlibJsonCodec(level=0)])
@pytest.mark.parametrize("text", ["", "x" * 1_000_000, "\x00\U0001f600"])
def test_codecs_give_back_the_state(codec: JsonCodec, text: str) -> None:
    state = State(text=text, version=3)
    assert codec.decode(State, codec.encode(state)) == state


def test_a_payload_that_inflates_beyond_the_bound_is_refused() -> None:
    bomb = zlib.compress(b" " * 10_000_000 + b"{}")
    with pytest.raises(RecordUnusableError, match="inflates beyond 1000 bytes"):
        ZlibJsonCodec(max_bytes=1000).decode(State, bomb)


def test_a_small_payload_that_inflates_to_much_is_refused() -> None:
    bomb = zlib.compress(b'{"zzz": [' + b"[]," * 20_000_000 + b"[]]}")
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(RecordUnusableError, match="inflates beyond"):
            ZlibJsonCodec().decode(State, bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * 100 * len(bomb)


@pytest.mark.parametrize("size", [0, 1, 65_000, 70_000, 1_000_000])
@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_a_state_that_compresses_well_comes_back(size: int, level: int) -> None:
    codec, state = ZlibJsonCodec(level=level), State(text="x" * size)
    with unharmed("it doesn't read what it wrote"):
        assert codec.decode(State, codec.encode(state)) == state


def test_a_state_of_the_largest_size_comes_back() -> None:
    state = State(id=UUID(int=1), text="".join(map(str, range(50_000))))
    size = len(JsonCodec().encode(state))
    codec = ZlibJsonCodec(max_bytes=size)
    assert codec.decode(State, codec.encode(state)) == state
    with pytest.raises(RecordTooLargeError, match=f"a state of {size} bytes"):
        ZlibJsonCodec(max_bytes=size - 1).encode(state)
    with pytest.raises(RecordUnusableError, match="inflates beyond"):
        ZlibJsonCodec(max_bytes=size - 1).decode(State, codec.encode(state))


@pytest.mark.parametrize("broken", [lambda whole: whole[:-5], lambda whole: whole + b"x"])
def test_a_payload_that_is_cut_off_or_has_a_tail_is_refused(
    broken: Callable[[bytes], bytes],
) -> None:
    whole = ZlibJsonCodec().encode(State(text="x" * 1000))
    with pytest.raises(RecordUnusableError, match="cut off, has a tail"):
        ZlibJsonCodec().decode(State, broken(whole))
