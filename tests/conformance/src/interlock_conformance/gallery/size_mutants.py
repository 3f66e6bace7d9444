"""Broken backends that are right as long as there is little of everything."""

from interlock_conformance.gallery.driver_edits import PAUSE
from interlock_conformance.gallery.mutants import Mutant, code, in_memory, text
from interlock_conformance.mutation import CodeEdit

_PAGE = """
found = self._shelf.fetch(_READ, {**values, "first": first})
"""
_PAGES = """
while rows := await self._client.ask("page", aggregate_type, aggregate_id, first, last):
    yield rows
    first = rows[-1][0] + 1
"""
_IN_CHUNKS = "in_chunks((stream[place] for place in range(start, stop)))"

SIZE_MUTANTS = (
    code(
        "a-page-of-a-mebibyte-is-the-last",
        "EVENTS-062",
        "ShelfEventStore.read",
        _PAGE,
        f"""
{_PAGE}
size = 0
for place, row in enumerate(found):
    size += len(row[-1])
    if size > 1_048_576:
        found = found[:place]
        break
""",
    ),
    code(
        "what-does-not-fit-the-page-is-left-out",
        "EVENTS-062",
        "ShelfEventStore.read",
        'cast("list[EventRow]", found)',
        """
        cast(
            "list[EventRow]",
            [row for place, row in enumerate(found) if place < 256 or len(row[-1]) < 8_192]
            + found[500:],
        )
        """,
    ),
    code(
        "a-transaction-for-250-events",
        "EVENTS-063",
        "ShelfEventStore.append",
        "with self._shelf.transaction():",
        f"""
if len(events) > 250:
    for start in range(0, len(events), 250):
        part = events[start : start + 250]
        await self.append(part, after=after)
        {PAUSE}
        after = part[-1].version, part[-1].event_id
    return
with self._shelf.transaction():
""",
    ),
    in_memory(
        "stores-a-page-in-each-turn",
        "EVENTS-063",
        "Events.append",
        "self._streams.setdefault(name, []).extend((event.row() for event in events))",
        """
        import asyncio

        stream = self._streams.setdefault(name, [])
        for start in range(0, len(events), 500):
            if start:
                await asyncio.sleep(0)
            stream.extend(event.row() for event in events[start : start + 500])
        """,
    ),
    text("one-page-for-all", "EVENTS-065", "_READ", "LIMIT {_CHUNK}", "LIMIT -1"),
    Mutant(
        "all-pages-before-the-first-chunk",
        "EVENTS-065",
        CodeEdit(
            "Events.read",
            _PAGES,
            """
            pages = []
            while rows := await self._client.ask(
                "page", aggregate_type, aggregate_id, first, last
            ):
                pages.append(rows)
                first = rows[-1][0] + 1
            for rows in pages:
                yield rows
            """,
        ),
        base="network",
    ),
    in_memory(
        "copies-the-stream-to-be-safe",
        "EVENTS-065",
        "Events.read",
        _IN_CHUNKS,
        "in_chunks([row._replace(type=row.type) for row in [*stream][start:stop]])",
    ),
)
