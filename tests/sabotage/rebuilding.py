"""Protections of the rebuilding of snapshots."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_rebuilding.py::"

PATCHES = [
    Patch(
        "a rebuild stores its end only",
        "a rebuild stores intermediate snapshots",
        CodeEdit("_stride", "min(baseline.version + every, head)", "head"),
        f"{_TESTS}test_a_snapshot_is_stored_every_so_many_events_and_at_the_end",
        (28,),
    ),
    Patch(
        "a rebuild begins at the beginning",
        "a rebuild that was interrupted goes on where it was",
        CodeEdit("Rebuilding._start", "return loaded", "break"),
        f"{_TESTS}test_an_interrupted_rebuild_goes_on_where_it_was",
        (28,),
    ),
    Patch(
        "a rebuild stores what was forgotten",
        "what was forgotten while it was rebuilt isn't stored",
        CodeEdit(
            "Rebuilding._rebuild",
            "if forgets.since(aggregate_id, forget_count):",
            "if False:",
        ),
        f"{_TESTS}test_what_is_forgotten_meanwhile_is_not_stored_again",
    ),
    Patch(
        "a forget doesn't see a rebuild's put",
        "a forget waits for the snapshot that a rebuild is storing",
        CodeEdit(
            "Rebuilding._rebuild", "with self._write_back.in_flight.of(aggregate_id):", "if True:"
        ),
        f"{_TESTS}test_a_forget_waits_for_the_snapshot_that_is_being_stored",
    ),
    Patch(
        "a rebuild replays while the snapshot store is down",
        "a rebuild reads no stream whose snapshots it can't read",
        CodeEdit("Rebuilding._start", "if trace.snapshots_down:", "if False:"),
        f"{_TESTS}test_nothing_is_replayed_while_the_snapshots_cannot_be_read",
        (15,),
    ),
    Patch(
        "a rebuild leaves what it refuted",
        "a snapshot of another branch gives way to the rebuilt one",
        CodeEdit("SnapshotHistory.store", "loaded.trace.refuted", "()"),
        f"{_TESTS}test_a_snapshot_of_another_branch_is_passed_over_and_replaced",
        (37,),
    ),
    Patch(
        "a deleted stream ends the rebuild",
        "a stream that is deleted while it is rebuilt is passed by",
        CodeEdit(
            "Rebuilding.rebuild",
            "if await self._context.stream.head(aggregate_id) is not None:",
            "if True:",
        ),
        f"{_TESTS}test_a_stream_that_is_deleted_meanwhile_is_passed_by",
    ),
    Patch(
        "a rebuild never sees what is ahead",
        "a snapshot ahead of a stream that was rolled back gives way to the rebuilt one",
        CodeEdit(
            "Rebuilding._start",
            "LoadRequest(None, FastForward())",
            "LoadRequest(head, FastForward())",
        ),
        f"{_TESTS}test_a_snapshot_ahead_of_a_stream_that_was_rolled_back_gives_way",
    ),
    Patch(
        "a rebuild removes what is appended meanwhile",
        "a snapshot whose event another process appended meanwhile stays",
        CodeEdit(
            "Rebuilding._start",
            "_stride(snapshot, head, every) if snapshot.version <= head else request",
            "_stride(snapshot, head, every)",
        ),
        f"{_TESTS}test_a_snapshot_that_another_process_takes_meanwhile_stays",
    ),
]
