"""Protections of the snapshots that wait to be written."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_WRITER = "tests/core/test_writer.py::"

PATCHES = [
    Patch(
        "commands wait for their snapshots",
        "a snapshot doesn't hold up the command that made it due",
        CodeEdit("SnapshotQueue.write", "if self._store.is_local:", "if True:"),
        f"{_WRITER}test_a_command_does_not_wait_for_its_snapshot",
        rows=(6,),
    ),
    Patch(
        "closing forgets queued snapshots",
        "what is queued is written before the backends close",
        CodeEdit("Loader.drain", "await self._write_back.drain()", ""),
        f"{_WRITER}test_closing_writes_what_is_queued",
    ),
    Patch(
        "the last queued snapshot is written",
        "of two snapshots that wait for one id the newest is written",
        CodeEdit("SnapshotQueue.write", "record = waiting[0]", "pass"),
        f"{_WRITER}test_of_two_that_wait_for_one_id_the_newest_is_written",
        rows=(4,),
    ),
    Patch(
        "a false snapshot that waits wins",
        "what is proven false gives way, newer or not",
        CodeEdit(
            "SnapshotQueue.write",
            "if waiting[0].version > record.version and waiting[0].stamp not in superseded:",
            "if waiting[0].version > record.version:",
        ),
        f"{_WRITER}test_a_newer_one_that_was_proven_false_gives_way",
        rows=(37,),
    ),
    Patch(
        "the queue of snapshots grows for ever",
        "the queue of snapshots is bounded",
        CodeEdit(
            "SnapshotQueue.write",
            "if waiting is None and len(self._queued) >= self._size:",
            "if False:",
        ),
        f"{_WRITER}test_a_full_queue_takes_no_other_id",
    ),
    Patch(
        "failing snapshots are silent",
        "load reports say that an id's snapshot could not be written",
        CodeEdit("SnapshotQueue._put", "self._failures[key.aggregate_id] = str(error)", ""),
        f"{_WRITER}test_a_failed_write_is_counted_and_said_in_load_reports",
        rows=(29,),
    ),
    Patch(
        "only the last put's word on what is false counts",
        "what waits for one id supersedes what each of its snapshots superseded",
        CodeEdit("SnapshotQueue.write", "superseded |= waiting[1]", ""),
        f"{_WRITER}test_what_each_supersedes_is_superseded",
        rows=(37,),
    ),
    Patch(
        "the close leaves the writer at work",
        "who stops waiting for queued snapshots gives them up",
        CodeEdit("SnapshotQueue.give_up", "self._task.cancel()", ""),
        f"{_WRITER}test_closing_gives_up_what_takes_too_long",
    ),
    Patch(
        "what a close loses is silent",
        "snapshots that a close has no time to write are counted and named",
        CodeEdit("SnapshotQueue.give_up", 'self._reporting.count("snapshot.lost")', "pass"),
        f"{_WRITER}test_closing_counts_and_names_what_is_lost",
        rows=(29,),
    ),
    Patch(
        "a queued snapshot counts as written",
        "a snapshot that failed doesn't move the anchor of the next",
        CodeEdit("SnapshotHistory.write", "is_written and self.are_written_at_once", "is_written"),
        f"{_WRITER}TestAnchor::test_a_failed_snapshot_does_not_move_it",
        rows=(23,),
    ),
    Patch(
        "a failed snapshot keeps its anchor",
        "a snapshot that failed is due again",
        CodeEdit("SnapshotQueue._work", "self._anchors.pop(key.aggregate_id, None)", "pass"),
        f"{_WRITER}TestAnchor::test_a_failed_snapshot_does_not_move_it",
        rows=(23,),
    ),
    Patch(
        "what is queued is due again",
        "a snapshot that is still to be written makes no other due",
        CodeEdit("SnapshotHistory.anchor", "return anchor_at", "return known"),
        f"{_WRITER}TestAnchor::test_one_that_is_queued_makes_no_other_due",
    ),
]
