"""Rows on what `dispatch` is given as metadata: it has JSON's types, and is read back as JSON."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from interlock.application import ApplicationBuilder
from kinds import words
from kinds.holder import Holder, Turn
from kinds.look import look
from kinds.trial import Verdict

REFUSED = "`TypeError`"


@dataclass(frozen=True, slots=True)
class MetadataRow:
    """A kind of value, an example, and the expression of what is read back, or `REFUSED`."""

    kind: str
    value: str
    wanted: str
    instead: str = ""

    def __str__(self) -> str:
        return self.kind


METADATA = (
    MetadataRow(
        "JSON's own values",
        '{"a": [1, -0.0, "b", True, None]}',
        '{"a": [1, -0.0, "b", True, None]}',
    ),
    MetadataRow("an integer, however large", "2**70", "2**70"),
    MetadataRow("an integer of 4,300 digits", "10**4299", "10**4299"),
    MetadataRow("a tuple", "(1, (2,))", "[1, [2]]"),
    MetadataRow("a `Decimal`", 'Decimal("1.10")', '"1.10"'),
    MetadataRow("a `datetime`", "datetime(2030, 3, 31, tzinfo=UTC)", '"2030-03-31T00:00:00Z"'),
    MetadataRow("a `UUID`", "UUID(int=3)", "str(UUID(int=3))"),
    MetadataRow("a member of an `Enum`", "Color.RED", '"red"'),
    MetadataRow("a set", "{1}", "[1]"),
    MetadataRow("`bytes` that are UTF-8", 'b"ab"', '"ab"'),
    MetadataRow("a model", 'Place(city="Rome")', '{"city": "Rome"}'),
    MetadataRow("keys that are numbers", '{1: "a"}', '{"1": "a"}'),
    MetadataRow("lists 150 deep", "nested(150)", "nested(150)"),
    MetadataRow("lists 250 deep", "nested(250)", REFUSED, "a flat list"),
    MetadataRow("a list that holds itself", "endless()", REFUSED, "a flat list"),
    MetadataRow("an integer of 4,301 digits", "10**4300", REFUSED, "text"),
    MetadataRow("not a number", "math.nan", REFUSED, "`None`, or text"),
    MetadataRow("infinity", "[math.inf]", REFUSED, "`None`, or text"),
    MetadataRow("half of a surrogate pair", r'"\ud800"', REFUSED, "text"),
    MetadataRow("`bytes` that aren't UTF-8", r'b"\xff"', REFUSED, "Base64"),
    MetadataRow("any other object", "Opaque()", REFUSED, "what JSON has"),
)


class Noting(Holder):
    revision = "1"

    steps = (lambda it: None,)


def metadata_verdict(row: MetadataRow) -> Verdict:
    """What becomes of the example."""
    return asyncio.run(_verdict(row))


async def _verdict(row: MetadataRow) -> Verdict:
    given = {"value": eval(row.value, dict(vars(words)))}  # noqa: S307 our own example
    async with ApplicationBuilder().register_aggregate(Noting).build() as app:
        try:
            await app.dispatch(Turn(aggregate_id=UUID(int=1), number=0), metadata=given)
        except TypeError as error:
            if await app.exists(Noting, UUID(int=1)):
                return Verdict("refused, but stored", str(error))
            return Verdict(REFUSED, str(error))
        [stored] = [one async for one in app.events(Noting, UUID(int=1))]
    found = look(stored.metadata["value"])
    wanted = "" if row.wanted == REFUSED else look(eval(row.wanted, dict(vars(words))))  # noqa: S307 as above
    return Verdict(row.wanted if found == wanted else "otherwise", f"{found}, wanted {wanted}")
