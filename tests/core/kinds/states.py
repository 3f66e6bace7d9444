"""Rows on what only a state has time for: sharing, names never set, cached properties, defaults."""

from kinds.rows import ALWAYS, EMIT, KEPT, NOT_ASKED, NOT_KEPT, REGISTRATION, Row

_FROZEN = "`frozen=True`, or a copy for each place"
_FACTORY = "`Field(default_factory=Purse)`"
_CITY = 'it.by_city["Rome"] = Address(city="Rome")'

SHARED = (
    Row(
        "one model in a list and in an index",
        "places: list[Address] = []\nby_city: dict[str, Address] = {}",
        "",
        KEPT,
        KEPT,
        "",
        f'{_CITY}\nit.places.append(it.by_city["Rome"])\n\nit.by_city["Rome"].street = "Via Appia"',
    ),
    Row(
        "one list twice in a list",
        "value: list[list[int]] = []",
        "",
        KEPT,
        KEPT,
        "",
        "row = [0]\nit.value = [row, row]\n\nit.value[0].append(1)",
    ),
    Row(
        "one list in two tuples",
        "value: tuple[tuple[list[int]], ...] = ()",
        "",
        KEPT,
        NOT_KEPT,
        "a list where the tuple is, or a copy for each place",
        "row = [0]\nit.value = ((row,), (row,))\n\nit.value[0][0].append(1)",
        "$.value[1][0]",
    ),
    Row(
        "one dataclass under keys that are numbers",
        "value: dict[int, Point] = {}",
        "",
        KEPT,
        KEPT,
        "",
        "point = Point(1)\nit.value = {1: point, 2: point}\n\nit.value[1].x = 5",
    ),
    Row(
        "one list twice in `Any`",
        "value: Any = None",
        "",
        KEPT,
        KEPT,
        "",
        'row = [0]\nit.value = {"a.b": row, "a": {"b": row}}\n\nit.value["a.b"].append(1)',
    ),
    Row(
        "one dataclass in a set and in a field",
        "value: set[Bag] = set()\nother: Bag | None = None",
        "",
        KEPT,
        NOT_KEPT,
        "a list or a dict where the set is, or a copy for each place",
        "it.other = Bag()\nit.value = {it.other}\n\nit.other.coins += 1",
        "$.other",
    ),
    Row(
        "one frozen model in two fields",
        "value: Place = Place()\nother: Place = Place()",
        "",
        KEPT,
        KEPT,
        "",
        'it.value = it.other = Place(city="Rome")',
    ),
    Row(
        "one mutable object in a set and in a list",
        "value: set[Purse] = set()\nother: list[Purse] = []",
        "",
        KEPT,
        NOT_KEPT,
        _FROZEN,
        "purse = Purse(1)\nit.value, it.other = {purse}, [purse]\n\nit.other[0].coins = 5",
        "$.",
    ),
)

UNSET = (
    Row(
        "names of the aggregate that were never set",
        'street: str = ""\ncity: str = ""',
        "",
        KEPT,
        KEPT,
        "",
        'it.city = "Rome"',
    ),
    Row(
        "names that were never set, in models in a dict",
        "value: dict[str, Address] = {}",
        "",
        KEPT,
        KEPT,
        "",
        'it.value = {"a.b": Address(city="Rome"), "a": Address(), "": Address(street="", city="")}',
    ),
    Row(
        "names that were never set, and the model is shared",
        "places: list[Address] = []",
        "",
        KEPT,
        KEPT,
        "",
        'place = Address(city="Rome")\nit.places = [place, place]\n\n'
        'it.places[1].street = "Via Appia"',
    ),
    Row(
        "a model that lacks what it requires",
        "Box[int]",
        "Box[int].model_construct()",
        EMIT,
        NOT_KEPT,
        "all that the model requires",
    ),
)

CACHED = (
    Row(
        "a cached property of an aggregate",
        "entries: list[int] = []\n"
        "@cached_property\n"
        "def total(self) -> int: return sum(self.entries)\n"
        'label: str = ""',
        "",
        KEPT,
        KEPT,
        "",
        "it.entries.append(1)\nit.label = str(it.total)\n\n"
        "it.entries.append(2)\nit.label = str(it.total)",
    ),
    Row(
        "names beyond those declared, in an aggregate",
        'model_config = ConfigDict(extra="allow")',
        "",
        KEPT,
        KEPT,
        "",
        'it.color = "red"',
    ),
    Row(
        "a `Decimal` among them",
        'model_config = ConfigDict(extra="allow")',
        "",
        EMIT,
        NOT_KEPT,
        "a field for it",
        'it.price = Decimal("1.10")',
        "$.price",
    ),
    Row(
        "`model_post_init` that makes a private attribute",
        "number: int = 0\n"
        "_square: int = PrivateAttr(0)\n"
        "def model_post_init(self, context: Any) -> None: self._square = self.number**2",
        "",
        KEPT,
        KEPT,
        "",
        "it.number, it._square = 3, 9",
    ),
    Row(
        "a private attribute that `model_post_init` makes otherwise",
        "number: int = 0\n"
        "_square: int = PrivateAttr(0)\n"
        "def model_post_init(self, context: Any) -> None: self._square = self.number**2",
        "",
        EMIT,
        NOT_KEPT,
        "assign it wherever what it is made from changes, or a property",
        "it.number = 3",
        "_square",
    ),
)

DEFAULTS = (
    Row(
        "a default for each",
        "value: Purse = Field(default_factory=Purse)",
        "",
        KEPT,
        KEPT,
        "",
        "it.value.coins += 1",
    ),
    Row(
        "a default that pydantic copies",
        "value: Address = Address()",
        "",
        KEPT,
        KEPT,
        "",
        'it.value.city = "Rome"',
    ),
    Row(
        "a hashable dataclass as the default",
        "value: Purse = Purse()",
        "",
        REGISTRATION,
        ALWAYS,
        _FACTORY,
        "it.value = Purse(1)",
        "value",
    ),
    Row(
        "a dataclass without `==` as the default",
        "value: Bag = Bag()",
        "",
        REGISTRATION,
        ALWAYS,
        _FACTORY,
        "it.value = Bag(1)",
        "value",
    ),
    Row(
        "a hashable model as the default",
        "value: Chest = Chest()",
        "",
        REGISTRATION,
        ALWAYS,
        _FACTORY,
        "it.value = Chest()",
        "value",
    ),
    Row(
        "a factory that gives one object",
        "value: Chest = Field(default_factory=lambda: ONE_CHEST)",
        "",
        REGISTRATION,
        ALWAYS,
        _FACTORY,
        "it.value = Chest()",
        "value",
    ),
    Row(
        "one object in the defaults of two fields",
        "value: list[Purse] = Field(default_factory=lambda: [ONE_PURSE])",
        "",
        REGISTRATION,
        ALWAYS,
        _FACTORY,
        "it.value = []",
        "value",
    ),
    Row(
        "a default that varies",
        "value: float = Field(default_factory=lambda: next(COUNTED))",
        "",
        NOT_ASKED,
        ALWAYS,
        "set it from an event",
        "pass",
        "value",
    ),
    Row(
        "no default",
        "number: int",
        "",
        NOT_ASKED,
        ALWAYS,
        "give it one: an aggregate starts empty",
        "it.number = 1",
        "number",
    ),
)
