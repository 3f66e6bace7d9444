"""The names of objects."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.backends import RecordKey
from interlock_object_snapshots import names
from interlock_object_snapshots.names import RecordName, Tombstone

TEXTS = st.text(max_size=300) | st.sampled_from(["", ".", "..", "a/b", "!forgotten", "!names"])
VERSIONS = st.integers(1, 2**63 - 2)


def _name(key: RecordKey, version: int = 1, taken_at: int = 0) -> RecordName:
    return RecordName(names.records_of(key), version, UUID(int=7), taken_at)


def _key(namespace: str = "shop", aggregate_type: str = "Order", revision: str = "1") -> RecordKey:
    return RecordKey(namespace, 0, aggregate_type, UUID(int=1), revision)


@given(TEXTS, TEXTS, TEXTS, VERSIONS, st.integers(-(10**18), 10**18))
def test_a_path_is_read_as_it_was_written(
    namespace: str, aggregate_type: str, revision: str, version: int, taken_at: int
) -> None:
    key = _key(namespace, aggregate_type, revision)
    name, tombstone = _name(key, version, taken_at), Tombstone(names.of_aggregate(key), taken_at)
    assert names.parsed(name.path) == name
    assert names.parsed(tombstone.path) == tombstone
    assert name.aggregate_id == key.aggregate_id
    assert max(map(len, name.path.split("/"))) <= 255
    assert len(name.path) <= 800


@given(TEXTS)
def test_a_part_tells_its_name_unless_it_is_long(text: str) -> None:
    part = names.part(text)
    assert (names.whole_name(part) is None) == (len(part) <= 200 and names.name_of(part) == text)


@given(TEXTS, TEXTS)
def test_different_names_have_different_parts(one: str, other: str) -> None:
    assert (names.part(one) == names.part(other)) == (one == other)


@given(VERSIONS, VERSIONS)
def test_the_newest_comes_first(one: int, other: int) -> None:
    paths = [_name(_key(), version).path for version in sorted({one, other}, reverse=True)]
    assert paths == sorted(paths)


@given(VERSIONS, VERSIONS)
def test_an_offset_is_before_what_it_lets_through(version: int, at_or_below: int) -> None:
    name = _name(_key(), version)
    assert (name.path > names.above(name.folder, at_or_below)) == (version <= at_or_below)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "README",
        "shop/Order/1/r/0000000000000000001-1-1",
        f"shop/Order/{UUID(int=1).hex}/r/notes",
        f"shop/Order/{UUID(int=1).hex}/r/deeper/{9:019}-{UUID(int=1).hex}-1",
        f"shop/Order/{UUID(int=1).hex}/!forgotten/{9:019}-{UUID(int=1).hex}-1",
    ],
)
def test_what_is_not_ours_is_nothing(path: str) -> None:
    assert names.parsed(path) is None
