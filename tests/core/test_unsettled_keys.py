"""Entries that a put or removal didn't reach are known as outdated, however many there are."""

from uuid import UUID

from interlock._storage.records import NEVER_VERIFIED, RecordKey
from interlock._storage.unsettled_keys import UnsettledKeys
from rig import Clock
from rig_stores import Cache
from tiers_rig import KEY, START, record

STORE = Cache()


def _keys(number: int) -> list[RecordKey]:
    return [RecordKey("default", 0, "Account", UUID(int=i), "1") for i in range(number)]


def test_a_removal_settles_what_was_noted_before_it_began() -> None:
    keys = UnsettledKeys(Clock())
    keys.note(KEY, STORE)
    number = keys.noted(KEY)
    keys.removed(KEY, number)
    assert keys.noted(KEY) is None
    keys.note(KEY, STORE)
    number = keys.noted(KEY)
    keys.note(KEY, STORE)
    keys.removed(KEY, number)
    assert keys.noted(KEY) is not None


class TestTooMany:
    """Of those that aren't remembered only the time is known."""

    def _overflowed(self) -> UnsettledKeys:
        clock = Clock()
        keys = UnsettledKeys(clock, size=2)
        for key in _keys(4):
            clock.pass_by(10)
            keys.note(key, STORE)
        return keys

    def test_the_oldest_are_forgotten(self) -> None:
        keys = self._overflowed()
        assert [keys.noted(key) is None for key in _keys(4)] == [True, True, False, False]

    def test_an_entry_from_before_is_outdated(self) -> None:
        keys = self._overflowed()
        assert keys.is_outdated(KEY, record(1, verified=20))
        assert not keys.is_outdated(KEY, record(1, verified=20.001))

    def test_with_fewer_none_is(self) -> None:
        keys = UnsettledKeys(Clock(), size=2)
        for key in _keys(2):
            keys.note(key, STORE)
        assert not keys.is_outdated(KEY, record(1, verified=-100))

    def test_a_clock_that_is_set_back_makes_no_entry_younger(self) -> None:
        clock = Clock()
        keys = UnsettledKeys(clock, size=1)
        first, second, third = _keys(3)
        clock.pass_by(10)
        keys.note(first, STORE)
        clock.pass_by(-5)
        keys.note(second, STORE)
        keys.note(third, STORE)
        assert keys.is_outdated(KEY, record(1, verified=9))

    def test_what_never_counts_as_verified_is_believed_once_it_was_put(self) -> None:
        never = record(1, verified=(NEVER_VERIFIED - START).total_seconds())
        keys = self._overflowed()
        assert keys.is_outdated(KEY, never)
        keys.put(KEY)
        assert not keys.is_outdated(KEY, never)
        assert keys.is_outdated(KEY, record(1, verified=5))
        for key in _keys(2):
            keys.put(key)
        assert keys.is_outdated(KEY, never)

    def test_a_later_note_counts_more_than_a_put(self) -> None:
        never = record(1, verified=(NEVER_VERIFIED - START).total_seconds())
        keys = self._overflowed()
        keys.put(KEY)
        keys.note(KEY, STORE)
        keys.removed(KEY, keys.noted(KEY))
        assert keys.is_outdated(KEY, never)
