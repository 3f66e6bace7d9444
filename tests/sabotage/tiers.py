"""Protections of caches that live for a while, are shared, or stand before another."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_"

PATCHES = [
    Patch(
        "a memory cache forgets its ttl",
        "an entry ends with its ttl",
        CodeEdit(
            "InMemoryAggregateCacheBackend._taken",
            "if self._clock() - self._put_at.get(key, -math.inf) < self.ttl.total_seconds():",
            "if True:",
        ),
        f"{_TESTS}tiers.py::TestReading::test_a_local_entry_ends_with_its_ttl",
    ),
    Patch(
        "a local tier lives for ever",
        "a local tier has a ttl in every case",
        CodeEdit("TieredAggregateCacheBackend.__init__", "local.ttl = local.ttl or LOCAL_TTL", ""),
        f"{_TESTS}tiers.py::TestReading::test_a_local_tier_without_a_ttl_gets_one_of_30_seconds",
    ),
    Patch(
        "the local tier is put first",
        "nothing stands in the local tier that the shared one hasn't",
        CodeEdit(
            "TieredAggregateCacheBackend.put",
            "await self._shared.put(key, record, supersedes)",
            """
            await self._local.put(key, record)
            await self._shared.put(key, record, supersedes)
            """,
        ),
        f"{_TESTS}tiers.py::TestWriting::test_the_shared_tier_is_put_first",
    ),
    Patch(
        "a failed put leaves the local entry",
        "after a failed put no tier answers with what stood there",
        CodeEdit("TieredAggregateCacheBackend.put", "self._changed(key.text())", ""),
        f"{_TESTS}tiers.py::TestWriting::test_a_put_that_fails_leaves_no_local_entry",
        rows=(11,),
    ),
    Patch(
        "a change told during a fill is overlooked",
        "an invalidation that arrives during a fill voids the fill",
        CodeEdit("TieredAggregateCacheBackend._changed", "self._clock()", "self._forgotten"),
        f"{_TESTS}tiers_changed.py::TestChanges::test_a_change_during_a_fill_voids_it",
        rows=(12,),
    ),
    Patch(
        "a removal during a fill is overlooked",
        "what was removed isn't put back by a slower read",
        CodeEdit(
            "TieredAggregateCacheBackend.remove",
            "self._changed(key.text())",
            "await self._local.remove(key)",
        ),
        f"{_TESTS}tiers_changed.py::TestChanges::test_a_removal_during_a_fill_voids_it",
        rows=(39,),
    ),
    Patch(
        "a put is as young as its call",
        "a state that was read before a change was told isn't kept",
        CodeEdit("TieredAggregateCacheBackend.put", "record.verified_at", "self._clock()"),
        f"{_TESTS}tiers_changed.py::TestChanges::test_a_change_since_the_tail_was_read_voids_the_put",
        rows=(12,),
    ),
    Patch(
        "forgotten changes count for nothing",
        "a change that is no longer remembered voids as well",
        CodeEdit(
            "TieredAggregateCacheBackend._changed",
            "self._forgotten = self._changed_at.pop(oldest)",
            "self._changed_at.pop(oldest)",
        ),
        f"{_TESTS}tiers_changed.py::TestChanges::test_a_forgotten_change_still_voids",
    ),
    Patch(
        "what the changes hold isn't counted in bytes",
        "the channel of changes holds 16 MiB at most",
        CodeEdit(
            "TieredAggregateCacheBackend._changed",
            "self._changes_bytes > _CHANGES_BYTES",
            "False",
        ),
        f"{_TESTS}tiers_changed.py::TestChanges::test_the_changes_hold_16_mib_at_most[250-45000]",
    ),
    Patch(
        "a change's text may be of any length",
        "a message that is longer than any key is none of ours",
        CodeEdit(
            "TieredAggregateCacheBackend._changed", "if len(text) > _LONGEST_KEY:", "if False:"
        ),
        f"{_TESTS}tiers_changed.py::TestChanges::test_a_message_longer_than_any_key_is_not_held",
    ),
    Patch(
        "a broken channel is ignored",
        "when the channel of changes breaks, the local tier is emptied",
        CodeEdit("TieredAggregateCacheBackend._reset", "self._local.clear()", ""),
        f"{_TESTS}tiers_changed.py::TestChanges::test_a_broken_channel_empties_the_local_tier",
    ),
    Patch(
        "what was read before the channel broke is kept",
        "changes may have been missed while the channel was broken",
        CodeEdit("TieredAggregateCacheBackend._reset", "self._forgotten = self._clock()", ""),
        f"{_TESTS}tiers_changed.py::TestChanges::test_what_was_known_before_the_channel_broke_is_not_kept",
    ),
    Patch(
        "a state too large leaves the older one",
        "a state above the store's limit is removed and said",
        CodeEdit(
            "AggregateCache.put",
            "await self._leave_out(aggregate_id, Reason.TOO_LARGE, str(error))",
            "remember(self._absent, aggregate_id, (Reason.TOO_LARGE, str(error)))",
        ),
        f"{_TESTS}keeping_failures.py::TestFailures::"
        "test_a_state_above_the_stores_limit_is_removed_and_said",
        rows=(26,),
    ),
    Patch(
        "a cache that is down stops the start",
        "a cache is never needed to be right",
        CodeEdit(
            "OpenBackends._open",
            "is_required or not isinstance(error, BackendUnavailableError)",
            "True",
        ),
        f"{_TESTS}runtime_life.py::TestOpening::"
        "test_a_cache_that_is_down_at_the_start_is_used_once_it_is_up",
    ),
    Patch(
        "a voided put leaves the older entry",
        "a put takes away what stood locally, also where it isn't kept",
        CodeEdit("TieredAggregateCacheBackend.put", "await self._local.remove(key)", ""),
        f"{_TESTS}tiers.py::TestWriting::test_a_put_that_is_not_kept_locally_leaves_nothing_older",
        rows=(11,),
    ),
    Patch(
        "a failed removal leaves the local entry",
        "what was to be removed is not answered with locally, whatever the shared tier says",
        CodeEdit(
            "TieredAggregateCacheBackend.remove",
            """
            try:
                await self._shared.remove(key, stamp)
            finally:
                self._changed(key.text())
            """,
            """
            try:
                await self._shared.remove(key, stamp)
            finally:
                pass
            self._changed(key.text())
            """,
        ),
        f"{_TESTS}tiers.py::TestWriting::test_a_removal_that_fails_removes_locally",
    ),
    Patch(
        "the index of keys grows for ever",
        "what a local tier knows of keys is bounded",
        CodeEdit(
            "TieredAggregateCacheBackend._fill",
            "if len(self._keys) > 2 * self._local.size:",
            "if False:",
        ),
        f"{_TESTS}tiers_changed.py::TestChanges::test_the_index_of_keys_is_bounded",
    ),
    Patch(
        "many are filled as if they were read later",
        "an invalidation that arrives during a fill of many voids it",
        CodeEdit(
            "TieredAggregateCacheBackend.read_many",
            "self._fill(key, record, began)",
            "self._fill(key, record, self._clock())",
        ),
        f"{_TESTS}tiers_changed.py::TestChanges::test_a_change_during_a_fill_of_many_voids_it",
        rows=(12,),
    ),
]
