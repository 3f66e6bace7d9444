"""Protections of the writes to a shared cache that go on behind the answers."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_LATE = "tests/core/test_late_writes.py::"
_END = "tests/core/test_late_writes_end.py::"
_ENDS = f"{_END}TestTheEnd::test_forgetting_and_closing_wait_for_it"
_MANY = f"{_END}TestTooMany::"

PATCHES = [
    Patch(
        "a shared cache is waited for",
        "a committed command is answered though the shared cache isn't",
        CodeEdit("LateWrites._answer", "answered.set_result(None)", "pass"),
        f"{_LATE}TestTheAnswer::test_a_put_without_an_answer_holds_it_up_for_five_milliseconds",
    ),
    Patch(
        "a slow cache isn't waited for",
        "a command waits for a shared cache as long as that is wont to take",
        CodeEdit("LateWrites._patience", "_WAIT_FACTOR * median(self._seconds or (0.0,))", "0"),
        f"{_LATE}TestTheAnswer::"
        "test_a_cache_that_is_slow_is_waited_for_four_times_as_long_as_it_takes",
    ),
    Patch(
        "timeouts count as what a cache takes",
        "what a cache takes is told by what it does",
        CodeEdit("LateWrites._write_after", "await write()", "await write() or True"),
        f"{_LATE}TestTheAnswer::test_what_fails_makes_nobody_wait_longer",
    ),
    Patch(
        "a late put comes after a newer one",
        "the writes of one id are made one after the other",
        CodeEdit("LateWrites._write_after", "if earlier:", "if False:"),
        f"{_LATE}test_a_cache_that_replaces_whatever_is_there_ends_with_the_newest",
    ),
    Patch(
        "a late put comes after the removal of a forget",
        "a forget waits for what goes on behind",
        CodeEdit("WriteBack._write", "with self.in_flight.of(loaded.aggregate_id):", "if True:"),
        f"{_ENDS}[forget]",
    ),
    Patch(
        "closing leaves late puts",
        "closing waits for what goes on behind",
        CodeEdit("LateWrites.drain", "while self._under_way:", "while False:"),
        f"{_ENDS}[close]",
    ),
    Patch(
        "closing forgets what it gives up",
        "what closing gives up is told, and removed in the next life",
        CodeEdit("LateWrites.give_up", "self._cache.outdate(aggregate_id)", ""),
        f"{_END}TestTheEnd::test_closing_tells_what_it_gives_up_and_the_next_life_removes_it",
    ),
    Patch(
        "any number of puts goes on behind",
        "so many puts go on behind, and the entries of further ones are removed",
        CodeEdit("LateWrites._answer", "if len(self._late) < _LATE:", "if True:"),
        f"{_MANY}test_the_entry_of_a_further_one_is_removed",
    ),
    Patch(
        "a put that was given up is forgotten",
        "where a put was given up nothing earlier stays",
        CodeEdit("LateWrites.write", "self._given_up.add(aggregate_id)", "pass"),
        f"{_MANY}test_an_earlier_one_of_the_id_leaves_nothing_when_it_ends_at_last",
    ),
    Patch(
        "a put is given up that nothing makes good",
        "without a settler a further put is waited for",
        CodeEdit(
            "LateWrites._answer",
            "self._cache.outdate(aggregate_id)",
            "self._cache.outdate(aggregate_id) or True",
        ),
        f"{_MANY}test_where_nothing_would_remove_it_the_put_is_waited_for",
    ),
]
