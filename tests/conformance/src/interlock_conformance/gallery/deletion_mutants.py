"""Broken event stores: whose events a deletion takes, and what stands in the meantime."""

from textwrap import indent

from interlock_conformance.gallery.driver_edits import PAUSE
from interlock_conformance.gallery.mutants import Mutant, code, in_memory
from interlock_conformance.mutation import CodeEdit, Edits

_DELETED = """
return self._shelf.change(
    _DELETE, {**self._stream(aggregate_type, aggregate_id), "below": bound}
)
"""
_IN_ONE = f"""
with self._shelf.transaction():
    self._check_thawed()
{indent(_DELETED.strip(), "    ")}
"""
_PAGES = """
values = {{**self._stream(aggregate_type, aggregate_id), "below": bound}}
page = _DELETE + " AND version IN (SELECT version FROM events WHERE " + _STREAM
page += " AND version < :below ORDER BY version {order} LIMIT {size})"
deleted = 0
while count := self._shelf.change(page, values):
    deleted += count
    {pause}
return deleted
"""


def _with_condition(before: str, after: str) -> str:
    return _DELETED.replace("_DELETE,", f'_DELETE.replace("{before}", "{after}"),')


DELETION_MUTANTS = (
    code(
        "deletes-by-like",
        "EVENTS-073",
        "ShelfEventStore.delete",
        _DELETED,
        _with_condition("aggregate_type =", "aggregate_type LIKE"),
    ),
    code(
        "deletes-whatever-the-case",
        "EVENTS-073",
        "ShelfEventStore.delete",
        _DELETED,
        _with_condition(":aggregate_type", ":aggregate_type COLLATE NOCASE"),
    ),
    code(
        "deletes-by-prefix",
        "EVENTS-073",
        "ShelfEventStore.delete",
        _DELETED,
        _with_condition("aggregate_type =", "substr(aggregate_type, 1, length(:aggregate_type)) ="),
    ),
    code(
        "deletes-in-namespaces-that-match",
        "EVENTS-074",
        "ShelfEventStore.delete",
        _DELETED,
        _with_condition("namespace =", "namespace GLOB replace(:namespace, '%', '*') OR 1 <>"),
    ),
    code(
        "deletes-page-by-page",
        "EVENTS-075",
        "ShelfEventStore.delete",
        _IN_ONE,
        _PAGES.format(order="ASC", size=100, pause=PAUSE),
    ),
    code(
        "deletes-from-the-end",
        "EVENTS-075",
        "ShelfEventStore.delete",
        _IN_ONE,
        _PAGES.format(order="DESC", size=100, pause=PAUSE),
    ),
    in_memory(
        "waits-between-two-events",
        "EVENTS-075",
        "Events.delete",
        "return len(stream) - len(kept)",
        """
        left = list(stream)
        while len(left) > len(kept):
            self._streams[aggregate_type, aggregate_id] = left
            await __import__("asyncio").sleep(0)
            left = left[100:] or kept
        self._streams[aggregate_type, aggregate_id] = kept
        return len(stream) - len(kept)
        """,
    ),
    Mutant(
        "pages-by-offset",
        "EVENTS-076",
        Edits(
            (
                CodeEdit(
                    "ShelfEventStore.read",
                    """
                    values = {
                        **self._stream(aggregate_type, aggregate_id),
                        "last": _BEYOND if last is None else last,
                    }
                    """,
                    """
                    values = {
                        **self._stream(aggregate_type, aggregate_id),
                        "last": _BEYOND if last is None else last,
                    }
                    given = 0
                    """,
                ),
                CodeEdit(
                    "ShelfEventStore.read",
                    "self._shelf.fetch(_READ, {**values, 'first': first})",
                    "self._shelf.fetch(f'{_READ} OFFSET {given}', {**values, 'first': first})",
                ),
                CodeEdit("ShelfEventStore.read", "first = rows[-1][0] + 1", "given += len(rows)"),
            )
        ),
    ),
    in_memory(
        "reads-where-it-stands",
        "EVENTS-076",
        "Events.read",
        """
        for chunk in in_chunks(stream[place] for place in range(start, stop)):
            yield chunk
        """,
        """
        while start < stop and (rows := stream[start : min(start + 500, stop)]):
            yield rows
            start += len(rows)
            stream = self._streams.get((aggregate_type, aggregate_id), [])
        """,
    ),
    code(
        "next-page-behind-the-count",
        "EVENTS-076",
        "ShelfEventStore.read",
        "first = rows[-1][0] + 1",
        """
        left = self._shelf.fetch(f"SELECT count(*) FROM events WHERE {_STREAM}", values)[0][0]
        first = max(left, rows[-1][0]) + 1 if left < rows[-1][0] else rows[-1][0] + 1
        if left + len(rows) < rows[-1][0] + _CHUNK:
            return
        """,
    ),
)
