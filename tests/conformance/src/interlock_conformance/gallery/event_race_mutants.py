"""Broken event stores: callers beside each other, what survives, what a call costs."""

from textwrap import indent

from interlock_conformance.gallery.driver_edits import IN_MEMORY_UNTIL_CLOSED
from interlock_conformance.gallery.event_mutants import LOOP, REFUSE, STORE
from interlock_conformance.gallery.mutants import Mutant, in_memory

_LOOK = "        found = await self.head(*name)\n"
_POPPED = "        stream = self._streams.pop((aggregate_type, aggregate_id), [])\n"
_INSERT = """\
        if self._shelf.change(_APPEND, values) == 0:
            raise ConcurrencyError(f"{event.aggregate_id}: the head isn't {after}")
"""
_TWO_STEPS = """\
        import time

        head = self._shelf.fetch(_HEAD, values)
        if (head[0] if head else (None, None)) != (values["after_version"], values["after_id"]):
            raise ConcurrencyError(f"{event.aggregate_id}: the head isn't {after}")
        time.sleep(0.03)
        unguarded = _APPEND.partition("WHERE")[0].replace("INSERT", "INSERT OR REPLACE")
        self._shelf.change(unguarded, values)
"""
_METHOD = f"""\
    def _append(self, event: StoredEvent, after: tuple[int, UUID] | None) -> None:
        values = {{
            **self._stream(event.aggregate_type, event.aggregate_id),
            **event.row()._asdict(),
            "after_version": None if after is None else after[0],
            "after_id": None if after is None else after[1].bytes,
        }}
{_INSERT}"""
_LOCKED_METHOD = (
    '    _lock = __import__("threading").Lock()\n\n'
    + _METHOD.removesuffix(_INSERT)
    + "        with self._lock:\n"
    + indent(_TWO_STEPS, "    ")
)
_PAGES = """\
        while True:
            found = self._shelf.fetch(_READ, {**values, "first": first})
            rows = cast("list[EventRow]", found)  # tuples in the order of its fields
            if rows:
                yield rows
            if len(rows) < _CHUNK:
                return
            first = rows[-1][0] + 1
"""
_PAGES_OF_ANYBODY = """\
        self._next = first
        while True:
            found = self._shelf.fetch(_READ, {**values, "first": self._next})
            rows = cast("list[EventRow]", found)  # tuples in the order of its fields
            if rows:
                self._next = rows[-1][0] + 1
                yield rows
            if len(rows) < _CHUNK:
                return
"""

EVENT_RACE_MUTANTS = (
    in_memory(
        "one-append-at-a-time",
        "EVENTS-037",
        f"{REFUSE}{STORE}",
        REFUSE.replace("after:", 'after or vars(self).get("_busy"):')
        + "        import asyncio\n\n        self._busy = True\n        await asyncio.sleep(0)\n"
        f"        self._busy = False\n{STORE}",
    ),
    Mutant(
        "no-transaction",
        "EVENTS-038",
        "        with self._shelf.transaction():\n            for event in events:\n",
        "        if events:\n            for event in events:\n",
    ),
    in_memory(
        "deletes-what-it-has-seen",
        "EVENTS-039",
        _POPPED,
        "        seen = await self.head(aggregate_type, aggregate_id)\n"
        '        await __import__("asyncio").sleep(0)\n'
        "        below = seen[0] + 1 if below is None and seen else below\n" + _POPPED,
    ),
    in_memory(
        "looks-waits-decides",
        "EVENTS-040",
        _LOOK,
        f"{_LOOK}        import asyncio\n\n        await asyncio.sleep(0)\n",
    ),
    in_memory(
        "beginners-race",
        "EVENTS-041",
        _LOOK,
        f"{_LOOK}        if after is None:\n            import asyncio\n\n"
        "            await asyncio.sleep(0)\n",
    ),
    Mutant(
        "a-file-for-each-instance",
        "EVENTS-042",
        "self._shelf = Shelf(config.url, _SCHEMA)",
        'self._shelf = Shelf(f"{config.url}-{id(self)}", _SCHEMA)',
    ),
    Mutant("checks-and-writes-in-two-steps", "EVENTS-043", _INSERT, _TWO_STEPS),
    Mutant("lock-in-memory", "EVENTS-044", _METHOD, _LOCKED_METHOD),
    in_memory(
        "two-halves",
        "EVENTS-045",
        STORE,
        f"{LOOP}        half = len(events) // 2\n"
        "        stream.extend(event.row() for event in events[:half])\n"
        "        await asyncio.sleep(0)\n"
        "        stream.extend(event.row() for event in events[half:])\n",
    ),
    Mutant(
        "transaction-around-a-chunk",
        "EVENTS-046",
        "                yield rows\n",
        "                with self._shelf.transaction():\n                    yield rows\n",
    ),
    Mutant(
        "place-of-a-read-in-the-store",
        "EVENTS-047",
        _PAGES,
        _PAGES_OF_ANYBODY,
    ),
    in_memory(
        "counted-from-the-end",
        "EVENTS-048",
        "yield stream[place : min(place + _CHUNK, stop)]",
        "new = len(stream) - stop if last is None else 0\n"
        "            yield stream[new + place : new + min(place + _CHUNK, stop)]",
    ),
    Mutant("durable-in-memory", "EVENTS-049", "self._path = parts.path", 'self._path = ":memory:"'),
    Mutant("written-when-closed", "EVENTS-050", *IN_MEMORY_UNTIL_CLOSED),
    Mutant(
        "closed-is-a-type-error",
        "EVENTS-051",
        'raise BackendUnavailableError("the shelf is closed")',
        "raise AttributeError(\"'NoneType' object has no attribute 'execute'\")",
    ),
    Mutant(
        "copies-by-pickle",
        "EVENTS-052",
        'rows = cast("list[EventRow]", found)',
        "import pickle\n\n            copied = pickle.loads(pickle.dumps(found))\n"
        '            rows = cast("list[EventRow]", copied)',
    ),
    Mutant(
        "transaction-around-one-statement",
        "EVENTS-053",
        "if len(events) == 1:",
        "if not events:",
    ),
    Mutant("asks-until-nothing-comes", "EVENTS-054", "if len(rows) < _CHUNK:", "if not rows:"),
    Mutant(
        "last-event-is-never-archived",
        "EVENTS-060",
        "AND version < :below",
        "AND version < :below AND (:below = {_BEYOND} OR version < (SELECT max(version) "
        "FROM events WHERE {_STREAM}))",
    ),
)
