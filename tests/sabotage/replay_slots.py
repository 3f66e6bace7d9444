"""Protections of the event store from many long replays at once."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_SLOTS = "tests/core/test_replay_slots.py::TestSlots::"
_SNAPSHOT = "tests/core/test_replay_slots.py::TestTheSnapshot::"
_LIMIT = "tests/core/test_replay_slots.py::TestTheLimit::"

PATCHES = [
    Patch(
        "all long replays are made at once",
        "only so many long replays are made at once",
        CodeEdit("ReplaySlots.take", "if not self._free:", "if False:"),
        f"{_SLOTS}test_two_long_replays_are_made_at_once",
    ),
    Patch(
        "a replay takes a slot when it turns out to be long only",
        "a replay that is known to be long reads nothing before its turn",
        CodeEdit(
            "TailReplay._fold_chunks",
            "if last - tail.baseline.version > self._long:",
            "if False:",
        ),
        f"{_SLOTS}test_what_is_known_to_be_long_waits_before_it_reads",
    ),
    Patch(
        "what isn't known to be long needs no slot",
        "a replay that turns out to be long waits for its turn",
        CodeEdit("TailReplay._fold_chunks", "self.is_long(tail)", "False"),
        f"{_SLOTS}test_two_long_replays_are_made_at_once",
    ),
    Patch(
        "every replay needs a slot",
        "a short replay waits for nobody",
        CodeEdit("TailReplay._fold_chunks", "self.is_long(tail)", "True"),
        f"{_SLOTS}test_a_short_one_waits_for_nobody",
    ),
    Patch(
        "loads come before commands",
        "a command's long replay comes before those of loads",
        CodeEdit(
            "ReplaySlots.release", "(self._commands, self._loads)", "(self._loads, self._commands)"
        ),
        f"{_SLOTS}test_commands_come_before_loads",
    ),
    Patch(
        "a long replay waits for ever",
        "the wait for a long replay's turn is bounded",
        CodeEdit("ReplaySlots.wait", "None if bound is None else bound.total_seconds()", "None"),
        f"{_SLOTS}test_who_waits_as_long_as_a_call_may_take_is_told",
    ),
    Patch(
        "a slot goes to who gave up",
        "who gives up waiting leaves the slot to the next",
        CodeEdit("ReplaySlots.release", "if not turn.done():", "if True:"),
        f"{_SLOTS}test_who_gives_up_waiting_leaves_the_slot_to_the_next",
    ),
    Patch(
        "a slot is lost with who gave up",
        "a slot that was given to who gives up meanwhile goes on",
        CodeEdit("ReplaySlots.wait", "self.release()", "pass"),
        f"{_SLOTS}test_who_gives_up_with_the_slot_in_hand_gives_it_back",
    ),
    Patch(
        "a replay that fails keeps its slot",
        "a replay gives its slot back, however it ends",
        CodeEdit(
            "TailReplay._fold_chunks",
            """
            if tail.has_slot:
                self._context.replay_slots.release()
            """,
            "pass",
        ),
        f"{_SLOTS}test_a_replay_that_fails_gives_its_slot_back",
    ),
    Patch(
        "many at once need no slot",
        "loads of many count among the long replays",
        CodeEdit("BatchLoader._read_tails", "replay.is_long(tail)", "False"),
        f"{_SLOTS}test_many_at_once_take_one",
    ),
    Patch(
        "a long replay is made again by the next process",
        "a long replay leaves a snapshot",
        CodeEdit(
            "WriteBack._due", "loaded.events_folded > self._context.replay_slots.long", "False"
        ),
        f"{_SNAPSHOT}test_a_load_leaves_one_for_the_next_process",
    ),
    Patch(
        "a rebuild is limited",
        "replay_limit holds for no rebuild",
        CodeEdit("Rebuilding._start", "of_stride.is_limited = False", ""),
        f"{_LIMIT}test_it_counts_from_the_snapshot",
    ),
    Patch(
        "replay_limit never holds at all times",
        "with replay_limit_holds = always the limit holds though the snapshot store is up",
        CodeEdit("TailReplay.start", "registration.is_always_limited", "False"),
        f"{_LIMIT}test_it_holds_though_the_snapshot_store_is_up",
    ),
]
