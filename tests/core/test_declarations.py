"""Handlers, appliers and upcasters, and the routes made of them."""

from typing import ClassVar

import pytest
from pydantic import BaseModel

from interlock._model.aggregate import routes_of
from interlock.domain import Aggregate, Command
from interlock.errors import ConfigurationError, UnknownEventError
from interlock.routing import applies_event, handles_command, upcasts
from rig import unharmed


class Pay(Command[None]):
    amount: int


class Paid(BaseModel):
    type_name: ClassVar[str] = "MoneyPaid"
    former_names: ClassVar[tuple[str, ...]] = ("Payed",)
    schema_version: ClassVar[int] = 3

    cents: int


class Base(Aggregate):
    log: str = ""

    @handles_command
    def pay(self, command: Pay) -> None:
        self.emit(Paid(cents=command.amount))

    @applies_event
    def apply_paid(self, event: Paid) -> None:
        self.log += "base"

    @staticmethod
    @upcasts("MoneyPaid", schema_version=1)
    def from_euros(payload: dict[str, int]) -> dict[str, int]:
        return {"amount": payload["euros"] * 100}

    @upcasts("MoneyPaid", schema_version=2)
    @staticmethod
    def from_amount(payload: dict[str, int]) -> dict[str, int]:
        return {"cents": payload["amount"]}


class Derived(Base):
    def apply_paid(self, event: Paid) -> None:
        self.log += "derived"


def test_an_override_without_the_mark_is_what_is_called() -> None:
    account = Derived()
    account.emit(Paid(cents=1))
    assert account.log == "derived"
    assert set(routes_of(Derived).handlers) == {Pay}


def test_names_are_looked_up_with_their_former_ones() -> None:
    events = routes_of(Base).events
    assert set(events) == {"MoneyPaid", "Payed"}
    assert events["Payed"].name == "MoneyPaid"


@pytest.mark.parametrize("name", ["MoneyPaid", "Payed"])
def test_older_payloads_are_upcast_step_by_step(name: str) -> None:
    entry = routes_of(Base).events[name]
    with unharmed("a step was left out"):
        assert entry.decode(1, b'{"euros": 2}') == Paid(cents=200)
    assert entry.decode(2, b'{"amount": 7}') == Paid(cents=7)
    assert entry.decode(3, b'{"cents": 7}') == Paid(cents=7)


def test_a_newer_schema_is_an_unknown_event() -> None:
    with pytest.raises(UnknownEventError, match=r"schema version 4.*knows up to 3"):
        routes_of(Base).events["MoneyPaid"].decode(4, b'{"cents": 7}')


def test_a_missing_upcaster_is_named() -> None:
    class Alone(Aggregate):
        @applies_event
        def apply_paid(self, event: Paid) -> None: ...

    with pytest.raises(UnknownEventError, match=r'@upcasts\("MoneyPaid", schema_version=2\)'):
        routes_of(Alone).events["MoneyPaid"].decode(2, b'{"cents": 7}')


def test_two_handlers_for_one_command_are_refused() -> None:
    class Double(Base):
        @handles_command
        def pay_too(self, command: Pay) -> None: ...

    with pytest.raises(ConfigurationError, match=r"pay.*both handle Pay"):
        routes_of(Double)


def test_two_appliers_for_one_event_are_refused() -> None:
    class Double(Base):
        @applies_event
        def apply_too(self, event: Paid) -> None: ...

    with pytest.raises(ConfigurationError, match=r"both apply Paid"):
        routes_of(Double)


def test_two_events_of_one_name_are_refused() -> None:
    class Payed(BaseModel):
        cents: int

    class Clash(Base):
        @applies_event
        def apply_payed(self, event: Payed) -> None: ...

    with pytest.raises(ConfigurationError, match="two events stored as 'Payed'"):
        routes_of(Clash)


def test_an_upcaster_of_an_event_that_is_not_applied_is_refused() -> None:
    class Stray(Base):
        @staticmethod
        @upcasts("Gone", schema_version=1)
        def from_nothing(payload: dict[str, int]) -> dict[str, int]:
            return payload

    with pytest.raises(ConfigurationError, match="'Gone'"):
        routes_of(Stray)


def test_a_handler_without_an_annotation_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="annotated with its type"):

        @handles_command
        def handle(self, command) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 the point
            ...


def test_an_annotation_that_is_no_model_is_refused() -> None:
    class Odd(Aggregate):
        @applies_event
        def apply(self, event: int) -> None: ...

    with pytest.raises(ConfigurationError, match="a pydantic model class is wanted"):
        routes_of(Odd)


def test_an_annotation_that_does_not_resolve_is_told() -> None:
    class Odd(Aggregate):
        @applies_event
        def apply(self, event: "NotThere") -> None: ...  # type: ignore[name-defined] # noqa: F821 the point

    with pytest.raises(ConfigurationError, match="module level"):
        routes_of(Odd)


def test_an_async_applier_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="plain def"):

        @applies_event
        async def apply(self: Base, event: Paid) -> None: ...


@pytest.mark.parametrize("version", [0, -1, "1"])
def test_a_schema_version_that_is_no_count_is_refused(version: object) -> None:
    class Event(BaseModel):
        schema_version: ClassVar[object] = version

    class Holder(Aggregate):
        @applies_event
        def apply(self, event: Event) -> None: ...

    with pytest.raises(ConfigurationError, match="an integer from 1 is wanted"):
        routes_of(Holder)
