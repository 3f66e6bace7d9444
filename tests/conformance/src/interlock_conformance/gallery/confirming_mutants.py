"""Broken event stores that confirm what isn't the head, or don't confirm what is."""

from interlock_conformance.gallery.mutants import Mutant, code, in_nodes, text
from interlock_conformance.mutation import CodeEdit, Edits

_ANSWER = "return bool(self._shelf.fetch(_IS_HEAD, values))"
_MAX = "AND version = (SELECT max(version) FROM events WHERE {_STREAM})"

CONFIRMING_MUTANTS = (
    text("any-event-of-the-stream-is-its-head", "EVENTS-105", "_IS_HEAD", _MAX, ""),
    text(
        "any-event-at-the-version-is-the-head",
        "EVENTS-105",
        "_IS_HEAD",
        "AND event_id = :event_id",
        "AND :event_id IS NOT NULL",
    ),
    code("confirms-nothing", "EVENTS-105", "ShelfEventStore.is_head", _ANSWER, "return False"),
    code(
        "expects-the-stream-to-be-there",
        "EVENTS-106",
        "ShelfEventStore.is_head",
        _ANSWER,
        """
        head = await self.head(aggregate_type, aggregate_id)
        return head[0] == version and head[1] == event_id
        """,
    ),
    code(
        "answers-for-whichever-type",
        "EVENTS-106",
        "ShelfEventStore.is_head",
        _ANSWER,
        """
        statement = _IS_HEAD.replace("aggregate_type = :aggregate_type", ":aggregate_type <> ''")
        return bool(self._shelf.fetch(statement, values))
        """,
    ),
    code(
        "answers-for-another-aggregate",
        "EVENTS-106",
        "ShelfEventStore.is_head",
        _ANSWER,
        """
        statement = _IS_HEAD.replace("aggregate_id = :aggregate_id", "length(:aggregate_id) = 16")
        return bool(self._shelf.fetch(statement, values))
        """,
    ),
    code(
        "what-was-confirmed-stays-confirmed",
        "EVENTS-107",
        "ShelfEventStore.is_head",
        _ANSWER,
        """
        confirmed = self.__dict__.setdefault("_confirmed", set())
        if self._shelf.fetch(_IS_HEAD, values):
            confirmed.add(event_id)
        return event_id in confirmed
        """,
    ),
    in_nodes(
        "confirms-what-its-node-has",
        "EVENTS-107",
        "Events.is_head",
        "found = await self._node.value((aggregate_type, aggregate_id))",
        """
        found = self._node._values.get((aggregate_type, aggregate_id))
        if _head(found or ()) != (version, event_id):
            found = await self._node.value((aggregate_type, aggregate_id))
        """,
    ),
    Mutant(
        "confirms-what-it-has-appended",
        "EVENTS-108",
        Edits(
            (
                CodeEdit(
                    "ShelfEventStore._append",
                    "if self._shelf.change(_APPEND, values) == 0:",
                    """
                    self.__dict__.setdefault("_last", {})[event.aggregate_id] = event.event_id
                    if self._shelf.change(_APPEND, values) == 0:
                    """,
                ),
                CodeEdit(
                    "ShelfEventStore.is_head",
                    _ANSWER,
                    """
                    if self.__dict__.get("_last", {}).get(aggregate_id) == event_id:
                        return True
                    return bool(self._shelf.fetch(_IS_HEAD, values))
                    """,
                ),
            )
        ),
    ),
    text(
        "as-many-events-as-the-version-says",
        "EVENTS-108",
        "_IS_HEAD",
        "SELECT max(version)",
        "SELECT count(*)",
    ),
)
