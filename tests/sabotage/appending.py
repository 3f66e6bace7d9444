"""Protections of appends whose outcome isn't known at once."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_SAVING_STORED = "tests/core/test_saving_stored.py::"
_APPENDING = "tests/core/test_appending.py::"

PATCHES = [
    Patch(
        "a lost reply counts as not appended",
        "after a lost reply the stream is asked before anything is done again",
        CodeEdit(
            "EventStream._found_out",
            "await self._find_out(events, after, failure, is_first=attempt == 0)",
            "_Standing.NONE",
        ),
        f"{_APPENDING}TestDispatch::test_the_handler_is_not_run_again",
        (32,),
    ),
    Patch(
        "a lost reply counts as appended",
        "other events in their place are a conflict",
        CodeEdit(
            "EventStream._find_out",
            "_Standing.OURS if standing.items() >= ours.items() else _Standing.OTHERS",
            "_Standing.OURS",
        ),
        f"{_APPENDING}test_others_in_their_place_are_a_conflict",
        (32,),
    ),
    Patch(
        "a retried append's conflict is believed",
        "a conflict after a lost reply may be with one's own events",
        CodeEdit(
            "EventStream._find_out",
            "if is_first and (isinstance(failure, ConcurrencyError) or _is_refusal(failure)):",
            "if isinstance(failure, ConcurrencyError):",
        ),
        f"{_APPENDING}test_a_conflict_with_ones_own_late_events_is_found_out_by_a_second_read",
        (32,),
    ),
    Patch(
        "nothing done is believed of every attempt",
        "that the second attempt did nothing says nothing of the first",
        CodeEdit(
            "EventStream._found_out",
            "attempt == 0 and _is_refusal(failure)",
            "_is_refusal(failure)",
        ),
        f"{_APPENDING}test_nothing_done_by_the_second_attempt_says_nothing_of_the_first",
        (32,),
    ),
    Patch(
        "what a cache said fails commands for ever",
        "an append after an event that doesn't stand is a conflict",
        CodeEdit("EventStream._found_out", "if is_refused and is_proven:", "if is_refused:"),
        f"{_SAVING_STORED}TestForgedEntries::test_one_that_the_store_refuses_is_dropped[failure0]",
    ),
    Patch(
        "an append is retried after an event that is gone",
        "an append after an event that doesn't stand is a conflict",
        CodeEdit("EventStream._find_out", "standing == before", "standing.keys() <= before.keys()"),
        f"{_APPENDING}TestWhatItIsBuiltOn::test_it_is_another",
    ),
    Patch(
        "an outcome that can't be found out counts as not appended",
        "an outcome that isn't known is said to be unknown",
        CodeEdit(
            "EventStream._find_out",
            'raise _unknown(events, f"{failure}; and to look for it: {unanswered}") from failure',
            "return _Standing.NONE",
        ),
        f"{_APPENDING}test_an_outcome_that_cannot_be_found_out_is_said_to_be_unknown",
        (32,),
    ),
]
