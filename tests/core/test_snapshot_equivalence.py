"""What a user's test asks of snapshots: whatever they are taken at, the states stay the same."""

from collections.abc import Iterator
from itertools import count
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from pydantic import BaseModel, PrivateAttr

from interlock.domain import Aggregate
from interlock.errors import UnknownEventError
from interlock.routing import applies_event
from interlock.testing import assert_snapshots_equivalent


class Added(BaseModel):
    item: str


class Counted(BaseModel):
    pass


class Basket(Aggregate):
    items: dict[str, int] = {}
    seen: set[str] = set()

    @applies_event
    def apply_added(self, event: Added) -> None:
        self.items[event.item] = self.items.get(event.item, 0) + 1
        self.seen.add(event.item)

    @applies_event
    def apply_counted(self, event: Counted) -> None:
        pass


class Hidden(Basket):
    """Its applier goes by what no record holds."""

    _count: int = PrivateAttr(0)
    total: int = 0

    @applies_event
    def apply_counted(self, event: Counted) -> None:
        self._count += 1
        self.total = self._count


class Numbered(Basket):
    """Its applier goes by what no event says."""

    numbers: ClassVar[Iterator[int]] = count()
    last: int = 0

    @applies_event
    def apply_counted(self, event: Counted) -> None:
        self.last = next(self.numbers)


class Untyped(Basket):
    """Holds what its JSON turns into something else."""

    found: Any = None

    @applies_event
    def apply_counted(self, event: Counted) -> None:
        self.found = (1, 2)


class Refusing(Basket):
    """Its applier raises at the third call, which is the first after a snapshot."""

    calls: ClassVar[Iterator[int]] = count(1)

    @applies_event
    def apply_counted(self, event: Counted) -> None:
        if next(self.calls) == 3:
            raise ValueError("that often")


def test_where_snapshots_change_nothing_it_passes() -> None:
    events = [Added(item=item) for item in "abcab"]
    assert_snapshots_equivalent(Basket, [*events, Counted()], aggregate_id=UUID(int=1))


@pytest.mark.parametrize(
    ("cls", "events", "told"),
    [
        (
            Hidden,
            [Added(item="a"), Counted()],
            r"no snapshot at version 2: .*\$\._count",
        ),
        (
            Numbered,
            [Added(item="a"), Added(item="b"), Counted()],
            r"Numbered from a snapshot at version 1 isn't, at version 3, what .* gives: \$\.last",
        ),
        (
            Refusing,
            [Added(item="a"), Counted()],
            r"from a snapshot at version 1 can't take the event of version 2, .*that often",
        ),
        (Untyped, [Added(item="a"), Counted()], r"no snapshot at version 2: .*\$\.found"),
    ],
)
def test_a_difference_is_told_with_its_versions_and_its_path(
    cls: type[Basket], events: list[BaseModel], told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        assert_snapshots_equivalent(cls, events)


def test_without_events_there_is_nothing_to_assert() -> None:
    with pytest.raises(ValueError, match="no events"):
        assert_snapshots_equivalent(Basket, [])


def test_an_event_that_the_aggregate_does_not_apply_is_told() -> None:
    class Other(BaseModel):
        pass

    with pytest.raises(UnknownEventError):
        assert_snapshots_equivalent(Basket, [Other()])


A = TypeVar("A", bound=Aggregate)


class Losing:
    """A codec that loses the items, or only when they are read the second time."""

    name = "losing"

    def __init__(self, *, from_read: int = 1) -> None:
        self._reads = count(1)
        self._from_read = from_read

    def encode(self, aggregate: Aggregate) -> bytes:
        return aggregate.model_dump_json().encode()

    def decode(self, aggregate_type: type[A], payload: bytes) -> A:
        state = aggregate_type.model_validate_json(payload)
        return state.model_copy(
            update={"items": {}} if next(self._reads) >= self._from_read else {}
        )


def test_the_codec_is_the_one_given() -> None:
    with pytest.raises(AssertionError, match=r"no snapshot at version 1: .*\$\.items"):
        assert_snapshots_equivalent(Basket, [Added(item="a")], codec=Losing())


def test_what_is_read_is_compared_too() -> None:
    with pytest.raises(AssertionError, match=r"isn't, at version 1, what .*\$\.items"):
        assert_snapshots_equivalent(Basket, [Added(item="a")], codec=Losing(from_read=2))
