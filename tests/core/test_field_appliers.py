"""Appliers that use nothing but fields are run on a bare object; all others aren't."""

import linecache
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from interlock._engine.fold import Fold
from interlock._model.aggregate import Aggregate, routes_of
from interlock._model.field_appliers import bare_class_of
from interlock._storage.records import EventRow
from interlock.errors import EventApplyError
from interlock.routing import applies_event

ID = UUID(int=1)


class Added(BaseModel):
    number: int


class Base(Aggregate):
    total: int = 0
    numbers: list[int] = []


class Plain(Base):
    @applies_event
    def apply_added(self, event: Added) -> None:
        if event.number < 0:
            raise ValueError(f"{event.number} at {self.version}")
        self.total += event.number
        self.numbers.append(event.number)
        self.numbers = [number for number in self.numbers if number]


class Inherits(Plain):
    pass


class CallsItself(Base):
    def grow(self, number: int) -> None:
        self.total += number

    @applies_event
    def apply_added(self, event: Added) -> None:
        self.grow(event.number)


class HandsItselfOut(Base):
    @applies_event
    def apply_added(self, event: Added) -> None:
        setattr(self, "total", type(self).__name__ == "HandsItselfOut")  # noqa: B010


class HandsItselfIn(Base):
    @applies_event
    def apply_added(self, event: Added) -> None:
        def grow() -> None:
            self.total += event.number

        grow()


class IsAClass(Base):
    @applies_event
    def apply_added(self, event: Added) -> None:
        self.total = len(self.__class__.__mro__)


class LooksAtItsLocals(Base):
    @applies_event
    def apply_added(self, event: Added) -> None:
        self.total = len(type(locals()["self"]).__mro__)


class AsksItsBase(Plain):
    @applies_event
    def apply_added(self, event: Added) -> None:
        super().apply_added(event)


class HasClassVariable(Base):
    step: ClassVar[int] = 2

    @applies_event
    def apply_added(self, event: Added) -> None:
        self.total += self.step


class HasProperty(Base):
    @property
    def doubled(self) -> int:
        return 2 * self.total

    @applies_event
    def apply_added(self, event: Added) -> None:
        self.total = self.doubled + event.number


class HasCachedProperty(Base):
    @cached_property
    def doubled(self) -> int:
        return 2 * self.total

    @applies_event
    def apply_added(self, event: Added) -> None:
        self.total += event.number


class Assigns(Base):
    @applies_event
    def apply_added(self, event: Added) -> None:
        self.totl = event.number


class Deletes(Base):
    @applies_event
    def apply_added(self, event: Added) -> None:
        del self.total


class Rebinds(Base):
    @applies_event
    def apply_added(self, event: Added) -> None:
        self = self  # noqa: PLW0127, PLW0642
        self.total += event.number


class Validates(Plain):
    model_config = ConfigDict(validate_assignment=True)


class IsFrozen(Plain):
    model_config = ConfigDict(frozen=True)


class HasFrozenField(Plain):
    kind: str = Field("", frozen=True)


class HasPrivateAttribute(Plain):
    _seen: int = PrivateAttr(0)


class WatchesAssignments(Plain):
    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value + 1 if name == "total" else value)


class WatchesReads(Plain):
    def __getattribute__(self, name: str) -> Any:
        return super().__getattribute__(name)


class HasSlots(Plain):
    __slots__ = ("_more",)


def fold(cls: type[Aggregate], *numbers: int) -> Aggregate:
    rows = [
        EventRow(version, bytes(16), "Added", 1, version, b"{}", b'{"number":%d}' % number)
        for version, number in enumerate(numbers, 1)
    ]
    folding = Fold(routes_of(cls), cls(id=ID))
    folding.extend(rows[:1])
    folding.extend(rows[1:])
    return folding.state


@pytest.mark.parametrize("cls", [Plain, Inherits, HasPrivateAttribute])
def test_appliers_of_fields_run_on_a_bare_object_that_is_an_aggregate_again(
    cls: type[Plain],
) -> None:
    assert bare_class_of(cls) is not None
    state = fold(cls, 1, 0, 3)
    assert type(state) is cls
    assert state == cls(id=ID, version=3, total=4, numbers=[1, 3])
    with pytest.raises(ValueError, match="no field"):
        state.totl = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(("cls", "is_called"), [(Plain, False), (CallsItself, True)])
def test_only_appliers_that_do_more_assign_by_pydantic(cls: type[Base], *, is_called: bool) -> None:
    called = set[str]()
    sys.setprofile(lambda frame, _, __: called.add(frame.f_code.co_qualname))
    try:
        fold(cls, 1, 2)
    finally:
        sys.setprofile(None)
    assert (BaseModel.__setattr__.__qualname__ in called) == is_called


def test_a_bare_object_is_an_aggregate_again_when_an_applier_raises() -> None:
    state = Plain(id=ID)
    row = EventRow(1, bytes(16), "Added", 1, 1, b"{}", b'{"number":-1}')
    with pytest.raises(EventApplyError, match=rf"Plain {ID} version 1 .*-1 at 1"):
        Fold(routes_of(Plain), state).extend([row])
    assert type(state) is Plain


def test_nobody_meets_the_bare_class_among_subclasses() -> None:
    assert bare_class_of(Inherits) is not None
    assert Inherits.__subclasses__() == []
    assert bare_class_of(Inherits) not in Aggregate.__subclasses__()


@pytest.mark.parametrize(
    "cls",
    [
        *(CallsItself, HandsItselfOut, HandsItselfIn, IsAClass, LooksAtItsLocals, AsksItsBase),
        *(HasClassVariable, HasProperty, HasCachedProperty, Assigns, Rebinds),
        *(Validates, IsFrozen, HasFrozenField, WatchesAssignments, WatchesReads, HasSlots),
    ],
)
def test_an_aggregate_keeps_its_class_where_somebody_could_tell(cls: type[Aggregate]) -> None:
    assert bare_class_of(cls) is None


@pytest.mark.parametrize(
    ("cls", "total"),
    [
        (CallsItself, 3),
        (HandsItselfOut, True),
        (LooksAtItsLocals, len(LooksAtItsLocals.__mro__)),
        (IsAClass, len(IsAClass.__mro__)),
        (HasClassVariable, 4),
        (HasProperty, 4),
        (WatchesAssignments, 5),
    ],
)
def test_appliers_meet_the_class_that_they_are_of(cls: type[Base], total: int) -> None:
    assert fold(cls, 1, 2).total == total  # type: ignore[attr-defined]


def test_a_name_that_is_no_field_is_still_refused() -> None:
    with pytest.raises(EventApplyError, match="no field"):
        fold(Assigns, 1)


@pytest.fixture
def source() -> Iterator[Callable[[str], None]]:
    """Changes the text that a function of this file seems to have."""
    kept = linecache.cache.copy()

    def change(text: str) -> None:
        lines = [text if "self.total +=" in line else line for line in linecache.getlines(__file__)]
        linecache.cache[__file__] = (len(lines), None, lines, __file__)

    yield change
    linecache.cache.clear()
    linecache.cache.update(kept)


@pytest.mark.parametrize("text", ["        self.total -= event.number\n", "(\n", ""])
def test_a_source_that_was_changed_since_proves_nothing(
    source: Callable[[str], None], text: str
) -> None:
    class Changed(Plain):
        pass

    source(text)
    assert bare_class_of(Changed) is None


def test_a_function_without_source_proves_nothing() -> None:
    found: dict[str, Any] = {"Base": Base, "Added": Added, "applies_event": applies_event}
    exec(  # noqa: S102 our own text, which stands in no file
        "class Typed(Base):\n"
        "    @applies_event\n"
        "    def apply_added(self, event: Added) -> None:\n"
        "        self.total += event.number\n",
        found,
    )
    assert bare_class_of(found["Typed"]) is None
    assert fold(found["Typed"], 1, 2).total == 3  # type: ignore[attr-defined]
