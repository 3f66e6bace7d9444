"""Protections of loading many at once, and of extensions, which are loaded only where listed."""

from interlock_conformance.mutation import CodeEdit, Edits
from patch import Patch

_ANSWERS = "tests/core/test_many.py::TestAnswers::"
_READS = "tests/core/test_many.py::TestReads::"
_FRESHNESS = "tests/core/test_many.py::TestFreshness::"
_AMISS = "tests/core/test_many_amiss.py::TestWhatIsAmiss::"
_MEANWHILE = "tests/core/test_many.py::TestMeanwhile::"
_EXTENSIONS = "tests/core/test_extensions.py::"

PATCHES = [
    Patch(
        "many come in an order of their own",
        "many are given in the order of their ids",
        CodeEdit("BatchLoader.load", "for given in asked:", "for given in sorted(asked):"),
        f"{_ANSWERS}test_they_come_in_the_order_asked",
    ),
    Patch(
        "an id named twice gives one object",
        "also of many each caller gets an object of its own",
        CodeEdit("BatchLoader.load", "self._records.copy(answer)", "answer.state"),
        f"{_ANSWERS}test_an_id_named_twice_gives_two_objects",
        (8,),
    ),
    Patch(
        "all that are asked for are one batch",
        "many are read by the batch, which bounds the memory",
        CodeEdit("BatchLoader.load", "islice(remaining, _BATCH)", "remaining"),
        f"{_READS}test_ids_are_taken_by_the_batch_when_its_first_is_asked_for",
        (28,),
    ),
    Patch(
        "a cache that gave no answer is put to five hundred times",
        "a batch doesn't wait for each put into a cache that is down",
        CodeEdit(
            "BatchLoader._report_and_keep",
            "if all((miss.reason is not Reason.UNAVAILABLE for miss in loaded.trace.misses)):",
            "if True:",
        ),
        f"{_READS}test_a_cache_that_gave_no_answer_is_not_put_to",
        (15,),
    ),
    Patch(
        "many are never a tail read",
        "where the cache's word isn't enough, the tails are read",
        CodeEdit("BatchLoader._read", "self._reader.is_fresh(baseline, freshness)", "True"),
        f"{_FRESHNESS}test_fast_forward_reads_on_from_hits",
        (5,),
    ),
    Patch(
        "a replay of many starts from the cache",
        "a replay uses neither cache nor snapshot",
        CodeEdit("BatchLoader._find", "if request.may_use_cache:", "if True:"),
        f"{_FRESHNESS}test_replay_uses_neither_cache_nor_snapshot",
    ),
    Patch(
        "a replay of many starts from snapshots",
        "a replay uses neither cache nor snapshot",
        CodeEdit(
            "BatchLoader._find",
            "if absent and request.may_use_snapshots:",
            "if absent:",
        ),
        f"{_FRESHNESS}test_replay_uses_neither_cache_nor_snapshot",
    ),
    Patch(
        "what was young when the batch was read stays so",
        "an age is counted until a state is given",
        CodeEdit(
            "BatchLoader._is_outdated",
            """
            answer.version < self._context.heads.version(
                answer.aggregate_id
            ) or self._context.heads.forgets.since(
                answer.aggregate_id, answer.trace.forget_count
            ) or answer.is_too_old(request, self._context.clock())
            """,
            """
            answer.version < self._context.heads.version(
                answer.aggregate_id
            ) or self._context.heads.forgets.since(answer.aggregate_id, answer.trace.forget_count)
            """,
        ),
        f"{_FRESHNESS}test_what_grew_too_old_since_the_batch_was_read_is_loaded_anew",
    ),
    Patch(
        "one unusable entry fails the batch",
        "what is amiss with one id is no other's matter",
        CodeEdit("AggregateCache._loaded", "except RecordUnusableError:", "except KeyError:"),
        f"{_AMISS}test_an_unusable_entry_is_passed_over_and_removed",
    ),
    Patch(
        "one event that doesn't apply fails the batch",
        "what is amiss with one id is no other's matter",
        CodeEdit(
            "BatchLoader._extend",
            "except (EventApplyError, StreamTruncatedError, UnknownEventError):",
            "except KeyError:",
        ),
        f"{_AMISS}test_an_event_that_does_not_apply_is_raised_when_its_turn_has_come",
    ),
    Patch(
        "a tail that doesn't fit its baseline is folded on",
        "also of many the baseline's own event has to stand in the stream",
        Edits(
            [
                CodeEdit(
                    "BatchLoader._read_tails",
                    "self._extend(tail, rows)",
                    "self._extend(tail, rows) or True",
                ),
                CodeEdit(
                    "TailReplay.end", "if not tail.is_proven and baseline.version:", "if False:"
                ),
            ]
        ),
        f"{_AMISS}test_an_entry_of_another_branch_is_not_taken",
        (5,),
    ),
    Patch(
        "a tail that broke off is taken as far as it came",
        "of many a tail whose event doesn't apply is no answer",
        CodeEdit(
            "BatchLoader._read_tails",
            "self._extend(tail, rows)",
            "self._extend(tail, rows) or True",
        ),
        f"{_AMISS}test_an_event_that_does_not_apply_is_raised_when_its_turn_has_come",
    ),
    Patch(
        "a failing read of many tails fails the load",
        "what can't be read at once is read one by one",
        CodeEdit("BatchLoader._read_tails", "except InterlockError:", "except KeyError:"),
        f"{_AMISS}test_a_failing_read_of_many_tails_is_made_good_one_by_one",
    ),
    Patch(
        "an outage of the snapshot store makes many replay without bound",
        "on_unavailable and replay_limit hold for many as well",
        CodeEdit("BatchLoader._find", "found |= dict.fromkeys(absent)", "pass"),
        f"{_AMISS}test_a_snapshot_store_that_is_down_is_replayed_or_told",
        (15,),
    ),
    Patch(
        "older revisions are not read for many",
        "revisions that the class names serve where no own one is usable",
        CodeEdit(
            "SnapshotHistory.read_many",
            "for scope in self._scopes:",
            "for scope in self._scopes[:1]:",
        ),
        f"{_AMISS}test_named_older_revisions_are_read",
    ),
    Patch(
        "an own commit since the batch was read is overlooked",
        "nothing is given that is older than what this process committed or returned",
        CodeEdit(
            "BatchLoader._is_outdated",
            """
            answer.version < self._context.heads.version(
                answer.aggregate_id
            ) or self._context.heads.forgets.since(
                answer.aggregate_id, answer.trace.forget_count
            ) or answer.is_too_old(request, self._context.clock())
            """,
            """
            self._context.heads.forgets.since(
                answer.aggregate_id, answer.trace.forget_count
            ) or answer.is_too_old(request, self._context.clock())
            """,
        ),
        f"{_MEANWHILE}test_an_own_commit_is_seen",
        (35,),
    ),
    Patch(
        "a hit among many raises no floor",
        "nothing older is returned than what was returned before",
        CodeEdit(
            "BatchLoader._read",
            "self._context.heads.raise_to(aggregate_id, baseline.head, since=since)",
            "pass",
        ),
        f"{_MEANWHILE}test_nothing_older_is_returned_than_what_was_returned_before",
    ),
    Patch(
        "many start from below the floor",
        "a cached entry below the floor is a miss",
        CodeEdit(
            "AggregateCache.read_many",
            "record.version < self._context.heads.version(aggregate_id)",
            "False",
        ),
        f"{_MEANWHILE}test_an_entry_below_the_floor_is_no_baseline",
        (39,),
    ),
    Patch(
        "what was forgotten since the batch was read is given",
        "what is forgotten is gone for those who are still loading many",
        CodeEdit(
            "BatchLoader._is_outdated",
            """
            answer.version < self._context.heads.version(
                answer.aggregate_id
            ) or self._context.heads.forgets.since(
                answer.aggregate_id, answer.trace.forget_count
            ) or answer.is_too_old(request, self._context.clock())
            """,
            """
            answer.version < self._context.heads.version(
                answer.aggregate_id
            ) or answer.is_too_old(request, self._context.clock())
            """,
        ),
        f"{_MEANWHILE}test_what_is_forgotten_meanwhile_is_loaded_anew",
    ),
    Patch(
        "many go on after the close",
        "a closed application gives nothing more",
        CodeEdit("Application.load_many", "self._life.check()", ""),
        f"{_MEANWHILE}test_after_the_close_there_is_no_more",
    ),
    Patch(
        "installed extensions are loaded",
        "an extension is loaded only where it is listed",
        CodeEdit(
            "Catalogue.extensions",
            "[self._specs(ExtensionSpec, name)[0] for name in dict.fromkeys(names)]",
            """
            [
                self._specs(ExtensionSpec, key[1])[0]
                for key in self._points
                if key[0] == "interlock.extensions"
            ]
            """,
        ),
        f"{_EXTENSIONS}test_what_is_not_listed_is_not_imported",
    ),
    Patch(
        "an extension's secrets are shown",
        "what an extension filled in is masked",
        CodeEdit("Filler._from_extension", "Secret(found)", "found"),
        f"{_EXTENSIONS}test_a_secret_fills_in_and_stays_masked",
    ),
    Patch(
        "the extension listed last has the say",
        "the first extension that is listed has the say",
        CodeEdit("Extensions.__init__", "for spec in reversed(specs):", "for spec in specs:"),
        f"{_EXTENSIONS}test_the_first_that_is_listed_has_the_say",
    ),
]
