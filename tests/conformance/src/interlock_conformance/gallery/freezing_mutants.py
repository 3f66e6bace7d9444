"""Broken event stores: frozen, they still take what somebody writes."""

from interlock_conformance.gallery.driver_edits import PAUSE
from interlock_conformance.gallery.mutants import Mutant, code, text
from interlock_conformance.mutation import CodeEdit, Edits, TextEdit

_UNGUARDED = TextEdit("_APPEND", "{_APPEND} AND {_THAWED}", "{_APPEND}")

FREEZING_MUTANTS = (
    Mutant("appends-while-frozen", "EVENTS-101", _UNGUARDED),
    code(
        "deletes-while-frozen",
        "EVENTS-101",
        "ShelfEventStore.delete",
        "self._check_thawed()",
        "",
    ),
    code(
        "a-conflict-while-frozen",
        "EVENTS-101",
        "ShelfEventStore._append",
        "self._check_thawed()",
        "",
    ),
    text(
        "frozen-a-second-time",
        "EVENTS-102",
        "_FREEZE",
        "INSERT OR IGNORE",
        "INSERT OR REPLACE",
    ),
    text("never-thaws", "EVENTS-102", "_THAW", "namespace = :namespace", "namespace <> :namespace"),
    code(
        "frozen-in-local-time",
        "EVENTS-102",
        "ShelfEventStore.frozen_since",
        "from_micros(rows[0][0])",
        "from_micros(rows[0][0]).replace(tzinfo=None)",
    ),
    text(
        "freezes-all-namespaces",
        "EVENTS-103",
        "_THAWED",
        "namespace = :namespace",
        ":namespace IS NOT NULL",
    ),
    text(
        "freezes-namespaces-that-match",
        "EVENTS-103",
        "_THAWED",
        "namespace = :namespace",
        ":namespace LIKE namespace || '%'",
    ),
    Mutant(
        "frozen-in-this-process",
        "EVENTS-104",
        Edits(
            (
                _UNGUARDED,
                CodeEdit(
                    "ShelfEventStore.freeze",
                    'self._shelf.change(_FREEZE, {"namespace": self._namespace, "now": now})',
                    "self._now = now",
                ),
                CodeEdit(
                    "ShelfEventStore._append",
                    "if self._shelf.change(_APPEND, values) == 0:",
                    """
                    if hasattr(self, "_now"):
                        raise frozen(self._namespace, from_micros(self._now))
                    if self._shelf.change(_APPEND, values) == 0:
                    """,
                ),
            )
        ),
    ),
    Mutant(
        "looks-before-it-appends",
        "EVENTS-104",
        Edits(
            (
                _UNGUARDED,
                CodeEdit(
                    "ShelfEventStore._append",
                    "if self._shelf.change(_APPEND, values) == 0:",
                    f"""
                    self._check_thawed()
                    {PAUSE}
                    if self._shelf.change(_APPEND, values) == 0:
                    """,
                ),
            )
        ),
    ),
)
