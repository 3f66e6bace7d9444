"""Broken event stores: callers beside each other, what survives, what a call costs."""

from textwrap import indent

from interlock_conformance.gallery.driver_edits import IN_MEMORY_UNTIL_CLOSED, LOCK, PAUSE
from interlock_conformance.gallery.mutants import Mutant, code, in_memory, text
from interlock_conformance.mutation import CodeEdit, Edits

_STORE = "self._streams.setdefault(name, []).extend(event.row() for event in events)"
_INSERT = """
if self._shelf.change(_APPEND, values) == 0:
    self._check_thawed()
    raise ConcurrencyError(f"{event.aggregate_id}: the head isn't {after}")
"""
_TWO_STEPS = """
import time

head = self._shelf.fetch(_HEAD, values)
if (head[0] if head else (None, None)) != (values["after_version"], values["after_id"]):
    raise ConcurrencyError(f"{event.aggregate_id}: the head isn't {after}")
time.sleep(0.1)  # others look meanwhile, however busy the machine is
unguarded = _APPEND.partition("WHERE")[0].replace("INSERT", "INSERT OR REPLACE")
self._shelf.change(unguarded, values)
"""

EVENT_RACE_MUTANTS = (
    in_memory(
        "one-append-at-a-time",
        "EVENTS-037",
        "Events.append",
        _STORE,
        f"""
if vars(self).get("_busy"):
    raise ConcurrencyError("another append is under way")
import asyncio

self._busy = True
await asyncio.sleep(0)
self._busy = False
{_STORE}
""",
    ),
    Mutant(
        "no-transaction",
        "EVENTS-038",
        Edits(
            (
                CodeEdit("ShelfEventStore.append", "with self._shelf.transaction():", "if events:"),
                CodeEdit(
                    "ShelfEventStore.append",
                    "after = event.version, event.event_id",
                    f"""
                    after = event.version, event.event_id
                    if event is events[0]:
                        {PAUSE}
                    """,
                ),
            )
        ),
    ),
    in_memory(
        "deletes-what-it-has-seen",
        "EVENTS-039",
        "Events.delete",
        "stream = self._streams.pop((aggregate_type, aggregate_id), [])",
        """
seen = await self.head(aggregate_type, aggregate_id)
await __import__("asyncio").sleep(0)
below = seen[0] + 1 if below is None and seen else below
stream = self._streams.pop((aggregate_type, aggregate_id), [])
""",
    ),
    in_memory(
        "looks-waits-decides",
        "EVENTS-040",
        "Events.append",
        "found = await self.head(*name)",
        """
        found = await self.head(*name)
        import asyncio

        await asyncio.sleep(0)
        """,
    ),
    in_memory(
        "beginners-race",
        "EVENTS-041",
        "Events.append",
        "found = await self.head(*name)",
        """
        found = await self.head(*name)
        if after is None:
            import asyncio

            await asyncio.sleep(0)
        """,
    ),
    code(
        "a-file-for-each-instance",
        "EVENTS-042",
        "ShelfEventStore.__init__",
        "config.url",
        'f"{config.url}-{id(self)}"',
    ),
    code(
        "checks-and-writes-in-two-steps",
        "EVENTS-043",
        "ShelfEventStore._append",
        _INSERT,
        _TWO_STEPS,
    ),
    Mutant(
        "lock-in-memory",
        "EVENTS-044",
        Edits(
            (
                CodeEdit("ShelfEventStore", "", LOCK),
                CodeEdit(
                    "ShelfEventStore._append",
                    _INSERT,
                    f"with self._lock:{indent(_TWO_STEPS, '    ')}",
                ),
            )
        ),
    ),
    in_memory(
        "two-halves",
        "EVENTS-045",
        "Events.append",
        _STORE,
        """
        import asyncio

        stream = self._streams.setdefault(name, [])
        half = len(events) // 2
        stream.extend((event.row() for event in events[:half]))
        await asyncio.sleep(0)
        stream.extend((event.row() for event in events[half:]))
        """,
    ),
    code(
        "transaction-around-a-chunk",
        "EVENTS-046",
        "ShelfEventStore.read",
        "yield chunk",
        """
        with self._shelf.transaction():
            yield chunk
        """,
    ),
    Mutant(
        "place-of-a-read-in-the-store",
        "EVENTS-047",
        Edits(
            (
                CodeEdit("ShelfEventStore.read", "while True:", "self._next = first\nwhile True:"),
                CodeEdit(
                    "ShelfEventStore.read",
                    '{**values, "first": first}',
                    '{**values, "first": self._next}',
                ),
                CodeEdit(
                    "ShelfEventStore.read",
                    "yield chunk",
                    "self._next = rows[-1][0] + 1\nyield chunk",
                ),
                CodeEdit("ShelfEventStore.read", "first = rows[-1][0] + 1", ""),
            )
        ),
    ),
    in_memory(
        "counted-from-the-end",
        "EVENTS-048",
        "Events.read",
        "stream[place]",
        "stream[(len(stream) - stop if last is None else 0) + place]",
    ),
    code("durable-in-memory", "EVENTS-049", "Shelf.__init__", "parts.path", '":memory:"'),
    Mutant("written-when-closed", "EVENTS-050", IN_MEMORY_UNTIL_CLOSED),
    code(
        "closed-is-a-type-error",
        "EVENTS-051",
        "Shelf._run",
        'BackendUnavailableError("the shelf is closed")',
        "AttributeError(\"'NoneType' object has no attribute 'execute'\")",
    ),
    code(
        "copies-by-pickle",
        "EVENTS-052",
        "ShelfEventStore.read",
        'rows = cast("list[EventRow]", found)',
        """
        import pickle

        copied = pickle.loads(pickle.dumps(found))
        rows = cast("list[EventRow]", copied)
        """,
    ),
    code(
        "transaction-around-one-statement",
        "EVENTS-053",
        "ShelfEventStore.append",
        "if len(events) == 1:",
        "if not events:",
    ),
    code(
        "asks-until-nothing-comes",
        "EVENTS-054",
        "ShelfEventStore.read",
        "if len(rows) < _CHUNK:",
        "if not rows:",
    ),
    code(
        "counts-events-alone",
        "EVENTS-055",
        "ShelfEventStore.read",
        """
        for chunk in in_chunks(rows):
            yield chunk
        """,
        """
        if rows:
            yield rows
        """,
    ),
    text(
        "last-event-is-never-archived",
        "EVENTS-060",
        "_DELETE",
        "AND version < :below",
        (
            "AND version < :below AND (:below = {_BEYOND} OR version < (SELECT "
            "max(version) FROM events WHERE {_STREAM}))"
        ),
    ),
    in_memory(
        "turns-of-the-first-loop",
        "EVENTS-061",
        "Events.head",
        "stream = self._streams.get((aggregate_type, aggregate_id))",
        """
        import asyncio

        async with self.__dict__.setdefault("_turns", asyncio.Semaphore(1)):
            await asyncio.sleep(0)
        stream = self._streams.get((aggregate_type, aggregate_id))
        """,
    ),
)
