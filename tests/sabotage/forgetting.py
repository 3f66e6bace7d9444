"""Protections of forgetting: nothing that was read before brings back what was forgotten."""

from patch import Patch

_DERIVED = "tests/core/test_forgetting.py::TestDerived::"
_EVENTS = "tests/core/test_forgetting.py::TestEvents::"
_LOADS = "tests/core/test_forgetting.py::TestLoads::"
_TURNS = "tests/core/test_forgetting.py::TestTurns::"
_FAILURES = "tests/core/test_forgetting.py::TestFailures::"

PATCHES = [
    Patch(
        "a queued snapshot outlives its aggregate",
        "a snapshot that waits to be written is forgotten with its aggregate",
        "writer.py",
        "            del self._queued[key]\n",
        "            pass\n",
        f"{_DERIVED}test_a_snapshot_that_waits_to_be_written_is_not_written",
    ),
    Patch(
        "a snapshot is written after it was removed",
        "a write that is under way is waited for",
        "writer.py",
        "        await self._writing.ended(aggregate_id)\n",
        "",
        f"{_DERIVED}test_a_snapshot_that_is_being_written_is_waited_for_and_removed",
    ),
    Patch(
        "no tombstone stands",
        "a snapshot that was taken before its aggregate was forgotten is refused",
        "memory.py",
        "        if self._is_buried(key, record):\n            return\n",
        "",
        f"{_DERIVED}test_a_snapshot_that_another_process_has_yet_to_write_is_refused",
    ),
    Patch(
        "the only copy of archived events is removed",
        "a snapshot that covers archived events goes only with the stream",
        "forgetting.py",
        "                    if not events:\n",
        "                    if False:\n",
        f"{_DERIVED}test_an_archived_stream_keeps_its_snapshots",
        (14, 38),
    ),
    Patch(
        "what failed before is told for ever",
        "a failure is forgotten with its aggregate",
        "writer.py",
        "        await self._writing.ended(aggregate_id)\n"
        "        self._failures.pop(aggregate_id, None)\n",
        "        await self._writing.ended(aggregate_id)\n",
        f"{_DERIVED}test_an_earlier_failure_is_forgotten",
    ),
    Patch(
        "the floor outlives the stream",
        "a shorter stream under the id is not below what was known of the old one",
        "forgetting.py",
        "        self._floor.forget(aggregate_id)\n",
        "",
        f"{_EVENTS}test_a_shorter_stream_of_another_process_is_read",
    ),
    Patch(
        "what comes while it is forgotten stays",
        "what another process derived from the events meanwhile goes too",
        "forgetting.py",
        '        return [*derived, ("deleting its events", self._delete_events), *again]\n',
        '        return [*derived, ("deleting its events", self._delete_events)]\n',
        f"{_EVENTS}test_what_another_process_derives_before_the_events_go_is_removed",
    ),
    Patch(
        "a load from before keeps its state",
        "what was read before is kept nowhere after",
        "forgetting.py",
        "            with self._floor.forgets.forgetting(aggregate_id):\n",
        "            if True:\n",
        f"{_LOADS}test_a_load_that_has_read_the_stream_keeps_nothing",
    ),
    Patch(
        "many from before keep their states",
        "what was read before is kept nowhere after",
        "loading.py",
        "        if self._is_news(loaded, ask) and not self._floor.forgets.since(\n"
        "            aggregate_id, loaded.trail.moment\n"
        "        ):\n",
        "        if self._is_news(loaded, ask):\n",
        f"{_LOADS}test_many_that_were_read_before_are_kept_nowhere",
    ),
    Patch(
        "a stream that begins is taken for an archived one",
        "a stream that begins while it is forgotten stays",
        "forgetting.py",
        "if head is None or await self._begins(aggregate_id):",
        "if head is None:",
        f"{_DERIVED}test_a_stream_that_begins_meanwhile_is_not_taken_for_an_archived_one",
    ),
    Patch(
        "a put that is under way comes after the removal",
        "what is being kept is waited for",
        "forgetting.py",
        "                    await self._loader.keeping.ended(aggregate_id)\n",
        "",
        f"{_LOADS}test_a_load_that_is_being_kept_is_waited_for",
    ),
    Patch(
        "loads from before are joined after",
        "a load that began before it was forgotten is joined by nobody after",
        "forgetting.py",
        "                finally:\n                    self._loader.flights.detach(aggregate_id)\n",
        "                finally:\n                    pass\n",
        f"{_LOADS}test_a_load_from_before_is_not_joined",
        (35,),
    ),
    Patch(
        "a hit from before is a floor after",
        "what was known of a forgotten stream is not known again",
        "floor.py",
        "        if since is not None and self.forgets.since(aggregate_id, since):\n"
        "            return\n",
        "",
        f"{_LOADS}test_a_hit_from_before_is_no_floor_after",
    ),
    Patch(
        "of an id forgotten long ago nothing is known",
        "an id whose forgetting isn't remembered counts as forgotten",
        "floor.py",
        "self._latest.get(aggregate_id, self._others) > moment",
        "self._latest.get(aggregate_id, 0) > moment",
        "tests/core/test_floor.py::test_of_a_forget_too_long_ago_it_is_assumed_that_it_was_then",
    ),
    Patch(
        "it forgets in the middle of a command",
        "forgetting takes its turn among the commands of the id",
        "forgetting.py",
        "        async with self._saver.turn(aggregate_id):\n",
        "        if True:\n",
        f"{_TURNS}test_commands_before_it_end_first_and_those_after_it_see_what_is_left",
    ),
    Patch(
        "handlers forget",
        "a forget from within a handler is refused",
        "runtime.py",
        '        refuse_reentry(f"a forget of {part.registration.tables.name}")\n',
        "",
        f"{_TURNS}test_a_handler_does_not_forget",
        (36,),
    ),
    Patch(
        "events go first",
        "as long as the events stand, a failure leaves a true state",
        "forgetting.py",
        '        return [*derived, ("deleting its events", self._delete_events), *again]\n',
        '        return [("deleting its events", self._delete_events), *derived, *again]\n',
        f"{_FAILURES}test_where_the_derived_cannot_be_removed_the_events_stand",
    ),
    Patch(
        "a refusal comes half-way",
        "where the snapshot store can't forget, nothing is removed",
        "forgetting.py",
        '            ("removing its snapshots", self._remove_snapshots),\n'
        '            ("removing its cache entry", self._remove_cache_entry),\n',
        '            ("removing its cache entry", self._remove_cache_entry),\n'
        '            ("removing its snapshots", self._remove_snapshots),\n',
        f"{_FAILURES}test_a_plain_snapshot_backend_cannot_forget",
    ),
]
