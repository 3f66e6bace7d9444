"""Protections of the heads that a process knows."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_FLOOR = "tests/core/test_floor.py::"
_AT_ONCE = "tests/core/test_at_once.py::"
_CONFIRMING = "tests/core/test_confirming.py::"

PATCHES = [
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
        "a commit is put below the floor",
        "what a commit made is not put below what is known by then",
        CodeEdit(
            "AggregateCache.put_at_once",
            "record.version < self._heads.version(aggregate_id)",
            "False",
        ),
        f"{_AT_ONCE}test_a_commit_is_not_put_below_what_is_known",
    ),
    Patch(
        "a hit raises no floor",
        "nothing older is returned than what was returned before",
        CodeEdit(
            "Loader.hit", "heads.raise_to(aggregate_id, head, since=heads.forgets.count)", "pass"
        ),
        f"{_AT_ONCE}test_what_a_hit_returned_is_the_least_that_is_returned_later",
    ),
    Patch(
        "a hit at once may be below the floor",
        "one reads one's own writes, also from a cache in this process",
        CodeEdit(
            "AggregateCache.record_at_once",
            "record is None or record.version < self._heads.version(aggregate_id)",
            "record is None",
        ),
        f"{_AT_ONCE}test_an_entry_below_what_was_committed_is_no_hit",
    ),
    Patch(
        "a hit at once may be of another revision",
        "a record is of this code's revision",
        CodeEdit("AggregateCache.record_at_once", "record.check_is_of(key)", "pass"),
        f"{_AT_ONCE}test_an_entry_of_another_revision_is_no_hit",
    ),
    Patch(
        "a look at the head sees the version only",
        "a cached state is of the stream that stands",
        CodeEdit(
            "InMemoryEventStore.is_head_at_once",
            "stream[-1][:2] == (version, event_id.bytes)",
            "stream[-1][0] == version",
        ),
        f"{_AT_ONCE}test_fast_forward_tells_another_event_at_the_same_version",
    ),
    Patch(
        "a head that isn't confirmed counts as one",
        "a cached state is the answer only where the store confirms it",
        CodeEdit(
            "TailReplay._is_confirmed",
            "return await self._context.stream.is_head(baseline.aggregate_id, head)",
            "await self._context.stream.is_head(baseline.aggregate_id, head)\nreturn True",
        ),
        f"{_CONFIRMING}test_a_cached_state_that_is_behind_is_read_on_from",
    ),
    Patch(
        "a state of the past is confirmed as the head",
        "with version= a state of the past is read, whatever the head is",
        CodeEdit(
            "TailReplay._is_confirmed",
            "head is None or baseline.source is not Source.CACHE",
            "head is None",
        ),
        f"{_CONFIRMING}test_snapshots_and_states_of_the_past_are_read",
    ),
    Patch(
        "what can't be confirmed leaves",
        "where the store can't confirm a head, no outcome leaves",
        CodeEdit(
            "EventStream.is_head",
            """
            return await call_backend("the event store's is_head", self.store.timeout, confirmed)
            """,
            """
            try:
                return await call_backend("the event store's is_head", None, confirmed)
            except Exception:
                return True
            """,
        ),
        f"{_CONFIRMING}test_nothing_leaves_that_cannot_be_confirmed",
    ),
    Patch(
        "a store that confirms heads is read all the same",
        "a cached head is confirmed where the store offers it",
        CodeEdit(
            "EventStream.__init__", "store if isinstance(store, ConfirmsHead) else None", "None"
        ),
        f"{_CONFIRMING}test_a_cached_head_is_confirmed_and_not_read",
    ),
    Patch(
        "a method that a class overrides is gone around",
        "a store's own methods are called",
        CodeEdit("variant", "break", "continue"),
        f"{_AT_ONCE}test_a_method_that_a_class_overrides_is_called",
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
        "events that were read raise no floor",
        "no load returns less than the events that were read",
        CodeEdit("Application.events", "if rows:", "if False:"),
        f"{_FLOOR}test_events_that_were_read_are_the_least_that_is_loaded_later",
    ),
    Patch(
        "an answer without events raises no floor",
        "nothing older is returned than what a command was answered from",
        CodeEdit(
            "CommandHandler._is_head",
            "context.heads.raise_to(loaded.aggregate_id, head, since=since)",
            "pass",
        ),
        f"{_FLOOR}test_what_a_command_was_answered_from_is_the_least_that_is_returned_later",
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
        CodeEdit("KnownHeads.raise_to", "if len(heads) > self._size:", "if False:"),
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
]
