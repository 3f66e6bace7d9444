"""Histories of an aggregate's events that Hypothesis draws."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import pytest
from annotated_types import Len
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    field_validator,
    model_validator,
)

from interlock import Aggregate, applies_event
from interlock.errors import ConfigurationError
from interlock.testing import assert_snapshots_equivalent, events_of, histories

QUICK = settings(max_examples=40, database=None, deadline=None)
FIND = settings(QUICK, max_examples=400, phases=[Phase.generate])


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    article: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
    number: PositiveInt
    price: Decimal = Field(ge=0, le=100, decimal_places=2)


class Ordered(BaseModel):
    model_config = ConfigDict(validate_by_name=True)

    lines: Annotated[list[Line], Len(1, 3)]
    at: AwareDatetime
    until: date | None = None
    colours: frozenset[Colour] = frozenset()
    kind: Literal["new", "again"] = "new"
    weight: float = Field(gt=0, default=1.0)
    labels: dict[str, int] = {}
    pair: tuple[int, str] = (0, "")
    several: tuple[int, ...] = ()
    id: UUID = UUID(int=0)
    took: timedelta = timedelta()
    shown: str = Field(default="", alias="shownAs", max_length=4)


class Paid(BaseModel):
    amount: int = Field(gt=0, multiple_of=5)

    @field_validator("amount")
    @classmethod
    def check_amount(cls, amount: int) -> int:
        if amount % 2:
            raise ValueError("odd")
        return amount


class Closed(BaseModel):
    pass


class FormerlyPaid(BaseModel):
    read_only: ClassVar[bool] = True


class Order(Aggregate):
    lines: tuple[Line, ...] = ()
    paid: int = 0
    is_closed: bool = False

    @applies_event
    def apply_ordered(self, event: Ordered) -> None:
        self._check_open()
        self.lines = (*self.lines, *event.lines)

    @applies_event
    def apply_paid(self, event: Paid) -> None:
        self.paid += event.amount  # half-way, where it is refused
        self._check_open()

    @applies_event
    def apply_closed(self, event: Closed) -> None:
        self.is_closed = True

    @applies_event
    def apply_formerly_paid(self, event: FormerlyPaid) -> None:
        pass

    def _check_open(self) -> None:
        if self.is_closed:
            raise ValueError("closed")


@QUICK
@given(histories(Order, max_size=6))
def test_a_history_is_one_that_the_aggregate_takes(events: Sequence[BaseModel]) -> None:
    order = Order()
    for event in events:
        order.emit(event)
    closed = [index for index, event in enumerate(events) if isinstance(event, Closed)]
    assert all(isinstance(event, Closed) for event in events[min(closed, default=len(events)) :])
    assert order.paid == sum(event.amount for event in events if isinstance(event, Paid))


@QUICK
@given(histories(Order, min_size=1, max_size=4))
def test_snapshots_of_drawn_histories_are_equivalent(events: Sequence[BaseModel]) -> None:
    assert_snapshots_equivalent(Order, events)


@pytest.mark.parametrize("wanted", [Ordered, Paid, Closed])
def test_each_event_comes(wanted: type[BaseModel]) -> None:
    find(histories(Order), lambda events: wanted in map(type, events), settings=FIND)


@QUICK
@given(histories(Order, max_size=6))
def test_an_event_that_is_only_read_never_comes(events: Sequence[BaseModel]) -> None:
    assert FormerlyPaid not in map(type, events)


@QUICK
@given(events_of(Ordered))
def test_events_keep_their_constraints(event: Ordered) -> None:
    assert 1 <= len(event.lines) <= 3
    assert Ordered.model_validate(event.model_dump(by_alias=True)) == event


@pytest.mark.parametrize("wanted", [True, False])
def test_optional_fields_are_left_out_and_given(*, wanted: bool) -> None:
    find(
        events_of(Ordered),
        lambda event: ("shown" in event.model_fields_set) is wanted,
        settings=FIND,
    )


def test_a_strategy_may_be_given() -> None:
    paid = st.just(Paid(amount=10))
    order = find(
        histories(Order, strategies={Paid: paid}),
        lambda events: any(isinstance(each, Paid) for each in events),
        settings=FIND,
    )
    assert Paid(amount=10) in order


class Tried(BaseModel):
    is_good: bool


class Ready(BaseModel):
    pass


class Patient(Aggregate):
    tries: int = 0

    @applies_event
    def apply_tried(self, event: Tried) -> None:
        self.tries += 1
        if not event.is_good:
            raise ValueError("bad")

    @applies_event
    def apply_ready(self, event: Ready) -> None:
        if self.tries < 3:
            raise ValueError("not yet")


@settings(QUICK, max_examples=200)
@given(histories(Patient, max_size=8))
def test_a_refused_event_leaves_nothing(events: Sequence[BaseModel]) -> None:
    ready = [index for index, event in enumerate(events) if isinstance(event, Ready)]
    assert all(sum(isinstance(each, Tried) for each in events[:at]) >= 3 for at in ready)


class Checked(BaseModel):
    number: str

    @model_validator(mode="before")
    @classmethod
    def check(cls, data: Any) -> Any:
        if data != {"number": "DE89 3704 0044"}:
            raise ValueError("no such number")
        return data


class Strict(Aggregate):
    @applies_event
    def apply_checked(self, event: Checked) -> None:
        pass


def test_what_is_never_valid_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"no valid Checked .* strategies=\{Checked: "):
        histories(Strict)


def test_a_strategy_for_another_event_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Strict emits no Paid; it emits Checked"):
        histories(Strict, strategies={Paid: st.just(Paid(amount=10))})


def test_without_events_there_is_no_history() -> None:
    class Empty(Aggregate):
        pass

    with pytest.raises(ConfigurationError, match="no event that it could emit"):
        histories(Empty)


def test_without_hypothesis_the_rest_works_and_this_says_what_is_missing() -> None:
    code = """
import sys
sys.modules["hypothesis"] = None
from interlock import Aggregate
from interlock.errors import ConfigurationError
from interlock.testing import given, histories
try:
    histories(Aggregate)
except ConfigurationError as error:
    print(error)
"""
    done = subprocess.run(  # noqa: S603 our own text
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "which isn't installed: pip install hypothesis" in done.stdout


def test_hypothesis_is_not_imported_unasked() -> None:
    code = "import interlock.testing, sys; print('hypothesis' in sys.modules)"
    done = subprocess.run(  # noqa: S603 as above
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_times_are_utc() -> None:
    found = find(
        events_of(Ordered),
        lambda event: event.at > datetime(2020, 1, 1, tzinfo=UTC),
        settings=FIND,
    )
    assert found.at.utcoffset() == timedelta(0)
