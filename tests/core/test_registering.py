"""An aggregate's defaults are its own, don't vary and come back; what can't be kept is refused."""

import random
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, PostgresDsn, PrivateAttr, SecretStr

from interlock._app.aggregate_checks import check_defaults, check_state
from interlock._model.aggregate import Aggregate, routes_of
from interlock._storage.codecs import Codec, JsonCodec, ZlibJsonCodec
from interlock._storage.record_mapper import AggregateMapper
from interlock._storage.records import Scope
from interlock.application import ApplicationBuilder
from interlock.application.aggregates import AlwaysCache, InMemoryAggregateCacheBackend
from interlock.errors import ConfigurationError
from interlock.routing import applies_event
from rig import unharmed


class Plain(BaseModel):
    x: int = 0


def test_a_field_without_a_default_is_refused() -> None:
    class Bad(Aggregate):
        owner: str

    with pytest.raises(ConfigurationError, match=r"Bad: owner without a default"):
        check_defaults(Bad)


@pytest.mark.parametrize("factory", [random.random, lambda: datetime.now(UTC)])
def test_a_default_that_varies_is_refused(factory: Any) -> None:
    class Bad(Aggregate):
        value: Any = Field(default_factory=factory)

    with pytest.raises(ConfigurationError, match=r"Bad.value: the default varies"):
        check_defaults(Bad)


def test_a_factory_of_equal_defaults_is_fine() -> None:
    class Good(Aggregate):
        items: list[int] = Field(default_factory=list)
        plain: Plain = Plain()

    check_defaults(Good)


class Sharing(BaseModel):
    total: int = 0

    def __hash__(self) -> int:
        return id(self)


@dataclass(unsafe_hash=True)
class Hashed:
    total: Any = 0


@dataclass(frozen=True)
class Fixed:
    total: int = 0


class Box(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")
    held: Any = None
    _own: Any = PrivateAttr(default=None)

    @classmethod
    def of(cls, own: object) -> "Box":
        made = cls()
        made._own = own
        return made


ONE = Sharing()
ITEMS: list[int] = []
PRICE = Hashed()


@pytest.mark.parametrize(
    ("annotation", "options"),
    [
        (Hashed, {"default": Hashed()}),
        (Sharing, {"default": Sharing()}),
        (Sharing, {"default_factory": lambda: ONE}),
        (list[Sharing], {"default_factory": lambda: [ONE]}),
        (deque[Sharing], {"default_factory": lambda: deque([ONE])}),
        (Box, {"default_factory": lambda: Box.model_construct(held=ITEMS)}),
        (Box, {"default_factory": lambda: Box.model_construct(more=ITEMS)}),
        (Box, {"default_factory": lambda: Box.of(ITEMS)}),
        (Hashed, {"default_factory": lambda: Hashed(ITEMS)}),
        (dict[Sharing, int], {"default_factory": lambda: {ONE: 1}}),
        (tuple[Hashed, ...], {"default": (Hashed(),)}),
        (list[int], {"default_factory": lambda: ITEMS}),
        (Any, {"default_factory": lambda: {"a": ITEMS}}),
    ],
)
def test_two_new_states_that_share_an_object_are_refused(
    annotation: Any, options: dict[str, Any]
) -> None:
    class Wallet(Aggregate):
        money: annotation = Field(**options)

    with pytest.raises(ConfigurationError, match=r"Wallet.money: two new objects share one "):
        check_defaults(Wallet)


@pytest.mark.parametrize(
    ("annotation", "options"),
    [
        (Plain, {"default": Plain()}),
        (Sharing, {"default_factory": Sharing}),
        (Fixed, {"default": Fixed()}),
        (SecretStr, {"default": SecretStr("")}),
        (tuple[int, ...], {"default": (1, 2)}),
        (dict[str, int], {"default": {}}),
        (Any, {"default_factory": lambda: defaultdict(lambda: 100)}),
        (HttpUrl, {"default": HttpUrl("https://a.example")}),
        (PostgresDsn, {"default": PostgresDsn("postgres://a.example/b")}),
        (Any, {"default": {"type": "definition-ref"}}),
        (Any, {"default_factory": lambda given: [len(given)]}),
    ],
)
def test_defaults_of_ones_own_are_fine(annotation: Any, options: dict[str, Any]) -> None:
    class Wallet(Aggregate):
        money: annotation = Field(**options)

    with unharmed("a default of its own was refused"):
        check_defaults(Wallet)


class Line(BaseModel):
    price: Hashed = Hashed()


class Made(BaseModel):
    price: Hashed = Field(default_factory=lambda: PRICE)


class Failing(BaseModel):
    price: Hashed = Field(default_factory=lambda: Hashed(1 // 0))
    line: Line


class Pile(BaseModel):
    lines: "list[Line | Pile]" = []


@dataclass
class Stock:
    line: Line


@pytest.mark.parametrize(
    ("annotation", "where"),
    [
        (Line, "field.price"),
        (list[Line] | None, "field.price"),
        (dict[str, Stock], "field.line.price"),
        (Pile, "field.lines.price"),
        (Made, "field.price"),
        (Failing, "field.line.price"),
    ],
)
@pytest.mark.parametrize("is_read_only", [False, True])
def test_what_all_objects_share_is_refused_in_states_and_events(
    annotation: Any,
    where: str,
    is_read_only: bool,  # noqa: FBT001 a parameter
) -> None:
    class Kept(Aggregate):
        field: annotation = None

    class Happened(BaseModel):
        read_only: ClassVar[bool] = is_read_only
        field: annotation

    class Emitting(Aggregate):
        @applies_event
        def apply(self, event: Happened) -> None: ...

    with pytest.raises(ConfigurationError) as of_state:
        check_defaults(Kept)
    with pytest.raises(ConfigurationError) as of_event:
        routes_of(Emitting)
    assert str(of_state.value).startswith(f"Kept.{where}: two new objects share one Hashed")
    assert str(of_event.value).startswith(f"Happened.{where}: two new objects share one Hashed")


def checked(cls: type[Aggregate], codec: Codec | None = None) -> None:
    mapper = AggregateMapper(cls, Scope("", 0, cls.__name__, "r"), codec or JsonCodec())
    check_state(cls, mapper)


class State(Enum):
    NEW = "new"


@pytest.mark.parametrize(
    ("annotation", "default", "told"),
    [
        (float, 0, r"\$.value: an int comes back as a float"),
        (Decimal, 0, r"\$.value: an int comes back as a Decimal"),
        (Decimal, "0.00", r"\$.value: a str comes back as a Decimal"),
        (tuple[int, ...], [], r"\$.value: a list comes back as a tuple"),
        (str, None, r"\$.value: string_type"),
        (Annotated[int, Field(ge=0)], -1, r"\$.value: greater_than_equal"),
        (dict, defaultdict(list), r"\$.value: a defaultdict comes back as a dict"),
        (Any, object(), r"can't be encoded \(\$\.value: "),
    ],
)
def test_a_default_that_does_not_come_back_is_named(
    annotation: Any, default: Any, told: str
) -> None:
    class Account(Aggregate):
        value: annotation = Field(default_factory=lambda: default)

    with pytest.raises(ConfigurationError, match=told) as caught:
        checked(Account)
    assert "Account" in str(caught.value)


def test_defaults_that_are_too_large_for_the_codec_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"Tree's defaults are too large .* up to 10$"):
        checked(Tree, ZlibJsonCodec(max_bytes=10))


def test_enum_values_in_the_place_of_members_are_named() -> None:
    class Account(Aggregate):
        model_config = ConfigDict(use_enum_values=True)
        state: State = State.NEW

    with pytest.raises(ConfigurationError, match=r"\$.state: a State comes back as a str"):
        checked(Account)


def test_all_losses_are_told_at_once() -> None:
    class Bad(Aggregate):
        _own: int = PrivateAttr(default=0)
        one: int = Field(default=0, alias="uno")
        two: int = Field(default=0, exclude=True)

    with pytest.raises(ConfigurationError) as caught:
        checked(Bad)
    assert [word in str(caught.value) for word in ("Bad._own", "Bad.one", "Bad.two")] == [True] * 3


class Node(BaseModel):
    children: list["Node"] = []


class Tree(Aggregate):
    root: Node = Node()


def test_a_model_that_refers_to_itself_is_fine() -> None:
    checked(Tree)


def test_what_nothing_is_kept_of_is_not_refused() -> None:
    class Bare(Aggregate):
        value: float = 0
        _own: int = PrivateAttr(default=0)

    ApplicationBuilder().register_aggregate(Bare).build()
    with pytest.raises(ConfigurationError, match=r"Bare\._own"):
        ApplicationBuilder().register_aggregate(
            Bare, cache_strategy=AlwaysCache, cache_backend=InMemoryAggregateCacheBackend
        ).build()
