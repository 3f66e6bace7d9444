"""Protections of loads that share one read."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TAIL = "tests/core/test_tail.py::"
_FLIGHTS = "tests/core/test_flights.py::"
_AHEAD = "tests/core/test_ahead.py::"

PATCHES = [
    Patch(
        "nobody shares a load",
        "loads of the same thing at the same time share one read",
        CodeEdit(
            "Flights.share",
            "if flight is None or (flight.trace.is_reading_stream and not joins_running):",
            "if flight is None or not joins_running or flight.waiters:",
        ),
        f"{_FLIGHTS}test_loads_of_one_turn_share_one_read",
    ),
    Patch(
        "every running load is joined",
        "a load that must be current joins no read that has begun",
        CodeEdit(
            "Flights.share",
            "if flight is None or (flight.trace.is_reading_stream and not joins_running):",
            "if flight is None:",
        ),
        f"{_FLIGHTS}test_fast_forward_does_not_join_a_read_that_has_begun",
        (35,),
    ),
    Patch(
        "loads from before a commit are joined after it",
        "an own commit ends the sharing of earlier reads",
        CodeEdit("CommandHandler._commit", "self._loader.flights.detach(aggregate_id)", ""),
        f"{_FLIGHTS}test_trust_does_not_join_a_read_from_before_an_own_commit",
        (35,),
    ),
    Patch(
        "a joined load may be older than the floor",
        "a shared answer below what the caller knew is not handed to it",
        CodeEdit(
            "Loader.load",
            "loaded.version < known or loaded.is_too_old(request, began)",
            "loaded.is_too_old(request, began)",
        ),
        f"{_FLIGHTS}test_a_joined_read_older_than_what_was_returned_before_is_not_handed_out",
        (13, 35),
    ),
    Patch(
        "the first caller's cancellation is everybody's",
        "cancelling one who waits cancels nobody else",
        CodeEdit("Flights.share", "asyncio.shield(flight.task)", "flight.task"),
        f"{_FLIGHTS}test_cancelling_the_first_caller_cancels_nobody_else",
        (13,),
    ),
    Patch(
        "a backend's cancellation is the caller's",
        "a backend that cancels itself is unavailable",
        CodeEdit("translate", "if caller is None or caller.cancelling():", "if True:"),
        f"{_FLIGHTS}test_a_backend_that_cancels_itself_cancels_no_caller",
        (13,),
    ),
    Patch(
        "one exception is everybody's",
        "who shares a load gets an exception of his own",
        CodeEdit("Flights.share", "raise _own(error) from error.__cause__", "raise"),
        f"{_FLIGHTS}test_who_shares_a_load_gets_an_exception_of_his_own",
    ),
    Patch(
        "a long tail is folded by everybody",
        "only a load that folds little is made without a flight",
        CodeEdit("Loader._read_noting_cost", "loaded.events_folded <= _FEW", "True"),
        f"{_FLIGHTS}TestLight::test_after_a_long_tail_loads_share_again",
    ),
    Patch(
        "a load that waits is made by everybody",
        "a load that waits leaves the next ones to a flight",
        CodeEdit("Loader._read_noting_cost", "self._is_light = False", ""),
        f"{_FLIGHTS}TestLight::test_after_one_that_waits_loads_share_again",
    ),
    Patch(
        "closing forgets a load that nobody shares",
        "closing waits also for a load without a flight",
        CodeEdit("Loader._read_noting_cost", "with self.flights.unshared():", "if True:"),
        f"{_FLIGHTS}TestLight::test_closing_waits_for_one_that_waits",
    ),
    Patch(
        "a failed load is joined for ever",
        "a load that ended is joined by nobody",
        CodeEdit(
            "Flights._fly",
            "if flights is not None and flights.get(request) is flight:",
            "if flights is not None and flights.get(request) is flight and flight.task.done():",
        ),
        f"{_FLIGHTS}test_a_failed_load_is_not_joined_later",
    ),
    Patch(
        "who shares a load shares its object",
        "every caller gets an object of its own",
        CodeEdit("Loader.load", "if flight is None or flight.waiters == 1:", "if True:"),
        f"{_FLIGHTS}test_who_shares_a_load_gets_an_object_of_his_own",
        (8,),
    ),
    Patch(
        "a tail that came with a snapshot counts as read when it is folded",
        "a state is verified from before its tail was read",
        CodeEdit(
            "TailReplay.fast_forward",
            "tail.noted, tail.verified_at = (ahead.noted, ahead.began)",
            "tail.noted = ahead.noted",
        ),
        f"{_AHEAD}test_a_state_counts_as_the_head_from_before_both_were_read",
    ),
    Patch(
        "a load that reads snapshot and tail at once is joined",
        "nobody joins a load that has read the stream",
        CodeEdit("SnapshotReading.read_with_tail", "trace.is_reading_stream = True", ""),
        f"{_AHEAD}test_nobody_joins_a_load_whose_one_read_has_begun",
        (35,),
    ),
    Patch(
        "a tail goes to whichever snapshot is next",
        "a tail that came with a snapshot is that one's",
        CodeEdit(
            "LoadTrace.take_ahead",
            "ahead if ahead is not None and ahead.first == first else None",
            "ahead",
        ),
        f"{_AHEAD}test_a_snapshot_that_does_not_decode_takes_its_tail_with_it",
    ),
    Patch(
        "what can't be read at once can't be read",
        "snapshots and events that can't be read at once are read one after the other",
        CodeEdit(
            "SnapshotReading.read_with_tail",
            """
            try:
                record, events = await joint(key, bound)
            except BackendUnavailableError:
                return await self.read(key, bound, trace)
            finally:
                if trace.is_timed:
                    trace.lap("snapshot")
            """,
            """
            try:
                record, events = await joint(key, bound)
            except BackendUnavailableError:
                raise
            finally:
                if trace.is_timed:
                    trace.lap("snapshot")
            """,
        ),
        f"{_AHEAD}test_what_cannot_be_read_at_once_is_read_one_after_the_other",
    ),
    Patch(
        "a joined load may be older than the age allows",
        "a shared answer that is too old for a caller is not handed to it",
        CodeEdit(
            "Loader.load",
            "loaded.version < known or loaded.is_too_old(request, began)",
            "loaded.version < known",
        ),
        f"{_FLIGHTS}test_who_joins_a_load_that_takes_longer_than_the_age_allows_loads_anew",
        (35,),
    ),
    Patch(
        "a version that was archived was never there",
        "a version below what is left of a stream is gone, not missing",
        CodeEdit("TailReplay._not_found", "return await self._truncated(aggregate_id)", "pass"),
        f"{_TAIL}TestTruncated::test_a_version_below_what_is_left_is_no_missing_version",
        (14,),
    ),
    Patch(
        "the revisions that have snapshots are not told",
        "StreamTruncatedError lists the revisions that have snapshots",
        CodeEdit(
            "SnapshotHistory.revisions",
            "list(await call_backend(_REVISIONS, store.timeout, found))",
            "[]",
        ),
        f"{_TAIL}TestTruncated::test_the_error_lists_the_revisions_that_have_snapshots",
        (14,),
    ),
]
