"""What a declaration says that its JSON loses is told on registration, by name."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, NewType

import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    RootModel,
    SecretBytes,
    SecretStr,
    computed_field,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypeAliasType, TypedDict

from interlock._values.losses import declared_losses
from interlock.domain import Aggregate
from interlock.errors import ConfigurationError, InterlockError, UnknownEventError
from interlock.routing import applies_event


def losses(annotation: Any, *, is_state: bool = False, **options: Any) -> list[str]:
    class Model(BaseModel):
        field: annotation = Field(default=None, **options)

    return declared_losses(Model, is_state=is_state)


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)
    unit_price: int = 0


class CamelByName(Camel):
    model_config = ConfigDict(validate_by_name=True)


class CamelByAlias(Camel):
    model_config = ConfigDict(serialize_by_alias=True)


class CamelOnceByName(Camel):
    model_config = ConfigDict(populate_by_name=True)


class WrittenByAliasAndReadByName(CamelByAlias):
    model_config = ConfigDict(validate_by_alias=False, validate_by_name=True)


def reference_of_secret(_: SecretStr) -> str:
    return "vault:1"


class Written(BaseModel):
    model_config = ConfigDict(serialize_by_alias=True)
    amount: int = Field(default=0, serialization_alias="Amount")


class Excluded(BaseModel):
    amount: int = Field(default=0, exclude=True)


class Computed(BaseModel):
    x: int = 0

    @computed_field  # type: ignore[prop-decorator] # mypy knows no property under a decorator
    @property
    def double(self) -> int:
        return self.x * 2


class Strict(Computed):
    model_config = ConfigDict(extra="forbid")


class Loose(Computed):
    model_config = ConfigDict(extra="allow")


class Abstract(BaseModel, ABC):
    @abstractmethod
    def area(self) -> int: ...


class Private(BaseModel):
    _x: int = PrivateAttr(default=0)


class Derived(BaseModel):
    x: int = 0
    _double: int = PrivateAttr(default=0)

    def model_post_init(self, context: Any, /) -> None:
        self._double = self.x * 2


class Base(BaseModel):
    kind: Literal["base"] = "base"


class Special(Base):
    kind: Literal["special"] = "special"  # type: ignore[assignment] # what tells them apart
    more: int = 0


class Node(BaseModel):
    amount: int = Field(default=0, alias="Amount")
    children: list["Node"] = []


@dataclass
class InDataclass:
    inner: Excluded


class InNamedTuple(NamedTuple):
    inner: Excluded


class InTypedDict(TypedDict):
    inner: Excluded


class InRoot(RootModel[Excluded]):
    pass


InNewType = NewType("InNewType", Excluded)
InAlias = TypeAliasType("InAlias", list[Excluded])


@pytest.mark.parametrize(
    ("annotation", "where"),
    [
        (Camel, "Model.field.unit_price has an alias: its JSON says 'unit_price', and 'unitPrice'"),
        (Written, "Model.field.amount has an alias: its JSON says 'Amount', and 'amount' is read"),
        (
            WrittenByAliasAndReadByName,
            "Model.field.unit_price has an alias: its JSON says 'unitPrice', and 'unit_price' is",
        ),
        (Excluded, "Model.field.amount is excluded"),
        (list[Excluded], "Model.field.amount is excluded"),
        (dict[str, Excluded | None], "Model.field.amount is excluded"),
        (tuple[int, Excluded], "Model.field.amount is excluded"),
        (Annotated[Excluded, Field(description="x")], "Model.field.amount is excluded"),
        (InDataclass, "Model.field.inner.amount is excluded"),
        (InNamedTuple, "amount is excluded"),
        (InTypedDict, "Model.field.inner.amount is excluded"),
        (InRoot, "amount is excluded"),
        (InNewType, "Model.field.amount is excluded"),
        (InAlias, "Model.field.amount is excluded"),
        (SecretStr, "Model.field is a secret"),
        (list[SecretBytes], "Model.field is a secret"),
        (Strict, "Model.field.double is a computed field"),
        (Loose, "Model.field.double is a computed field"),
        (BaseModel, "Model.field is typed with BaseModel"),
        (Abstract | None, "Model.field is typed with Abstract"),
        (Node, "Model.field.amount has an alias"),
    ],
)
def test_what_the_declaration_loses_is_named(annotation: Any, where: str) -> None:
    found = losses(annotation)
    assert len(found) == 1
    assert where in found[0]


@pytest.mark.parametrize(
    "options",
    [
        {"exclude": True},
        {"exclude_if": bool},
        {"alias": "other"},
        {"validation_alias": "other"},
        {"validation_alias": AliasChoices("other", AliasPath("field", 0))},
        {"validation_alias": AliasPath("field", "inner")},
    ],
)
def test_a_field_that_is_not_written_as_it_is_read(options: dict[str, Any]) -> None:
    assert len(losses(int, **options)) == 1


@pytest.mark.parametrize(
    ("annotation", "options"),
    [
        (CamelByName, {}),
        (CamelOnceByName, {}),
        (CamelByAlias, {}),
        (Computed, {}),
        (Base, {}),
        (Base | Special, {}),
        (Derived, {}),
        (Annotated[SecretStr, PlainSerializer(lambda value: value.get_secret_value())], {}),
        (Annotated[SecretStr, PlainSerializer(reference_of_secret)], {}),
        (Base64Bytes, {}),
        (int, {"validation_alias": AliasChoices("field", "former")}),
        (int, {"serialization_alias": "Field"}),
    ],
)
@pytest.mark.parametrize("is_state", [False, True])
def test_what_the_declaration_does_not_lose(
    annotation: Any,
    options: dict[str, Any],
    is_state: bool,  # noqa: FBT001 a parameter
) -> None:
    assert losses(annotation, is_state=is_state, **options) == []


def test_a_private_attribute_is_lost_in_states() -> None:
    assert losses(Private) == []
    assert "Model.field._x is a private attribute" in "".join(losses(Private, is_state=True))


def test_a_subclass_elsewhere_changes_nothing() -> None:
    class AddressResponse(Base):
        links: list[str] = []

    assert losses(Base, is_state=True) == []


def test_an_event_that_loses_data_is_refused_unless_it_is_only_read() -> None:
    class Moved(BaseModel):
        to: str = Field(default="", exclude=True)

    class Parcel(Aggregate):
        @applies_event
        def apply(self, event: Moved) -> None: ...

    with pytest.raises(ConfigurationError, match=r"Moved would lose data(.|\n)*Moved.to is exclu"):
        Parcel().emit(Moved())

    class OldMoved(Moved):
        read_only: ClassVar[bool] = True

    class Archive(Aggregate):
        count: int = 0

        @applies_event
        def apply(self, event: OldMoved) -> None:
            self.count += 1

    with pytest.raises(UnknownEventError, match="OldMoved, which is read_only"):
        Archive().emit(OldMoved())

    class NewMoved(OldMoved):
        pass

    class Depot(Aggregate):
        @applies_event
        def apply(self, event: NewMoved) -> None: ...

    with pytest.raises(InterlockError) as caught:
        Depot().emit(NewMoved())
    assert "NewMoved would lose data" in str(caught.value)


def test_a_cached_property_is_no_loss() -> None:
    class Sums(BaseModel):
        x: int = 0

        @cached_property
        def double(self) -> int:
            return self.x * 2

    assert losses(Sums, is_state=True) == []
