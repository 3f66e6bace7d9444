"""Protections of what a load may start from: cache entries and snapshots."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_ADAPTERS = "tests/core/test_adapters.py::"
_CACHE = "tests/core/test_baselines_cache.py::TestCache::"
_SNAPSHOTS = "tests/core/test_baselines.py::TestSnapshots::"
_MEMORY = "tests/core/test_memory.py::"

PATCHES = [
    Patch(
        "another aggregate's record is taken",
        "a record is of the id that was asked for",
        CodeEdit("AggregateRecord.check_is_of", "self[3].int != key[3].int", "False"),
        f"{_CACHE}test_an_entry_of_another_aggregate_is_not_taken",
        (22,),
    ),
    Patch(
        "another type's record is decoded",
        "a record is of the registered type",
        CodeEdit("AggregateRecord.check_is_of", "self[:3] != key[:3]", "self[:2] != key[:2]"),
        f"{_ADAPTERS}test_a_record_of_something_else_does_not_decode",
        (21, 22),
    ),
    Patch(
        "another namespace's record is decoded",
        "a record is of the application's namespace",
        CodeEdit("AggregateRecord.check_is_of", "self[:3] != key[:3]", "self[1:3] != key[1:3]"),
        f"{_ADAPTERS}test_a_record_of_something_else_does_not_decode",
        (22,),
    ),
    Patch(
        "another epoch's record is decoded",
        "a record is of the key's epoch",
        CodeEdit("AggregateRecord.check_is_of", "self[:3] != key[:3]", "self[:3:2] != key[:3:2]"),
        f"{_ADAPTERS}test_a_record_of_something_else_does_not_decode",
        (22,),
    ),
    Patch(
        "a record of any version is decoded",
        "a record's version is one that a stream can have",
        CodeEdit("AggregateRecord.check_is_of", "not 1 <= self.version <= MAX_VERSION", "False"),
        f"{_ADAPTERS}test_a_record_of_a_version_that_no_stream_has_does_not_decode",
        (22,),
    ),
    Patch(
        "a backend keeps any class",
        "what a backend keeps is of the registered class",
        CodeEdit(
            "AggregateMapper.record_of",
            """
            if (
                type(aggregate) is not self.aggregate_type
                or origin is None
                or pending_of(aggregate)
            ):
            """,
            "if origin is None or pending_of(aggregate):",
        ),
        f"{_ADAPTERS}test_only_a_loaded_aggregate_of_the_class_can_be_kept",
        (21,),
    ),
    Patch(
        "another revision's record is decoded",
        "a record is of this code's revision, or of one that the class names",
        CodeEdit("AggregateRecord.check_is_of", "self[4] != key[4]", "False"),
        f"{_ADAPTERS}test_a_record_of_something_else_does_not_decode",
        (17, 18),
    ),
    Patch(
        "a payload may be of another version than its stamp",
        "a record's version is its state's",
        CodeEdit(
            "AggregateMapper.decoded",
            "fields['version'] != record.version",
            "False",
        ),
        f"{_ADAPTERS}test_a_record_of_something_else_does_not_decode",
        (2,),
    ),
    Patch(
        "a state that doesn't validate fails the load",
        "a state of another schema is passed over",
        CodeEdit(
            "AggregateMapper.decoded", "except Exception as error:", "except KeyError as error:"
        ),
        f"{_SNAPSHOTS}test_a_state_whose_schema_changed_is_passed_over",
        (16,),
    ),
    Patch(
        "unusable cache entries stay",
        "an unusable cache entry is removed",
        CodeEdit(
            "AggregateCache.read",
            "await self.drop(aggregate_id, None if record is None else record.stamp)",
            "pass",
        ),
        f"{_CACHE}test_an_unusable_entry_is_removed",
    ),
    Patch(
        "removal of an unusable entry takes any",
        "only the unusable entry itself is removed",
        CodeEdit(
            "AggregateCache.read",
            "self.drop(aggregate_id, None if record is None else record.stamp)",
            "self.drop(aggregate_id)",
        ),
        f"{_CACHE}test_only_the_unusable_entry_itself_is_removed",
    ),
    Patch(
        "a cache that is down fails the load",
        "a cache that is down is a miss",
        CodeEdit(
            "AggregateCache.read",
            """
            self._missed(trace, Reason.UNAVAILABLE, error)
            return None
            """,
            "raise",
        ),
        f"{_CACHE}test_a_cache_that_is_down_is_a_miss",
    ),
    Patch(
        "calls are not bounded",
        "every backend call has a timeout",
        CodeEdit("call_backend", "bound.total_seconds()", "None"),
        f"{_CACHE}test_a_cache_that_never_answers_is_a_miss",
        (15,),
    ),
    Patch(
        "drivers' errors escape",
        "a driver's error is translated",
        CodeEdit(
            "translate",
            'raise BackendUnavailableError(f"{what} failed: {error!r}") from error',
            "raise",
        ),
        "tests/core/test_calls.py::test_a_drivers_error_means_unavailable",
    ),
    Patch(
        "after an unusable snapshot comes the replay",
        "after an unusable snapshot the next best is taken",
        CodeEdit(
            "SnapshotCandidates.__anext__",
            "self._bound = error.version - 1",
            "raise StopAsyncIteration from None",
        ),
        f"{_SNAPSHOTS}test_after_an_unusable_one_the_one_below_is_the_baseline",
    ),
    Patch(
        "after a refuted snapshot comes the replay",
        "after a refuted snapshot the next best is taken",
        CodeEdit(
            "SnapshotCandidates.__anext__", "self._bound = record.version - 1", "self._key = None"
        ),
        f"{_SNAPSHOTS}test_after_a_refuted_one_the_one_below_is_the_baseline",
    ),
    Patch(
        "loads delete snapshots that look ahead",
        "loads only pass over snapshots",
        CodeEdit(
            "StateReader._read",
            """
            async for snapshot in self._snapshots.candidates(aggregate_id, request, trace):
                loaded = await self.tail.fast_forward(snapshot, request)
                if loaded is not None:
                    return loaded
            """,
            """
            async for snapshot in self._snapshots.candidates(aggregate_id, request, trace):
                loaded = await self.tail.fast_forward(snapshot, request)
                if loaded is not None:
                    return loaded
                key = self._context.registration.snapshot_scope.key(aggregate_id)
                await self._context.snapshots.remove(key, snapshot.stamp)
            """,
        ),
        f"{_SNAPSHOTS}test_loads_remove_no_snapshots",
        (38,),
    ),
    Patch(
        "named older revisions are not read",
        "revisions that the class names serve where no own one is usable",
        CodeEdit("SnapshotHistory.candidates", "self._scopes", "self._scopes[:1]"),
        f"{_SNAPSHOTS}test_named_older_revisions_are_read_where_no_own_one_is_usable",
        (14,),
    ),
    Patch(
        "older revisions come first",
        "own snapshots come before those of older revisions",
        CodeEdit("SnapshotHistory.candidates", "self._scopes", "self._scopes[::-1]"),
        f"{_SNAPSHOTS}test_own_snapshots_come_before_those_of_older_revisions",
    ),
    Patch(
        "older revisions are put back as they are",
        "what is read of an older revision is kept under the own one",
        CodeEdit(
            "TailReplay._folded",
            "baseline.record is not None and baseline.record.revision == scope.revision",
            "baseline.record is not None",
        ),
        f"{_SNAPSHOTS}test_a_state_of_an_older_revision_is_cached_as_one_of_the_own",
        (18,),
    ),
    Patch(
        "the snapshot put last is the newest",
        "an older snapshot never hides a newer one",
        CodeEdit("InMemoryAggregateSnapshotStorageBackend.read", "max(bounded)", "bounded[-1]"),
        f"{_MEMORY}test_an_older_snapshot_is_kept_only_among_the_newest",
        (4,),
    ),
    Patch(
        "retention prunes the snapshots put first",
        "the newest versions are kept, whatever the order of the puts",
        CodeEdit(
            "InMemoryAggregateSnapshotStorageBackend._retain", "sorted(versions)", "list(versions)"
        ),
        f"{_MEMORY}test_an_older_snapshot_is_kept_only_among_the_newest",
        (4,),
    ),
    Patch(
        "superseded snapshots count among the newest",
        "what is proven false is removed before retention counts",
        CodeEdit(
            "InMemoryAggregateSnapshotStorageBackend.put",
            """
            for stamp in supersedes:
                await self.remove(key, stamp)
            """,
            "",
        ),
        f"{_MEMORY}test_superseded_snapshots_do_not_count",
        (37,),
    ),
]
