"""Protections of commands: decisions, conflicts, queues, cancellation."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_SAVING_CANCELLED = "tests/core/test_saving_cancelled.py::"
_SAVING_STORED = "tests/core/test_saving_stored.py::"
_SAVING_UNFOLDABLE = "tests/core/test_saving_unfoldable.py::"
_SAVING = "tests/core/test_saving.py::"
_TURNS = "tests/core/test_turns.py::"

PATCHES = [
    Patch(
        "a cached state decides alone",
        "an outcome without events on a cached state is verified",
        CodeEdit("CommandHandler._decide", "if await self._is_head(loaded):", "if True:"),
        f"{_SAVING}TestDecisions::test_a_refusal_on_a_stale_state_is_decided_again",
        (30,),
    ),
    Patch(
        "later events don't refute a decision",
        "the read that verifies gives the baseline's own event and nothing after it",
        CodeEdit(
            "EventStream.is_head",
            "ids == {version: event_id.bytes}",
            "ids.get(version) == event_id.bytes",
        ),
        f"{_SAVING}TestDecisions::test_an_answer_from_a_stale_state_is_given_again",
        (30,),
    ),
    Patch(
        "the decision is verified by version",
        "the read that verifies compares the event's id",
        CodeEdit("EventStream.is_head", "ids == {version: event_id.bytes}", "len(ids) == 1"),
        f"{_SAVING}TestDecisions::test_a_state_of_another_branch_does_not_decide",
        (30,),
    ),
    Patch(
        "an outcome that can't be verified leaves",
        "if the read that verifies fails, the outcome stays",
        CodeEdit(
            "EventStream.is_head",
            "ids = await self.ids(aggregate_id, version, version + 1)",
            """
            try:
                ids = await self.ids(aggregate_id, version, version + 1)
            except Exception:
                return True
            """,
        ),
        f"{_SAVING}TestDecisions::test_an_outcome_that_cannot_be_verified_never_leaves",
        (30,),
    ),
    Patch(
        "after a conflict the cache is asked again",
        "after a conflict the load goes past the cache",
        CodeEdit("CommandHandler.handle", "request = request._replace(skips_cache=True)", "pass"),
        f"{_SAVING}TestConflicts::test_a_cache_that_keeps_its_stale_entry_is_loaded_past",
        (9,),
    ),
    Patch(
        "after a conflict the entry stays",
        "a conflict drops the cache entry",
        CodeEdit(
            "CommandHandler.handle",
            "await self._cache.drop(aggregate_id, entry.stamp)",
            "pass",
        ),
        f"{_SAVING}TestConflicts::test_a_conflict_removes_the_cache_entry",
        (9,),
    ),
    Patch(
        "a conflict drops whatever is cached",
        "a conflict drops the entry that it started from, not a newer one",
        CodeEdit(
            "CommandHandler.handle",
            "await self._cache.drop(aggregate_id, entry.stamp)",
            "await self._cache.drop(aggregate_id)",
        ),
        f"{_SAVING}TestConflicts"
        "::test_a_conflict_leaves_an_entry_that_is_newer_than_what_it_started_from",
    ),
    Patch(
        "a command is tried for ever",
        "the attempts of a command are bounded",
        CodeEdit("CommandHandler.handle", "for _ in range(attempts):", "for _ in range(999):"),
        f"{_SAVING}TestConflicts::test_attempts_are_bounded",
    ),
    Patch(
        "once is run again",
        "a handler marked once is run once",
        CodeEdit(
            "CommandHandler.handle",
            "1 if handler.is_once else context.max_attempts",
            "context.max_attempts",
        ),
        f"{_SAVING}TestConflicts::test_a_handler_marked_once_is_not_run_again",
    ),
    Patch(
        "once is run on a cached state",
        "a handler marked once sees the head",
        CodeEdit(
            "CommandHandler.__init__",
            "fresh = freshness if isinstance(freshness, Replay) else FastForward()",
            "fresh = freshness",
        ),
        f"{_SAVING}TestConflicts::test_a_handler_marked_once_sees_the_head",
    ),
    Patch(
        "once believes a cache where nothing else does",
        "a handler marked once keeps the registered Replay",
        CodeEdit(
            "CommandHandler.__init__",
            "fresh = freshness if isinstance(freshness, Replay) else FastForward()",
            "fresh = FastForward()",
        ),
        f"{_SAVING}TestConflicts::test_a_handler_marked_once_keeps_replay",
    ),
    Patch(
        "events of a failed handler are appended",
        "a command that raises leaves nothing behind",
        CodeEdit(
            "CommandHandler._decide",
            "if pending and failure is None:",
            "if pending:",
        ),
        f"{_SAVING}test_a_handlers_exception_leaves_dispatch_as_it_is_and_nothing_behind",
        (10,),
    ),
    Patch(
        "the state is kept before it is appended",
        "only committed state is ever kept",
        CodeEdit(
            "CommandHandler._commit",
            "noted, last = (context.heads.head(aggregate_id), events[-1])",
            """
            noted, last = (context.heads.head(aggregate_id), events[-1])
            before = loaded.advanced()
            before.state = self._records.copy(loaded)
            self._fold(before, events)
            await self._write_back.after_commit(
                before,
                version_before=loaded.version,
                event_names=tuple((event.type for event in events)),
                supersedes=(),
                now=context.clock(),
                answered=None,
            )
            """,
        ),
        f"{_SAVING}test_what_was_not_appended_is_kept_nowhere",
        (3, 10),
    ),
    Patch(
        "handlers work on the state that is kept",
        "a handler gets a scratch object",
        CodeEdit(
            "CommandHandler._scratch", "self._records.copy(loaded)", "loaded.state.model_copy()"
        ),
        f"{_SAVING_STORED}TestStoredBytes::test_what_a_handler_that_emits_nothing_does_is_not_kept",
        (8, 33),
    ),
    Patch(
        "the handler's object is kept",
        "what is kept after a commit is the fold of the stored bytes",
        CodeEdit(
            "CommandHandler._decide",
            "scratch = self._scratch(loaded)",
            """
            scratch, fold = self._scratch(loaded), self._fold

            def fold_and_keep(loaded, events):
                fold(loaded, events)
                loaded.state = scratch

            self._fold = fold_and_keep
            """,
        ),
        f"{_SAVING_STORED}TestStoredBytes::test_what_a_handler_does_to_its_object_is_not_kept",
        (33,),
    ),
    Patch(
        "a state that can't be folded fails the command",
        "nothing after the commit can fail the command",
        CodeEdit(
            "CommandHandler._commit",
            'context.reporting.failed("commit.fold_failed", error, aggregate_id)',
            "raise",
        ),
        f"{_SAVING_UNFOLDABLE}test_a_state_that_cannot_be_folded_after_the_commit_does_not_fail_the_command",
        (6,),
    ),
    Patch(
        "a cancelled command gives up its append",
        "an append that was handed over finishes",
        CodeEdit(
            "CommandHandler.handle",
            "to_the_end(self._commit(loaded, events))",
            "self._commit(loaded, events)",
        ),
        f"{_SAVING_CANCELLED}TestCancellation::"
        "test_a_command_cancelled_during_its_append_finishes_it[append-local]",
    ),
    Patch(
        "a cancelled command gives up its append to a server",
        "an append that was handed over finishes",
        CodeEdit("CommandHandler._commit_in_task", "to_the_end(answered)", "task"),
        f"{_SAVING_CANCELLED}TestCancellation::"
        "test_a_command_cancelled_during_its_append_finishes_it[append-remote]",
    ),
    Patch(
        "anyio keeps the loop busy while an append goes on",
        "a command that an anyio scope gave up waits for its append, and wakes nobody",
        CodeEdit("_waited", "_left_alone()", "nullcontext()"),
        f"{_SAVING_CANCELLED}TestCancellation::test_a_scope_of_anyio_does_not_cancel_it_again_and_again",
    ),
    Patch(
        "the second cancellation gives up the append",
        "an append that was handed over finishes, however often its caller is cancelled",
        CodeEdit(
            "_waited",
            "cancellation = error",
            """
            if cancellation is not None:
                raise
            cancellation = error
            """,
        ),
        f"{_SAVING_CANCELLED}TestCancellation::test_a_command_cancelled_during_its_append_finishes_it",
    ),
    Patch(
        "an append proves no rollback",
        "what our append refutes is no floor any more",
        CodeEdit(
            "CommandHandler._commit",
            "if noted is not None and noted[0] > loaded.version:",
            "if False:",
        ),
        "tests/core/test_floor.py::test_a_rollback_that_an_append_proves_clears_the_floor",
        (37,),
    ),
    Patch(
        "handlers dispatch",
        "a dispatch from within a handler is refused",
        CodeEdit("Application.dispatch", "refuse_reentry(type(command).__name__)", ""),
        f"{_TURNS}TestReentry::test_a_handler_that_dispatches_is_refused",
        (36,),
    ),
    Patch(
        "a handler holds its tasks for ever",
        "a task that outlives its handler may dispatch",
        CodeEdit("end_hold", "hold.clear()", ""),
        f"{_TURNS}TestReentry::test_a_task_that_outlives_its_handler_may_dispatch",
    ),
    Patch(
        "commands for one id run at once",
        "commands for one id take turns",
        CodeEdit("CommandQueue.take_at_once", "if aggregate_id.int in self._queues:", "if False:"),
        f"{_TURNS}test_commands_for_one_id_run_one_after_the_other_in_their_order",
    ),
    Patch(
        "the queue has no end",
        "the queue of an id is bounded",
        CodeEdit("CommandQueue.take", "if len(queue) >= self._size:", "if False:"),
        f"{_TURNS}test_the_queue_is_bounded",
    ),
]
