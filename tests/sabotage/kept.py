"""Protections of states that can't be kept, and of what is kept behind the answer."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_KEPT_BY_PLAIN_CLASSES = "tests/core/test_kept_by_plain_classes.py::"
_KEPT = "tests/core/test_kept_states.py::"
_NAMED = f"{_KEPT}test_what_would_be_lost_is_named_counted_and_not_kept"
_NEXT = f"{_KEPT}test_the_type_is_not_condemned"
_FORGOTTEN = f"{_KEPT}test_what_was_forgotten_has_no_reason"
_COPIED = f"{_KEPT}test_states_that_cannot_be_copied_are_loaded_for_each_caller"
_SPENT = f"{_KEPT}test_a_state_that_its_handler_was_given_is_kept_by_nobody"
_FLIGHT = f"{_KEPT}test_loads_that_share_a_flight_do_not_hang_on_the_record"
_LARGE = f"{_KEPT_BY_PLAIN_CLASSES}test_a_state_that_a_codec_finds_too_large_is_said_to_be"
_PLAIN = f"{_KEPT_BY_PLAIN_CLASSES}test_a_plain_class_gets_nothing_that_its_json_would_lose"
_BEHIND = "tests/core/test_kept_behind.py::"
_ENDS = f"{_BEHIND}test_forgetting_and_closing_wait_for_it"

PATCHES = [
    Patch(
        "an entry stays when the next state can't be kept",
        "the entry goes when the next state can't be kept",
        CodeEdit(
            "AggregateCache.put",
            "await self._leave_out(aggregate_id, Reason.NOT_KEPT, error.where)",
            "remember(self._absent, aggregate_id, (Reason.NOT_KEPT, error.where))",
        ),
        f"{_KEPT}test_an_entry_goes_when_the_next_state_cannot_be_kept",
        (11, 40),
    ),
    Patch(
        "nobody hears why nothing is cached",
        "a miss of the cache tells what the last state would have lost",
        CodeEdit(
            "AggregateCache.put",
            "await self._leave_out(aggregate_id, Reason.NOT_KEPT, error.where)",
            "await self.drop(aggregate_id)",
        ),
        _NAMED,
        (29,),
    ),
    Patch(
        "nobody hears why nothing is snapshotted",
        "a miss of the snapshots tells what the last state would have lost",
        CodeEdit(
            "StateRecords._verified",
            "remember(self._losses, loaded.aggregate_id, error.where)",
            "pass",
        ),
        _NAMED,
        (29,),
    ),
    Patch(
        "the reason stays when the next state is kept",
        "a reason goes when the next state is kept",
        CodeEdit("StateRecords._verified", "self._losses.pop(loaded.aggregate_id, None)", "pass"),
        _NEXT,
    ),
    Patch(
        "the cache's reason stays when the next state is kept",
        "the cache's reason goes when the next state is put",
        CodeEdit("AggregateCache.put", "self._absent.pop(aggregate_id, None)", ""),
        _NEXT,
    ),
    Patch(
        "the cache's reason is not forgotten",
        "what is forgotten has no reason",
        CodeEdit("AggregateCache.forget_absence", "self._absent.pop(aggregate_id, None)", ""),
        _FORGOTTEN,
    ),
    Patch(
        "the snapshots' reason is not forgotten",
        "what is forgotten has no reason",
        CodeEdit("StateRecords.forget", "self._losses.pop(aggregate_id, None)", ""),
        _FORGOTTEN,
    ),
    Patch(
        "each loss is logged each time",
        "a loss is logged once for its type and path",
        CodeEdit("Reporting.not_kept", "lost not in self._lost", "True"),
        _NAMED,
    ),
    Patch(
        "losses are not counted",
        "a state that isn't kept is counted each time",
        CodeEdit("Reporting.not_kept", "self.count(name)", "self._counters[name, self._type] = 1"),
        _NAMED,
        (29,),
    ),
    Patch(
        "a loss condemns the type",
        "a state that is lost says nothing of the next",
        CodeEdit(
            "StateRecords._verified",
            "mapper, state = self._mapper, loaded.state",
            """
            mapper, state = self._mapper, loaded.state
            for where in self._not_kept.values():
                raise StateNotKeptError(where, where=where)
            """,
        ),
        _NEXT,
    ),
    Patch(
        "a state that is too large is one that loses something",
        "a state that a codec finds too large is said to be",
        CodeEdit("AggregateMapper.encode", "except RecordTooLargeError:", "except KeyError:"),
        _LARGE,
        (29,),
    ),
    Patch(
        "a snapshot that can't be encoded fails the command",
        "nothing after the commit can fail the command",
        CodeEdit(
            "SnapshotHistory.write",
            'self._context.reporting.failed("snapshot.failed", error, loaded.aggregate_id)',
            "raise",
        ),
        _LARGE,
        (6,),
    ),
    Patch(
        "a rebuild stops at a state that can't be kept",
        "a state that can't be kept is left out of a rebuild",
        CodeEdit("SnapshotHistory.store", "return False", "raise"),
        f"{_KEPT}test_a_snapshot_that_is_asked_for_and_cannot_be_kept_is_left_out",
    ),
    Patch(
        "a plain class gets what its JSON would lose",
        "a plain class gets nothing that its JSON would lose",
        CodeEdit("_handed", "if type(mapper.codec) is not JsonCodec:", "if False:"),
        _PLAIN,
        (19,),
    ),
    Patch(
        "a codec that derives from JSON's is taken for it",
        "a plain class gets nothing that its JSON would lose, whatever the codec derives from",
        CodeEdit(
            "_handed",
            "if type(mapper.codec) is not JsonCodec:",
            "if not isinstance(mapper.codec, JsonCodec):",
        ),
        _PLAIN,
        (19,),
    ),
    Patch(
        "what a plain class isn't given is an outage",
        "what a plain class would lose is told as a loss",
        CodeEdit(
            "translate",
            """
            (
                BackendUnavailableError,
                ConcurrencyError,
                RecordTooLargeError,
                RecordUnusableError,
                StateNotKeptError,
            )
            """,
            """
            (
                BackendUnavailableError,
                ConcurrencyError,
                RecordTooLargeError,
                RecordUnusableError,
            )
            """,
        ),
        _PLAIN,
    ),
    Patch(
        "what a plain class made of a state is taken for it",
        "what a plain class gives back is compared with its JSON, and is no state if it differs",
        CodeEdit("_record", "except StateNotKeptError as error:", "except KeyError as error:"),
        f"{_KEPT_BY_PLAIN_CLASSES}test_what_a_plain_class_gives_back_and_was_not_given_is_no_state",
        (19,),
    ),
    Patch(
        "who can't have a copy gets the same object",
        "every caller gets an object of its own, also of what can't be copied",
        CodeEdit("StateRecords.copy", "return None", "return loaded.state"),
        _COPIED,
        (8,),
    ),
    Patch(
        "who can't have a copy of many gets the same object",
        "an id that is asked for twice is loaded twice if it can't be copied",
        CodeEdit(
            "BatchLoader.load",
            "copy = await self._loader.load(aggregate_id, freshness=request.freshness)",
            "copy = answer.state",
        ),
        _COPIED,
        (8,),
    ),
    Patch(
        "a state without a record is shared",
        "a state whose record can't be had is copied",
        CodeEdit("StateRecords.copy", "copy.deepcopy(loaded.state)", "loaded.state"),
        _FLIGHT,
        (8,),
    ),
    Patch(
        "what a handler was given is kept",
        "a state that its handler was given, for want of a copy, is kept by nobody",
        CodeEdit(
            "CommandHandler._scratch", "loaded.is_spent = copy is None", "loaded.is_spent = False"
        ),
        _SPENT,
        (33,),
    ),
    Patch(
        "events are folded onto what a handler was given",
        "a state that its handler was given isn't gone on from",
        CodeEdit("CommandHandler._commit", "if loaded.is_spent:", "if False:"),
        _SPENT,
        (33,),
    ),
    Patch(
        "a slow state is waited for",
        "a commit is answered before a state that is slow to verify is kept",
        CodeEdit(
            "StateRecords.is_slow",
            "len(loaded.payload) * self._mapper.fidelity.cost > _MANY_BYTES",
            "False",
        ),
        f"{_BEHIND}test_a_commit_is_answered_before_its_state_is_kept",
    ),
    Patch(
        "any number of states waits to be kept",
        "a commit waits where too much goes on behind the answers",
        CodeEdit(
            "WriteBack.after_commit",
            "len(self._behind) + len(self._waiting) < _BEHIND",
            "True",
        ),
        f"{_BEHIND}test_so_many_go_on_behind_and_the_next_is_waited_for",
    ),
    Patch(
        "what goes on behind comes after the removal",
        "a forget waits for what is kept behind the answers",
        CodeEdit(
            "WriteBack.start_behind",
            "in_flight.enter_context(self.in_flight.of(aggregate_id))",
            "",
        ),
        _ENDS,
    ),
    Patch(
        "closing leaves what goes on behind",
        "closing waits for what is kept behind the answers",
        CodeEdit("WriteBack.drain", "while self._behind:", "while False:"),
        _ENDS,
    ),
    Patch(
        "what goes on behind outlives the close",
        "who stops waiting for what is kept behind the answers gives it up",
        CodeEdit("WriteBack.give_up", "task.cancel()", "pass"),
        f"{_BEHIND}test_closing_gives_up_what_takes_too_long",
    ),
    Patch(
        "a cancelled command keeps nothing",
        "what a cancelled command committed is kept too",
        CodeEdit(
            "CommandHandler.handle",
            "self._write_back.start_behind()",
            """
            task = asyncio.current_task()
            if task is not None and not task.cancelling():
                self._write_back.start_behind()
            """,
        ),
        f"{_BEHIND}test_a_cancelled_command_leaves_its_state_too",
    ),
]
