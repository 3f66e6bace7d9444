"""Values composed of kinds, and states that share, change and lose them; drawn by Hypothesis."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from kinds.rows import EMIT, KEPT, NOT_KEPT, Row


@dataclass(frozen=True, slots=True)
class Leaf:
    """A type, values of it that come back the same, that don't, and that can't be read back."""

    type: str
    same: tuple[str, ...]
    others: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """A type around another one, a value around one of its, and the path to it."""

    type: str
    value: str
    path: str = ""


LEAVES = (
    Leaf("int", ("5", "-(2**70)"), ("True", "Size.SMALL")),
    Leaf("bool", ("True",), ("1",)),
    Leaf("float", ("-0.0", "0.1"), ("1",), ("math.nan",)),
    Leaf("str", ('"a"', r'"\0\U0001f680"'), ("Unit.KILO", 'Name("a")')),
    Leaf("bytes", ('b"ab"',)),
    Leaf("Decimal", ('Decimal("1.10")', 'Decimal("-0")'), ("1",), ('Decimal("NaN")',)),
    Leaf("UUID", ("UUID(int=3)",), ("Id(int=3)",)),
    Leaf("date", ("date(2030, 3, 31)",), ("datetime(2030, 3, 31)",)),
    Leaf(
        "datetime",
        ("datetime(2030, 3, 31, tzinfo=UTC)", "datetime(2030, 3, 31)"),
        (
            'datetime(2030, 3, 31, tzinfo=ZoneInfo("Europe/Berlin"))',
            'datetime(2030, 3, 31, tzinfo=timezone(timedelta(0), "GMT"))',
            "datetime(2030, 3, 31, fold=1)",
        ),
    ),
    Leaf("timedelta", ("timedelta(days=-1, microseconds=1)",)),
    Leaf("Color", ("Color.RED", "Color.BLUE"), ('"red"',)),
    Leaf("tuple[int, ...]", ("(1, 2)", "()"), ("[1, 2]", "Position(1)")),
    Leaf("list[int] | tuple[int, ...]", ("[1]",), ("(1,)",)),
    Leaf("set[int]", ("{1, 2}",), ("frozenset({1})",)),
    Leaf("deque[int]", ("deque([1, 2])",), ("deque([1, 2], 2)",)),
    Leaf("defaultdict[str, int]", ("defaultdict(int, a=1)",), ("defaultdict(lambda: 100, a=1)",)),
    Leaf("Counter[str]", ('Counter("abba")',), ('dict(Counter("abba"))',)),
    Leaf("Address", ('Address(city="Rome")', "Address()"), ('{"city": "Rome"}',)),
    Leaf("Place", ('Place(city="Rome")',)),
    Leaf("Point", ("Point(3)",), ("Point3(3)", "Spot(3)")),
    Leaf("Payment", ("Payment(amount=1)",), ('Card(number="4111")',)),
    Leaf("Card | Cash", ("Cash(coins=(1,))", 'Card(number="4111")')),
    Leaf("Draft | Submitted", ("Draft()",), ("Submitted()",)),
    Leaf("Any", ('{"a": [1, None, "b"]}', "1.5"), ("{1}", "Decimal(1)", "(1,)")),
    Leaf("Stripped", ('"ab"',), ('" ab "',)),
    Leaf("Derived", ("Derived(number=3)",)),
)
AROUND = (
    Around("{}", "{}"),
    Around("Annotated[{}, 'one']", "{}"),
    Around("list[{}]", "[{}]", "[0]"),
    Around("tuple[int, {}]", "(1, {})", "[1]"),
    Around("deque[{}]", "deque([{}])", "[0]"),
    Around("dict[str, {}]", '{{"k": {}}}', "[0]"),
    Around("dict[int, list[{}]]", "{{2: [], 1: [{}]}}", "[1][0]"),
    Around("Box[{}]", "boxed({})", ".item"),
    Around("list[Box[{}]]", "[boxed({})]", "[0].item"),
)
leaves = st.sampled_from(LEAVES)
around = st.lists(st.sampled_from(AROUND), max_size=3)


def wrapped(type_: str, value: str, wrappers: Sequence[Around]) -> tuple[str, str, str]:
    """The type and the value with others around them, and the path to the value."""
    path = ""
    for one in wrappers:
        if "boxed" in one.value:
            value = one.value.replace("boxed({})", f"Box[{type_}].model_construct(item={value})")
        else:
            value = one.value.format(value)
        type_, path = one.type.format(type_), one.path + path
    return type_, value, f"$.value{path}"


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """A value that is kept exactly if the innermost one is."""
    leaf, wrappers = draw(leaves), draw(around)
    lost = leaf.others + leaf.unread
    is_same = draw(st.booleans()) or not lost
    innermost = draw(st.sampled_from(leaf.same if is_same else lost))
    type_, value, path = wrapped(leaf.type, innermost, wrappers)
    wanted = (KEPT, KEPT) if is_same else (EMIT, NOT_KEPT)
    named = "$.value" if innermost in leaf.unread else path
    return Row("drawn", type_, value, *wanted, named=named)


@st.composite
def programs(draw: st.DrawFn) -> Row:
    """A state whose fields get values, share them, and change by one way what another one reaches.

    `in_state` says whether all of its values are of a kind that is kept; what stands in a tuple may
    be shared, which isn't.
    """
    kinds = [(draw(leaves), draw(around)) for _ in range(draw(st.integers(1, 3)))]
    types = [wrapped(leaf.type, "", wrappers)[0] for leaf, wrappers in kinds]
    body = [f"f{n}: {type_} | None = None" for n, type_ in enumerate(types)]
    body += [f"g{n}: list[{type_}] = []" for n, type_ in enumerate(types)]
    steps, is_kept = [], not any("tuple[" in type_ for type_ in types)
    for _ in range(draw(st.integers(1, 5))):
        n = draw(st.integers(0, len(kinds) - 1))
        leaf, wrappers = kinds[n]
        is_same = draw(st.integers(0, 9)) or not leaf.others
        value = draw(st.sampled_from(leaf.same if is_same else leaf.others))
        is_kept = is_kept and bool(is_same)
        given = wrapped(leaf.type, value, wrappers)[1]
        steps.append(
            draw(
                st.sampled_from(
                    [
                        f"it.f{n} = {given}",
                        f"it.f{n} = {given}\nit.g{n}.append(it.f{n})",
                        f"it.g{n} = [{given}] * 2",
                        f"it.f{n} = {given}\nit.g{n} = [it.f{n}, {given}]",
                        f"changed(it.f{n})",
                        f"changed(it.g{n})",
                        f"it.g{n}.reverse()",
                    ]
                )
            )
        )
    wanted = KEPT if is_kept else ""
    return Row("drawn", "\n".join(body), "", KEPT, wanted, change="\n\n".join(steps))
