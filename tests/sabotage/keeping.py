"""Protections of what loads and commits leave in the snapshot store and the cache."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_SNAPSHOTS = "tests/core/test_keeping.py::TestSnapshots::"
_FAILURES = "tests/core/test_keeping_failures.py::TestFailures::"
_DECLINED = "tests/core/test_keeping_failures.py::TestDeclined::"
_SUPERSEDES = "tests/core/test_keeping.py::TestSupersedes::"

PATCHES = [
    Patch(
        "a commit counts from its last event but one",
        "a commit's step is counted from the version that it was built on",
        CodeEdit(
            "CommandHandler._commit",
            "version_before=version_before",
            "version_before=loaded.version - 1",
        ),
        f"{_SNAPSHOTS}test_a_commit_that_steps_over_a_multiple_is_snapshotted",
        (1,),
    ),
    Patch(
        "a commit forgets what its load folded",
        "a failed or missing snapshot is made good by the next commit",
        CodeEdit("CommandHandler._fold", "loaded.is_current = True", "loaded.events_folded = 0"),
        f"{_SNAPSHOTS}test_a_failed_snapshot_is_made_good_by_the_next_commit",
        (1,),
    ),
    Patch(
        "a snapshot is stamped with the commit's first version",
        "a snapshot's version is its state's own",
        CodeEdit(
            "StateRecords.snapshot",
            "return record._replace(epoch=epoch, anchor_at=record.last_event_at)",
            "return record._replace(epoch=epoch, anchor_at=record.last_event_at, version=1)",
        ),
        "tests/core/test_saving_stored.py::TestStoredBytes::"
        "test_all_events_of_a_commit_are_in_the_kept_state",
        (2,),
    ),
    Patch(
        "a snapshot is encoded when it is written",
        "a snapshot is encoded at once, however late it is written",
        CodeEdit(
            "SnapshotHistory.write",
            "record = self._records.snapshot(loaded, now)",
            """
            import asyncio

            async def settle() -> None:
                for _ in range(9):
                    await asyncio.sleep(0)
                record = self._records.snapshot(loaded, now)
                await self._queue.write(record.key, record, supersedes)

            asyncio.ensure_future(settle())
            return
            record = None
            """,
        ),
        f"{_SNAPSHOTS}test_a_snapshot_is_of_the_state_that_was_read_whatever_its_reader_does_to_it",
        (3,),
    ),
    Patch(
        "snapshots don't move the anchor",
        "time-based snapshots count from the newest snapshot",
        CodeEdit(
            "StateRecords.snapshot",
            "anchor_at=record.last_event_at",
            "anchor_at=record.anchor_at",
        ),
        f"{_SNAPSHOTS}test_time_is_counted_alike_without_a_cache",
        (23,),
    ),
    Patch(
        "the cache doesn't hear of the anchor",
        "time-based snapshots count from the newest snapshot, whatever the baseline",
        CodeEdit(
            "SnapshotHistory.write",
            "loaded.record, loaded.anchor_at = record, record.anchor_at",
            "pass",
        ),
        f"{_SNAPSHOTS}test_time_is_counted_from_the_first_event_then_from_the_newest_snapshot",
        (23,),
    ),
    Patch(
        "a strategy's exception fails the command",
        "nothing after the commit can fail the command",
        CodeEdit(
            "WriteBack._decides",
            "self._context.reporting.failed(counter, error, moment.state.id)",
            "raise",
        ),
        f"{_FAILURES}test_a_strategy_that_raises_fails_neither_command_nor_load[snapshot]",
        (6,),
    ),
    Patch(
        "a failed put fails the command",
        "nothing after the commit can fail the command",
        CodeEdit(
            "AggregateCache.put",
            'self._failed("cache.failed", error, aggregate_id)',
            "raise",
        ),
        f"{_FAILURES}test_a_store_that_fails_after_the_commit_does_not_fail_the_command[amounts0-"
        "cache]",
        (6,),
    ),
    Patch(
        "a snapshot taken on a read fails it",
        "a snapshot that fails on a read is counted, and the read succeeds",
        CodeEdit(
            "WriteBack._decides",
            "self._context.reporting.failed(counter, error, moment.state.id)",
            """
            self._context.reporting.failed(counter, error, moment.state.id)
            if not moment.is_commit:
                raise
            """,
        ),
        f"{_FAILURES}test_a_strategy_that_raises_fails_neither_command_nor_load[snapshot]",
        (7,),
    ),
    Patch(
        "a failed put leaves the old entry",
        "where the put of one's own write failed, the entry is removed",
        CodeEdit(
            "AggregateCache.put",
            """
            self._failed("cache.failed", error, aggregate_id)
            await self.drop(aggregate_id)
            """,
            'self._failed("cache.failed", error, aggregate_id)',
        ),
        f"{_FAILURES}test_a_put_that_fails_removes_the_entry",
        (11,),
    ),
    Patch(
        "a failed removal fails the command",
        "nothing after the commit can fail the command",
        CodeEdit(
            "AggregateCache.drop",
            'self._failed("cache.remove_failed", error, aggregate_id)',
            "raise",
        ),
        f"{_FAILURES}test_a_cache_fill_does_not_fail_a_read",
        (6,),
    ),
    Patch(
        "declined states leave the old entry",
        "where the strategy declines, the entry is removed",
        CodeEdit("WriteBack._due", "is_commit or loaded.trace.saw_cache_entry", "False"),
        f"{_DECLINED}test_declining_after_a_commit_removes_the_entry",
        (40,),
    ),
    Patch(
        "a load that declines leaves the old entry",
        "where the strategy declines after a load, the entry is removed",
        CodeEdit("WriteBack._due", "is_commit or loaded.trace.saw_cache_entry", "is_commit"),
        f"{_DECLINED}test_declining_after_a_load_removes_the_entry_that_it_saw",
        (40,),
    ),
    Patch(
        "a commit supersedes nothing",
        "our append proves false what stood at or above it",
        CodeEdit(
            "CommandHandler._commit",
            """
            _superseded(loaded)
            """,
            "[*loaded.trace.refuted]",
        ),
        f"{_SUPERSEDES}test_a_commit_replaces_the_snapshots_of_what_was_rolled_back",
        (37,),
    ),
    Patch(
        "a load supersedes nothing",
        "a snapshot of another branch is removed by the load that saw it and snapshots itself",
        CodeEdit("WriteBack.after_load", "loaded.trace.refuted", "()"),
        f"{_SUPERSEDES}test_what_a_load_refutes_is_not_counted_among_the_newest",
        (37,),
    ),
    Patch(
        "what is merely ahead counts as false",
        "that no event stands at a snapshot's version proves nothing to a load",
        CodeEdit(
            "WriteBack.after_load",
            "loaded.trace.refuted",
            "[*loaded.trace.refuted, *loaded.trace.unproven]",
        ),
        f"{_SUPERSEDES}test_a_load_leaves_a_snapshot_that_is_merely_ahead",
        (38,),
    ),
    Patch(
        "a commit counts as verified from its end",
        "a commit's state was known to be the head before the append, not after",
        CodeEdit(
            "CommandHandler._fold",
            "loaded.last_event_at = loaded.verified_at = last.recorded_at",
            """
            loaded.last_event_at = last.recorded_at
            loaded.verified_at = self._context.clock()
            """,
        ),
        "tests/core/test_keeping.py::TestVerifiedAt::test_a_commit_counts_from_before_its_append",
    ),
    Patch(
        "what encoding loses is kept",
        "each record is compared with the state that it is of",
        CodeEdit(
            "AggregateMapper.verified", "raise self._not_kept(state, str(details))", "details = b''"
        ),
        "tests/core/test_kept_states.py::test_what_would_be_lost_is_named_counted_and_not_kept",
        (19,),
    ),
]
