"""Rows on models, dataclasses and unions of them."""

from kinds.rows import BUILD, EMIT, KEPT, NOT_KEPT, REGISTRATION, Row

_UNION = "`Payment | Card`, or a `kind: Literal[...]` in each"
_CARD = 'Card(number="4111")'
_DISCRIMINATOR = 'Annotated[ByCard | ByCash, Field(discriminator="kind")]'
_TAGS = (
    'Annotated[Annotated[Draft, Tag("d")] | Annotated[Submitted, Tag("s")], '
    "Discriminator(lambda value: 's' if isinstance(value, Submitted) else 'd')]"
)

MODELS = (
    Row("a model", "Cash", "Cash(coins=(1, 2))", KEPT, KEPT),
    Row("a model with names that were never set", "Address", 'Address(city="Rome")', KEPT, KEPT),
    Row("a frozen model", "Place", 'Place(city="Rome")', KEPT, KEPT),
    Row("a dataclass", "Point", "Point(3)", KEPT, KEPT),
    Row("a frozen dataclass with slots", "Pin", "Pin(3)", KEPT, KEPT),
    Row("a dataclass of pydantic's", "Spot", "Spot(3)", KEPT, KEPT),
    Row("`RootModel`", "Numbers", "Numbers([1, 2])", KEPT, KEPT),
    Row("a generic model with its type", "Box[int]", "Box[int](item=1)", KEPT, KEPT),
    Row(
        "a generic model in a field without it",
        "Box[Any]",
        "Box[int](item=1)",
        EMIT,
        NOT_KEPT,
        "`Box[int]`",
    ),
    Row("a model with further names", "Loose", 'Loose(color="red", size=[1])', KEPT, KEPT),
    Row(
        "a `Decimal` among further names",
        "Loose",
        'Loose(price=Decimal("1.10"))',
        EMIT,
        NOT_KEPT,
        "a field for it",
        named="$.value.price",
    ),
    Row("a base class, and one of its own", "Payment", "Payment(amount=1)", KEPT, KEPT),
    Row("a subclass in a field of its base class", "Payment", _CARD, EMIT, NOT_KEPT, _UNION),
    Row(
        "a subclass among its base class's",
        "list[Payment]",
        f"[Payment(), {_CARD}]",
        EMIT,
        NOT_KEPT,
        _UNION,
        named="$.value[1]",
    ),
    Row(
        "a subclass behind `Annotated`",
        'Annotated[Payment, Field(description="how")]',
        _CARD,
        EMIT,
        NOT_KEPT,
        _UNION,
    ),
    Row("a subclass behind `NewType`", "NewPayment", _CARD, EMIT, NOT_KEPT, _UNION),
    Row(
        "a subclass behind an alias of types",
        "Payments",
        f"[{_CARD}]",
        EMIT,
        NOT_KEPT,
        _UNION,
        named="$.value[0]",
    ),
    Row(
        "a subclass in a dataclass",
        "Paid",
        f"Paid({_CARD})",
        EMIT,
        NOT_KEPT,
        _UNION,
        named="$.value.by",
    ),
    Row(
        "a subclass in a dataclass of pydantic's",
        "PaidToo",
        f"PaidToo({_CARD})",
        EMIT,
        NOT_KEPT,
        _UNION,
        named="$.value.by",
    ),
    Row("a subclass in a `NamedTuple`", "PaidTuple", f"PaidTuple({_CARD})", EMIT, NOT_KEPT, _UNION),
    Row(
        "a subclass in a `TypedDict`",
        "PaidDict",
        f'{{"by": {_CARD}}}',
        EMIT,
        NOT_KEPT,
        _UNION,
    ),
    Row("a subclass in a `RootModel`", "PaidRoot", f"PaidRoot({_CARD})", EMIT, NOT_KEPT, _UNION),
    Row("a subclass in `SerializeAsAny`", "SerializeAsAny[Payment]", _CARD, EMIT, NOT_KEPT, _UNION),
    Row(
        "a dataclass's subclass",
        "list[Point]",
        "[Point3(1, 2)]",
        EMIT,
        NOT_KEPT,
        "`list[Point | Point3]`",
        named="$.value[0]",
    ),
    Row(
        "`BaseModel` itself",
        "value: BaseModel = Place()",
        "Place(city='Rome')",
        REGISTRATION,
        BUILD,
        "a union of the models",
        named="value",
    ),
    Row(
        "an abstract model",
        "list[Shape]",
        "[Square(length=2)]",
        REGISTRATION,
        BUILD,
        "`list[Square | ...]`",
        named="value",
    ),
)

UNIONS = (
    Row(
        "a union of models that differ in their names",
        "Card | Cash",
        "Cash(coins=(1,))",
        KEPT,
        KEPT,
    ),
    Row("a union of a base class and its subclass", "Payment | Card", _CARD, KEPT, KEPT),
    Row("a union told apart by a name", _DISCRIMINATOR, 'ByCash(number="7")', KEPT, KEPT),
    Row("a union whose models look alike, the first", "Draft | Submitted", "Draft()", KEPT, KEPT),
    Row(
        "a union whose models look alike, the second",
        "Draft | Submitted",
        "Submitted()",
        EMIT,
        NOT_KEPT,
        'a `kind: Literal[...]` in each, and `Field(discriminator="kind")`',
    ),
    Row(
        "a union that is told apart by what JSON doesn't have",
        _TAGS,
        "Submitted()",
        EMIT,
        NOT_KEPT,
        "as above",
    ),
    Row(
        "a union taken from left to right",
        'Annotated[Payment | Card, Field(union_mode="left_to_right")]',
        _CARD,
        EMIT,
        NOT_KEPT,
        "`Card | Payment`, or a smart union",
    ),
)
