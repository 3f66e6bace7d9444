"""Protections of how a state is found: freshness, tail, floor, shared loads."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_LOADING = "tests/core/test_loading.py::"
_TAIL = "tests/core/test_tail.py::"
_FLOOR = "tests/core/test_floor.py::"
_FLIGHTS = "tests/core/test_flights.py::"
_AHEAD = "tests/core/test_ahead.py::"

PATCHES = [
    Patch(
        "versions are read from the cache",
        "what is cached is the head, and no answer to a question for a version",
        CodeEdit(
            "LoadRequest.may_use_cache",
            "self.skips_cache or self.version is not None or isinstance(self.freshness, Replay)",
            "self.skips_cache or isinstance(self.freshness, Replay)",
        ),
        f"{_LOADING}TestHistory::test_it_neither_reads_nor_writes_the_cache",
        (34,),
    ),
    Patch(
        "old versions are cached",
        "a load of an old version is never cached as the head",
        CodeEdit(
            "Loader._is_news",
            """
            if request.version is not None or is_replay or not loaded.is_current:
            """,
            "if is_replay or not loaded.is_current:",
        ),
        f"{_LOADING}TestHistory::test_an_old_state_is_not_cached_as_the_head",
        (34,),
    ),
    Patch(
        "replay fills the cache",
        "a replay writes nothing",
        CodeEdit(
            "Loader._is_news",
            """
            if request.version is not None or is_replay or not loaded.is_current:
            """,
            "if request.version is not None or not loaded.is_current:",
        ),
        f"{_LOADING}test_replay_does_not_write_the_cache",
    ),
    Patch(
        "unproven states are kept",
        "what was only found in the cache is neither snapshotted nor renewed",
        CodeEdit(
            "Loader._is_news",
            """
            if request.version is not None or is_replay or not loaded.is_current:
            """,
            "if request.version is not None or is_replay:",
        ),
        f"{_LOADING}TestMaxAge::test_a_hit_that_is_young_enough_is_not_kept_anew",
    ),
    Patch(
        "replay starts from a snapshot",
        "a replay uses neither cache nor snapshot",
        CodeEdit(
            "StateReader._read",
            """
            if self._snapshots.are_kept and request.may_use_snapshots:
            """,
            "if self._snapshots.are_kept:",
        ),
        f"{_LOADING}test_replay_is_not_fooled_by_a_wrong_snapshot",
    ),
    Patch(
        "replay starts from the cache",
        "a replay uses neither cache nor snapshot",
        CodeEdit(
            "LoadRequest.may_use_cache",
            "self.skips_cache or self.version is not None or isinstance(self.freshness, Replay)",
            "self.skips_cache or self.version is not None",
        ),
        f"{_LOADING}test_replay_uses_neither_cache_nor_snapshot",
    ),
    Patch(
        "a clock that jumped back makes states young",
        "a state verified in the future has no age",
        CodeEdit(
            "StateReader.is_fresh",
            "timedelta(0) <= age < request.freshness.delta",
            "age < request.freshness.delta",
        ),
        f"{_LOADING}TestMaxAge::test_a_time_of_verification_in_the_future_is_not_trusted",
    ),
    Patch(
        "a verified state is not renewed",
        "a tail read that finds nothing new makes the state young again",
        CodeEdit(
            "Loader._is_news",
            "not is_cached or isinstance(request.freshness, MaxAge)",
            "not is_cached",
        ),
        f"{_LOADING}TestMaxAge::test_a_tail_read_that_found_nothing_new_renews_the_age",
    ),
    Patch(
        "the age counts from after the tail read",
        "a state was known to be the head before its tail was read, not after",
        CodeEdit(
            "TailReplay._folded", "verified_at=verified_at", "verified_at=self._context.clock()"
        ),
        f"{_LOADING}TestMaxAge::test_the_age_counts_from_before_the_tail_read",
    ),
    Patch(
        "a found state counts as missing if it is falsy",
        "absent is None and nothing else",
        CodeEdit("PlainCache.read", "aggregate is None", "not aggregate"),
        f"{_LOADING}test_a_cached_state_of_length_0_is_found",
        (24,),
    ),
    Patch(
        "a baseline ahead of the stream is the head",
        "the baseline's own event has to stand in the stream",
        CodeEdit("TailReplay.end", "if not tail.is_proven and baseline.version:", "if False:"),
        f"{_TAIL}test_a_cached_state_ahead_of_the_stream_is_not_served",
        (5,),
    ),
    Patch(
        "a baseline of another branch is folded onto",
        "the event at the baseline's version has to have its id",
        CodeEdit(
            "TailReplay._proves",
            "if baseline.last_event_id is None or row[1] != baseline.last_event_id.bytes:",
            "if baseline.last_event_id is None:",
        ),
        f"{_TAIL}test_a_cached_state_of_another_branch_of_the_same_version_is_not_served",
        (5,),
    ),
    Patch(
        "a truncated stream is an empty one",
        "without a usable baseline a truncated stream is an error",
        CodeEdit(
            "TailReplay.replay", "raise await self._truncated(empty.aggregate_id)", "return empty"
        ),
        f"{_TAIL}TestTruncated::"
        "test_without_a_usable_baseline_it_is_an_error_and_never_a_wrong_state",
        (14,),
    ),
    Patch(
        "the newest version stands for a later one",
        "a version beyond the head is an error",
        CodeEdit(
            "TailReplay.fast_forward",
            "loaded.version != request.version",
            "loaded.version > request.version",
        ),
        f"{_LOADING}TestHistory::test_a_version_that_the_stream_never_had_is_an_error",
    ),
    Patch(
        "all events are held until the last is folded",
        "a tail is folded in chunks, and forgotten",
        CodeEdit(
            "TailReplay.extend",
            "tail.fold.extend(rows)",
            """
            tail.fold.extend(rows)
            vars(self).setdefault("rows", []).extend(rows)
            """,
        ),
        f"{_TAIL}test_memory_does_not_grow_with_the_stream",
        (28,),
    ),
    Patch(
        "which fields are set depends on the baseline",
        "a state is the same wherever its fold began",
        CodeEdit(
            "TailReplay._folded",
            'object.__setattr__(state, "__pydantic_fields_set__", set(self._field_names))',
            "",
        ),
        "tests/core/test_baselines.py::TestSnapshots::"
        "test_no_name_of_a_state_of_an_older_revision_is_unset",
    ),
    Patch(
        "a folded state has no stamp, or its baseline's",
        "what is handed out carries the stamp of its last event",
        CodeEdit("TailReplay._folded", "set_origin(state, loaded.origin(scope))", "pass"),
        f"{_TAIL}test_a_loaded_state_carries_the_stamp_of_its_last_event",
    ),
    Patch(
        "a cached state below the floor is a hit",
        "one reads one's own writes, also from a cache that lost them",
        CodeEdit(
            "AggregateCache.read",
            "if record.version < self._context.heads.version(aggregate_id):",
            "if False:",
        ),
        f"{_FLOOR}test_own_writes_are_read_from_a_cache_that_lost_the_put",
        (11, 39),
    ),
    Patch(
        "a state below the floor is put",
        "a slow load doesn't bring back the state from before one's own write",
        CodeEdit(
            "AggregateCache.put",
            "if record.version < self._context.heads.version(aggregate_id):",
            "if False:",
        ),
        f"{_FLOOR}test_a_slow_load_does_not_refill_the_cache_after_a_failed_put",
        (39,),
    ),
    Patch(
        "a hit raises no floor",
        "nothing older is returned than what was returned before",
        CodeEdit(
            "Loader._local_hit",
            "self._context.heads.raise_to(aggregate_id, hit.head, since=trace.forget_count)",
            "",
        ),
        f"{_FLOOR}test_what_a_cache_returned_once_is_the_least_that_is_returned_later[fast]",
    ),
    Patch(
        "a slow hit raises no floor",
        "nothing older is returned than what was returned before",
        CodeEdit(
            "Loader.load",
            "self._context.heads.raise_to(aggregate_id, loaded.head, since=since)",
            "pass",
        ),
        f"{_FLOOR}test_what_a_cache_returned_once_is_the_least_that_is_returned_later[slow]",
    ),
    Patch(
        "a rollback leaves the floor",
        "a proven rollback clears what is known",
        CodeEdit(
            "TailReplay._settle_head", "self._context.heads.refute(aggregate_id, noted)", "pass"
        ),
        f"{_FLOOR}test_a_rollback_that_a_load_proves_clears_the_floor",
        (37,),
    ),
    Patch(
        "a rollback to the same version goes unseen",
        "another event at the version that was committed is a rollback",
        CodeEdit("TailReplay._settle_head", "head[0] == noted[0] and head[1] != noted[1]", "False"),
        f"{_FLOOR}test_a_rollback_to_another_event_of_the_same_version_clears_the_floor",
    ),
    Patch(
        "a commit during a tail read looks like a rollback",
        "only what was known before the read began can be refuted by it",
        CodeEdit("TailReplay.end", "tail.noted", "self._context.heads.head(loaded.aggregate_id)"),
        f"{_FLOOR}test_what_was_committed_during_a_tail_read_is_no_rollback",
    ),
    Patch(
        "the floor sinks",
        "of two heads the higher one is the floor",
        CodeEdit(
            "KnownHeads.raise_to", "head if found is None or found[0] <= head[0] else found", "head"
        ),
        f"{_FLOOR}test_the_highest_head_is_kept",
    ),
    Patch(
        "the floor grows without bound",
        "the floor is of the last so many ids",
        CodeEdit("KnownHeads.raise_to", "if len(self._heads) > self._size:", "if False:"),
        f"{_FLOOR}test_of_so_many_ids_the_least_recently_raised_is_forgotten",
    ),
    Patch(
        "a newer floor is refuted with the old one",
        "only the head that was proven false is forgotten",
        CodeEdit(
            "KnownHeads.refute",
            "if self._heads.get(aggregate_id.int) == noted:",
            "if aggregate_id.int in self._heads:",
        ),
        f"{_FLOOR}test_what_was_noted_since_is_not_refuted",
    ),
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
        CodeEdit("call_backend", "if caller is None or caller.cancelling():", "if True:"),
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
            "following.noted = ahead.noted",
        ),
        f"{_AHEAD}test_a_state_counts_as_the_head_from_before_both_were_read",
    ),
    Patch(
        "a load that reads snapshot and tail at once is joined",
        "nobody joins a load that has read the stream",
        CodeEdit("SnapshotHistory._read_with_tail", "trace.is_reading_stream = True", ""),
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
            "SnapshotHistory._read_with_tail",
            """
            try:
                record, chunks = await self._reader(key, bound)
            except BackendUnavailableError:
                return await self._read(store, key, bound, trace)
            finally:
                trace.lap("snapshot")
            """,
            """
            try:
                record, chunks = await self._reader(key, bound)
            except BackendUnavailableError:
                raise
            finally:
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
            "list(await self._store.revisions(key))",
            "[]",
        ),
        f"{_TAIL}TestTruncated::test_the_error_lists_the_revisions_that_have_snapshots",
        (14,),
    ),
]
