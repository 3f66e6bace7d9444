"""Protections of ids: a driver's own UUID class ends nothing, and text has UUIDs."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_ids.py::"
_LOADED = f"{_TESTS}test_what_is_loaded_and_kept_has_plain_ids"
_HANDLED = f"{_TESTS}test_a_command_keeps_and_finds_what_a_plain_id_would"
_MADE_PLAIN = 'aggregate_id = plain_id(aggregate_id, "aggregate_id")'

PATCHES = [
    Patch(
        "a driver's UUID stays what it is",
        "every id is a plain UUID",
        CodeEdit("plain_id", "return UUID(int=value.int)", "return value"),
        f"{_LOADED}[load]",
    ),
    Patch(
        "a load is of the id as it was given",
        "a load's id is made plain",
        CodeEdit("Application.load", _MADE_PLAIN, ""),
        f"{_LOADED}[load]",
    ),
    Patch(
        "a batch is read by ids as they were given",
        "the ids of a batch are made plain",
        CodeEdit("BatchLoader.load", 'plain_id(i, "an id")', "i"),
        f"{_LOADED}[load_many]",
    ),
    Patch(
        "snapshots are rebuilt of ids as they were given",
        "the ids of a rebuild are made plain",
        CodeEdit("Rebuilding.rebuild", 'plain_id(given, "one of the ids")', "given"),
        f"{_LOADED}[rebuild_snapshots]",
    ),
    *(
        Patch(
            f"{call} takes the id as it was given",
            f"the id of {call} is made plain",
            CodeEdit(f"Application.{call}", _MADE_PLAIN, ""),
            _HANDLED,
        )
        for call in ("exists", "events", "forget")
    ),
    Patch(
        "a copied command keeps the ids it was given",
        "a command is handled by plain ids, also one that wasn't validated",
        CodeEdit("Application.dispatch", "plain_command(command)", "command"),
        f"{_TESTS}test_a_handler_sees_plain_ids[copied]",
    ),
    Patch(
        "fields keep the class of a driver's UUID",
        "a command and an aggregate have plain ids from the start",
        CodeEdit(
            "_made_plain",
            'return value if type(value) is UUID else plain_id(value, "id")',
            "return value",
        ),
        f"{_TESTS}test_a_command_has_plain_ids",
    ),
    Patch(
        "a record keeps the ids that a store gave it",
        "a record of a store has plain ids",
        CodeEdit(
            "AggregateRecord.__new__",
            "if not type(aggregate_id) is type(last_event_id) is UUID:",
            "if False:",
        ),
        f"{_TESTS}test_a_record_of_a_store_has_plain_ids",
    ),
    Patch(
        "the parts of an id are joined by a colon",
        "other parts have another UUID",
        CodeEdit("_netstring", 'return f"{len(part.encode())}:{part},"', 'return f":{part}"'),
        f"{_TESTS}test_other_parts_have_another_uuid[one0-other0]",
    ),
]
