"""Protections of how a state is found: freshness, cache, snapshots, tail."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_LOADING = "tests/core/test_loading.py::"
_TAIL = "tests/core/test_tail.py::"

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
            "timedelta(0) <= self._context.clock() - entry.verified_at < freshness.delta",
            "self._context.clock() - entry.verified_at < freshness.delta",
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
            "TailReplay._folded",
            "loaded.verified_at = tail.verified_at",
            "loaded.verified_at = self._context.clock()",
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
]
