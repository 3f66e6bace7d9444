"""Protections of forgetting: nothing that was read before brings back what was forgotten."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_DERIVED = "tests/core/test_forgetting.py::TestDerived::"
_EVENTS = "tests/core/test_forgetting.py::TestEvents::"
_LOADS = "tests/core/test_forgetting_meanwhile.py::TestLoads::"
_TURNS = "tests/core/test_forgetting_meanwhile.py::TestTurns::"
_FAILURES = "tests/core/test_forgetting.py::TestFailures::"

PATCHES = [
    Patch(
        "a queued snapshot outlives its aggregate",
        "a snapshot that waits to be written is forgotten with its aggregate",
        CodeEdit("SnapshotQueue.forget", "del self._queued[key]", "pass"),
        f"{_DERIVED}test_a_snapshot_that_waits_to_be_written_is_not_written",
    ),
    Patch(
        "a snapshot is written after it was removed",
        "a write that is under way is waited for",
        CodeEdit("SnapshotQueue.forget", "await self._writing.ended(aggregate_id)", ""),
        f"{_DERIVED}test_a_snapshot_that_is_being_written_is_waited_for_and_removed",
    ),
    Patch(
        "no tombstone stands",
        "a snapshot that was taken before its aggregate was forgotten is refused",
        CodeEdit(
            "InMemoryAggregateSnapshotStorageBackend.put",
            """
            if self._is_buried(key, record):
                return
            """,
            "",
        ),
        f"{_DERIVED}test_a_snapshot_that_another_process_has_yet_to_write_is_refused",
    ),
    Patch(
        "the only copy of archived events is removed",
        "a snapshot that covers archived events goes only with the stream",
        CodeEdit("Forgetting.forget", "if not events:", "if False:"),
        f"{_DERIVED}test_an_archived_stream_keeps_its_snapshots",
        (14, 38),
    ),
    Patch(
        "what failed before is told for ever",
        "a failure is forgotten with its aggregate",
        CodeEdit("SnapshotQueue.forget", "self._failures.pop(aggregate_id, None)", ""),
        f"{_DERIVED}test_an_earlier_failure_is_forgotten",
    ),
    Patch(
        "the floor outlives the stream",
        "a shorter stream under the id is not below what was known of the old one",
        CodeEdit("Forgetting._delete_events", "heads.forget(aggregate_id)", ""),
        f"{_EVENTS}test_a_shorter_stream_of_another_process_is_read",
    ),
    Patch(
        "what comes while it is forgotten stays",
        "what another process derived from the events meanwhile goes too",
        CodeEdit(
            "Forgetting._steps",
            '[*derived, ("deleting its events", self._delete_events), *again]',
            '[*derived, ("deleting its events", self._delete_events)]',
        ),
        f"{_EVENTS}test_what_another_process_derives_before_the_events_go_is_removed",
    ),
    Patch(
        "a load from before keeps its state",
        "what was read before is kept nowhere after",
        CodeEdit(
            "Forgetting.forget",
            "with self._context.heads.forgets.forgetting(aggregate_id):",
            "if True:",
        ),
        f"{_LOADS}test_a_load_that_has_read_the_stream_keeps_nothing",
    ),
    Patch(
        "many from before keep their states",
        "what was read before is kept nowhere after",
        CodeEdit(
            "Loader.keep",
            """
            if not self._context.heads.forgets.since(aggregate_id, loaded.trace.forget_count):
            """,
            "if True:",
        ),
        f"{_LOADS}test_many_that_were_read_before_are_kept_nowhere",
    ),
    Patch(
        "a stream that begins is taken for an archived one",
        "a stream that begins while it is forgotten stays",
        CodeEdit(
            "Forgetting._check_stands_alone",
            "if head is None or await self._has_first_event(aggregate_id):",
            "if head is None:",
        ),
        f"{_DERIVED}test_a_stream_that_begins_meanwhile_is_not_taken_for_an_archived_one",
    ),
    Patch(
        "a put that is under way comes after the removal",
        "what is being kept is waited for",
        CodeEdit("WriteBack.forget", "await self.in_flight.ended(aggregate_id)", ""),
        f"{_LOADS}test_a_load_that_is_being_kept_is_waited_for",
    ),
    Patch(
        "loads from before are joined after",
        "a load that began before it was forgotten is joined by nobody after",
        CodeEdit("Forgetting.forget", "self._loader.flights.detach(aggregate_id)", "pass"),
        f"{_LOADS}test_a_load_from_before_is_not_joined",
        (35,),
    ),
    Patch(
        "a hit from before is a floor after",
        "what was known of a forgotten stream is not known again",
        CodeEdit(
            "KnownHeads.raise_to",
            "if not is_quiet and forgets.deleted_since(aggregate_id, since):",
            "if False:",
        ),
        f"{_LOADS}test_a_hit_from_before_is_no_floor_after",
    ),
    Patch(
        "what was read while records were forgotten is no floor",
        "a forget without the events takes nothing from what is known of them",
        CodeEdit(
            "KnownHeads.raise_to",
            "forgets.deleted_since(aggregate_id, since)",
            "forgets.since(aggregate_id, since)",
        ),
        f"{_LOADS}test_what_was_read_while_records_were_forgotten_is_a_floor_after",
    ),
    Patch(
        "what was read before the events went is no floor",
        "until the events are deleted, what is read of them counts",
        CodeEdit(
            "ForgetLog.deleted_since",
            "aggregate_id in self._deleting",
            "aggregate_id in self.under_way",
        ),
        f"{_LOADS}test_what_was_read_before_the_events_go_is_a_floor_if_they_stay",
    ),
    Patch(
        "of an id forgotten long ago nothing is known",
        "an id whose forgetting isn't remembered counts as forgotten",
        CodeEdit("_Latest.of", "self._others", "0"),
        "tests/core/test_floor.py::test_of_a_forget_too_long_ago_it_is_assumed_that_it_was_then",
    ),
    Patch(
        "it forgets in the middle of a command",
        "forgetting takes its turn among the commands of the id",
        CodeEdit("Forgetting.forget", "async with self._commands.turn(aggregate_id):", "if True:"),
        f"{_TURNS}test_commands_before_it_end_first_and_those_after_it_see_what_is_left",
    ),
    Patch(
        "handlers forget",
        "a forget from within a handler is refused",
        CodeEdit(
            "Application.forget",
            'refuse_reentry(f"a forget of {services.context.registration.name}")',
            "",
        ),
        f"{_TURNS}test_a_handler_does_not_forget",
        (36,),
    ),
    Patch(
        "events go first",
        "as long as the events stand, a failure leaves a true state",
        CodeEdit(
            "Forgetting._steps",
            '[*derived, ("deleting its events", self._delete_events), *again]',
            '[("deleting its events", self._delete_events), *derived, *again]',
        ),
        f"{_FAILURES}test_where_the_derived_cannot_be_removed_the_events_stand",
    ),
    Patch(
        "a refusal comes half-way",
        "where the snapshot store can't forget, nothing is removed",
        CodeEdit(
            "Forgetting._steps",
            """
            [
                ("removing its snapshots", self._snapshots.forget),
                ("removing its cache entry", self._cache.forget),
            ]
            """,
            """
            [
                ("removing its cache entry", self._cache.forget),
                ("removing its snapshots", self._snapshots.forget),
            ]
            """,
        ),
        f"{_FAILURES}test_a_plain_snapshot_backend_cannot_forget",
    ),
]
