"""Protections of stores that rest while they are down, and of what stands in them then."""

from interlock_conformance.mutation import CodeEdit, Edits
from patch import Patch

_BREAKER = "tests/core/test_breaker.py::"
_KEYS = "tests/core/test_unsettled_keys.py::"
_OUTAGES = "tests/core/test_outages.py::"
_ENTRIES = "tests/core/test_outdated_entries.py::TestOutdatedEntries::"
_SETTLING = "tests/core/test_settling.py::"
_SHADOW = "tests/core/test_shadowing.py::"
_TIERS = "tests/core/test_tiers_outages.py::"

PATCHES = [
    Patch(
        "a breaker never opens",
        "a store that is down isn't asked by every call",
        CodeEdit("Breaker.failed", "if self._failures < self._limit:", "if True:"),
        f"{_OUTAGES}TestCacheDown::test_a_black_hole_holds_up_nothing_while_the_cache_rests",
    ),
    Patch(
        "all calls try a store that has rested",
        "one call at a time tries a store that was down",
        CodeEdit(
            "Breaker.admit",
            "self._is_probing or now < self._rests_until",
            "now < self._rests_until",
        ),
        f"{_OUTAGES}TestCacheDown::test_one_call_tries_it_and_the_others_go_on",
    ),
    Patch(
        "a cancelled probe is never followed by another",
        "a probe that is given up leaves room for the next",
        CodeEdit("Breaker.given_up", "self._is_probing = False", "pass"),
        f"{_BREAKER}test_a_probe_that_is_given_up_leaves_room_for_the_next",
    ),
    Patch(
        "late answers close a breaker",
        "calls from before a breaker opened count no more",
        CodeEdit("Breaker.failed", "self._ticket += 1", ""),
        f"{_BREAKER}test_calls_from_before_it_opened_count_no_more",
    ),
    Patch(
        "failures needn't be in a row",
        "an answer between two failures begins the count anew",
        CodeEdit("Breaker.answered", "self._close()", "pass"),
        f"{_BREAKER}test_it_opens_after_failures_in_a_row",
    ),
    Patch(
        "a store rests for ever shorter",
        "a store rests for a multiple of what its failures cost",
        CodeEdit("Breaker._rest", "_REST_FACTOR * cost", "cost"),
        f"{_BREAKER}test_the_rest_is_a_multiple_of_what_the_failures_cost",
    ),
    Patch(
        "a breaker outlives its loop",
        "an application that is started anew asks its stores",
        CodeEdit("Breaker.admit", "if loop is not self._loop:", "if False:"),
        f"{_BREAKER}test_in_another_loop_it_is_closed",
    ),
    Patch(
        "failures that cost nothing open a breaker",
        "a failure counts if its call waited",
        CodeEdit("call_through", "if has_waited or breaker.is_open:", "if True:"),
        f"{_OUTAGES}TestCacheDown::test_failures_that_nobody_waited_for_open_nothing",
    ),
    Patch(
        "a probe that fails at once lets all others try the store",
        "a store whose probe failed rests again, whatever that cost",
        CodeEdit("call_through", "has_waited or breaker.is_open", "has_waited"),
        f"{_OUTAGES}TestCacheDown::test_a_probe_that_fails_at_once_makes_the_cache_rest_again",
    ),
    Patch(
        "a timeout is a caller that gave up",
        "a call that got no answer in its time has failed",
        CodeEdit("call_through", "waited >= ALL_ITS_TIME * bound.total_seconds()", "False"),
        f"{_OUTAGES}TestCacheDown::test_a_black_hole_holds_up_nothing_while_the_cache_rests",
    ),
    Patch(
        "callers that give up open a breaker",
        "a cancellation says nothing of the store",
        CodeEdit("Breaker.given_up", "", 'self.failed(ticket, "given up", 1)'),
        f"{_OUTAGES}TestCacheDown::test_callers_that_give_up_open_nothing",
    ),
    Patch(
        "a full record opens a breaker",
        "an error about one record is an answer",
        CodeEdit("call_through", "ANSWERS", "ZeroDivisionError"),
        f"{_BREAKER}test_an_error_about_one_record_is_an_answer",
    ),
    Patch(
        "each aggregate type has a breaker of its own",
        "the types that share a store share its breaker",
        Edits(
            [
                CodeEdit("Breakers._breaker", "self._guarded.get((store, id(backend)))", "None"),
                CodeEdit("Breakers.before_cache", "self._settlers.get(id(backend))", "None"),
            ]
        ),
        f"{_OUTAGES}TestCacheDown::test_types_that_share_a_cache_share_its_breaker",
    ),
    Patch(
        "a skipped put is forgotten",
        "an entry that a put didn't reach isn't used again",
        CodeEdit("CacheWithBreaker.put", 'self._missed("cache.put_skipped", key, error)', ""),
        f"{_ENTRIES}test_after_a_put_that_was_refused_while_another_call_tried_the_cache",
        (11,),
    ),
    Patch(
        "a put that is left out is forgotten",
        "an entry that a put didn't reach isn't used again",
        CodeEdit("CacheWithBreaker.leaves_out", "self._settler.note(key, self.store)", ""),
        f"{_ENTRIES}test_after_a_put_that_was_skipped",
        (11,),
    ),
    Patch(
        "what a cache that rests would refuse is encoded for it",
        "no state is encoded for a cache that rests",
        CodeEdit("WriteBack._due", "self._cache.may_rest", "False"),
        "tests/core/test_outage_costs.py::"
        "test_while_it_rests_an_operation_costs_what_it_costs_without_a_cache[REFUSES-_load]",
    ),
    Patch(
        "a skipped removal is forgotten",
        "an entry that a removal didn't reach isn't used again",
        CodeEdit(
            "CacheWithBreaker.remove",
            'self._missed("cache.remove_skipped", key, error)',
            'self._reporting.count("cache.remove_skipped")',
        ),
        f"{_ENTRIES}test_after_a_removal_that_was_skipped",
        (40,),
    ),
    Patch(
        "after its rest a cache serves what it has",
        "an entry that a put didn't reach is removed before it is read",
        CodeEdit(
            "CacheWithBreaker.read", "if self._unsettled.noted(key) is not None:", "if False:"
        ),
        f"{_ENTRIES}test_after_a_put_that_was_skipped",
        (11,),
    ),
    Patch(
        "after its rest a cache serves many as it has them",
        "an entry that a put didn't reach isn't read with many others",
        CodeEdit("CacheWithBreaker.read_many", "self._unsettled.noted(key) is None", "True"),
        f"{_ENTRIES}test_many_at_once_leave_it_out",
        (11,),
    ),
    Patch(
        "what a skipped put would have superseded stays",
        "an entry that a put didn't reach is removed before the next put",
        CodeEdit("CacheWithBreaker.put", "if self._unsettled.noted(key) is not None:", "if False:"),
        f"{_ENTRIES}test_a_put_removes_it_first",
        (37,),
    ),
    Patch(
        "notes that are dropped count for nothing",
        "with too many keys to remember, what is older is removed",
        CodeEdit("CacheWithBreaker.read", "self._unsettled.is_outdated(key, record)", "False"),
        f"{_ENTRIES}test_with_too_many_to_remember_what_is_older_is_removed",
        (11,),
    ),
    Patch(
        "a removal settles what was noted meanwhile",
        "a removal settles what was noted before it began",
        CodeEdit(
            "UnsettledKeys.removed", "note is not None and note[0] == number", "note is not None"
        ),
        f"{_KEYS}test_a_removal_settles_what_was_noted_before_it_began",
    ),
    Patch(
        "a clock set back makes entries younger",
        "of the notes that are dropped the latest time counts",
        CodeEdit("UnsettledKeys.note", "max(at, self._dropped_until)", "at"),
        f"{_KEYS}TestTooMany::test_a_clock_that_is_set_back_makes_no_entry_younger",
    ),
    Patch(
        "a forget is refused while a cache rests",
        "who forgets wants the cache to be asked",
        CodeEdit("AggregateCache.forget", "isinstance(store, RemovesAnyway)", "False"),
        f"{_OUTAGES}TestForgetting::test_a_failure_is_told",
    ),
    Patch(
        "a forget is refused while a shared tier rests",
        "who forgets wants the shared tier to be asked",
        CodeEdit(
            "TieredAggregateCacheBackend.remove_anyway",
            "isinstance(shared, RemovesAnyway)",
            "False",
        ),
        f"{_TIERS}test_a_forget_asks_the_shared_tier_while_it_rests",
    ),
    Patch(
        "what is noted waits for its key's next use",
        "what an outage left in a cache is removed once that answers",
        CodeEdit("Settler._work_on", "asyncio.create_task(self._work())", "None"),
        f"{_SETTLING}test_a_process_that_is_idle_removes_it_once_the_cache_is_back",
    ),
    Patch(
        "closing leaves what is noted",
        "closing removes what an outage left, though the cache rests",
        CodeEdit("Settler.settle", "self.unsettled.notes()", "()"),
        f"{_SETTLING}test_closing_removes_it_though_the_cache_rests",
    ),
    Patch(
        "closing tries a cache that is down for each entry",
        "closing gives up once its failures have cost a timeout",
        CodeEdit("Settler.settle", "failing += loop.time() - began", "pass"),
        f"{_SETTLING}test_closing_while_it_is_down_costs_one_timeout_and_says_what_is_left",
    ),
    Patch(
        "removals behind the answers open a breaker",
        "one server of several that is down takes the others not away",
        CodeEdit("Settler._remove", "if self.breaker.is_open:", "if True:"),
        f"{_SETTLING}TestOneServerOfSeveral::test_what_fails_again_and_again_takes_the_others_not_away",
    ),
    Patch(
        "one entry is tried again and again",
        "an entry that can't be removed holds up no other",
        CodeEdit("Settler._removed", "self.unsettled.put_off(key)", "pass"),
        f"{_SETTLING}TestOneServerOfSeveral::test_an_entry_that_cannot_be_removed_holds_up_no_other",
    ),
    Patch(
        "a local tier takes nothing while the shared one rests",
        "while the shared tier rests the local one takes what is put",
        CodeEdit("TieredAggregateCacheBackend.put", "StoreRestsError", "ZeroDivisionError"),
        f"{_TIERS}test_what_is_put_while_the_shared_tier_rests_is_read_locally",
    ),
    Patch(
        "a difference is only counted",
        "an entry that its events don't give is removed",
        CodeEdit("ShadowChecks._compare", "await self._cache.drop(aggregate_id, record.stamp)", ""),
        f"{_SHADOW}test_an_entry_that_differs_is_counted_logged_and_removed",
    ),
    Patch(
        "an entry is compared with the head",
        "an entry is compared with the state of its own version",
        CodeEdit(
            "ShadowChecks._compare",
            "LoadRequest(record.version, Replay())",
            "LoadRequest(None, Replay())",
        ),
        f"{_SHADOW}test_an_entry_is_compared_with_its_own_version",
    ),
    Patch(
        "all hits are replayed at once",
        "one hit at a time is compared with a replay",
        CodeEdit("ShadowChecks.sample", "self._task is None", "True"),
        f"{_SHADOW}test_a_share_of_the_hits_is_checked_one_at_a_time",
    ),
    Patch(
        "a check outlives the close",
        "closing ends a check that goes on behind",
        CodeEdit("ShadowChecks.give_up", "self._task.cancel()", "pass"),
        f"{_SHADOW}test_closing_ends_a_check",
    ),
]
