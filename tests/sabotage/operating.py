"""Protections of what operators are told and do."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_"
_COPIES = f"{_TESTS}copying.py::"
_COMMANDS = f"{_TESTS}operating.py::"
_SNAPSHOTS = f"{_TESTS}operating_snapshots.py::"

PATCHES = [
    Patch(
        "a store that hangs holds up the answer of all",
        "a backend's health is told in time, whatever the others do",
        CodeEdit("_asked", "asyncio.timeout(within.total_seconds())", "asyncio.timeout(9)"),
        f"{_TESTS}health.py::test_a_store_that_hangs_holds_up_nobody_elses_answer",
    ),
    Patch(
        "an event store that is down is ready",
        "an application is ready if everything answers that is needed",
        CodeEdit("Health.is_ready", "each.problem is not None", "each.is_resting"),
        f"{_TESTS}health.py::test_an_event_store_that_is_down_is_not_ready",
    ),
    Patch(
        "a cache that is down takes processes out of service",
        "a cache isn't needed",
        CodeEdit("_stores", 'getattr(cache, "required", False)', "True"),
        f"{_TESTS}health.py::test_a_cache_that_is_down_is_told_and_the_application_is_ready",
    ),
    Patch(
        "a snapshot that lies is taken for right",
        "snapshots are compared with what their events give",
        CodeEdit("Inspection.snapshots", "await self._difference(record, key, file)", "None"),
        f"{_SNAPSHOTS}TestSnapshots::test_are_compared_with_their_events",
    ),
    Patch(
        "the snapshots of all revisions are purged",
        "what this code reads stays",
        CodeEdit(
            "purge", "{kept.revision for kept in found} - read", "{x.revision for x in found}"
        ),
        f"{_SNAPSHOTS}TestSnapshots::test_of_revisions_that_nobody_reads_are_purged",
    ),
    Patch(
        "a cut-over that failed leaves the source read-only",
        "unless all is well the source takes changes as before",
        CodeEdit("_Run.cut_over", "if not is_well:", "if False:"),
        f"{_COPIES}TestCutOver::test_a_failure_leaves_the_source_as_it_was",
    ),
    Patch(
        "what was erased stands in the target",
        "a stream that the source hasn't got any more is no good copy",
        CodeEdit("Copying.look_for", "head is None", "False"),
        f"{_COPIES}TestCutOver::test_a_stream_that_was_erased_meanwhile_leaves_the_source_as_it_was",
    ),
    Patch(
        "a dry run forgets",
        "a dry run only says what is there",
        CodeEdit("forget", "if not dry_run:", "if True:"),
        f"{_COMMANDS}TestOne::test_it_is_forgotten",
    ),
    Patch(
        "a run that is stopped leaves its work half done",
        "what is at work ends before a stopped run says where to go on",
        CodeEdit(
            "over_all",
            """
            await run.end()
            raise StoppedError(how(run.last)) from None
            """,
            "raise StoppedError(how(run.last)) from None",
        ),
        "tests/core/test_long_work.py::test_a_run_that_is_stopped_ends_what_it_began_and_says_where",
    ),
    Patch(
        "the stored snapshots are miscounted",
        "a sum is read after what is waited for",
        CodeEdit(
            "rebuild",
            """
            count = await application.rebuild_snapshots(cls, [aggregate_id], every=every)
            stored += count  # not in one line, which would read the sum before it waits
            """,
            "stored += await application.rebuild_snapshots(cls, [aggregate_id], every=every)",
        ),
        f"{_SNAPSHOTS}TestSnapshots::test_of_all_streams_are_rebuilt",
    ),
    Patch(
        "a copy goes on behind another stream",
        "what the target has is the source's, or the copy stops",
        CodeEdit(
            "Copying.copy",
            "is_the_same = (events[0].version, events[0].event_id) == head",
            "is_the_same = True",
        ),
        f"{_COPIES}test_another_stream_under_the_id_is_left_alone",
    ),
    Patch(
        "a copy again doubles the event that it went on from",
        "a copy goes on behind the target's head",
        CodeEdit("Copying.copy", "del events[0]", "pass"),
        f"{_COPIES}test_a_copy_again_appends_what_was_added_since",
    ),
    Patch(
        "copies are compared by what they say",
        "a copy is compared in all of its bytes",
        CodeEdit("Copying._digest", "repr(tuple(row))", "repr(tuple(row)[:5])"),
        f"{_COPIES}test_a_byte_that_differs_is_found",
    ),
]
