"""The checker names the rule that each made-up bad history breaks, and shows the history."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from history import Call, End, History, Row, Rule
from history_checker import check, violations

NAME = "account"


class Story:
    """A history in which two commands and what was looked at in between are as they should be.

    Process 1 moved 5 and 7 in one command (versions 1 and 2), process 2 then moved 11 (version 3).
    """

    def __init__(self) -> None:
        self.rows = [
            Row(1, "e1", "first", "1.0", amount=5, seen=0, after=0, stood_at=1.0),
            Row(2, "e2", "first", "1.1", amount=7, seen=0, after=0, stood_at=1.0),
            Row(3, "e3", "second", "2.0", amount=11, seen=12, after=2, stood_at=5.0),
        ]
        self.past: list[list[Row]] = []
        self.calls_after_close = {1: 0, 2: 0}
        self.gone: Call | None = None
        self.other: Call | None = None
        self.first = self.call(1, 1, 0, 2, command="first", amounts=(5, 7))
        self.refused = self.call(1, 3, 2, 2, command="refused", amounts=(-20,), end=End.REFUSED)
        self.look = self.call(1, 5, 2, 2, command="look", amounts=())
        self.second = self.call(2, 7, 2, 3, command="second", amounts=(11,))
        self.failed = self.call(2, 9, 3, 3, command="failed", amounts=(1,), end=End.FAILED)
        self.unknown = self.call(2, 11, 3, 3, command="lost", amounts=(1,), end=End.UNKNOWN)
        self.head = self.call(2, 13, 3, 3, tags=("1.0", "1.1", "2.0"))
        self.old = self.call(1, 15, 3, 3, max_age=None, version=2, tags=("1.0", "1.1"))
        self.aged = self.call(1, 17, 3, 3, max_age=3.0, version=2, began_at=7.0)
        self.asked = self.call(1, 19, 3, 3, asked_version=1, version=1, tags=("1.0",))
        self.absent = self.call(1, 21, 3, 3, asked_version=4, end=End.NOT_FOUND)

    def call(self, process: int, began: int, before: int, after: int, **given: object) -> Call:
        """A call that saw the fold of its version, which is the head's if none is given."""
        call = Call(process, NAME, began, float(began), before, head_after=after)
        call.ended, call.end, call.version = began + 1, End.ACKNOWLEDGED, after
        for name, value in given.items():
            setattr(call, name, value)
        call.balance = sum(row.amount for row in self.rows[: call.version])
        return call

    def roll_back(self, rows: list[Row]) -> None:
        """End an era in which these rows stood."""
        self.past.append(rows)
        for call in vars(self).values():
            if isinstance(call, Call):
                call.era_before += 1
                call.era_after += 1

    def history(self) -> History:
        """The history as it is now."""
        calls = [value for value in vars(self).values() if isinstance(value, Call)]
        return History({NAME: self.rows}, calls, {NAME: self.past}, self.calls_after_close)


Plant = Callable[[Story], object]


def change(index: int, **changes: object) -> Plant:
    """Change a row."""

    def plant(story: Story) -> None:
        story.rows[index] = replace(story.rows[index], **changes)  # type: ignore[arg-type] # by name

    return plant


def told(name: str, **changes: object) -> Plant:
    """Change what a caller asked or got."""

    def plant(story: Story) -> None:
        for field, value in changes.items():
            setattr(getattr(story, name), field, value)

    return plant


def add(command: str, amount: int = 1, **changes: object) -> Plant:
    """Let one more event stand."""

    def plant(story: Story) -> None:
        row = Row(4, "e4", command, "9.0", amount=amount, seen=23, after=3, stood_at=12.0)
        story.rows.append(replace(row, **changes))  # type: ignore[arg-type] # by name

    return plant


def dismiss(name: str) -> Plant:
    """Let nobody have called."""
    return lambda story: delattr(story, name)


def lost(**changes: object) -> Plant:
    """Let an event of process 1 have stood before, and change a load that came later."""

    def plant(story: Story) -> None:
        gone = Row(1, "e0", "gone", "0.0", amount=2, seen=0, after=0, stood_at=0.5)
        story.roll_back([gone])
        story.gone = story.call(3, -1, 0, 1, command="gone", amounts=(2,))
        story.gone.balance, story.old.process = 2, 3
        for name, value in changes.items():
            setattr(story.old, name, value)

    return plant


PLANTED: list[tuple[str, Rule, Plant]] = [
    ("a hole in the versions", Rule.CONTIGUOUS, change(2, version=4)),
    ("a version that stands twice", Rule.CONTIGUOUS, change(1, version=1)),
    ("a stream that begins at 0", Rule.CONTIGUOUS, change(0, version=0)),
    ("an event id that stands twice", Rule.ONE_ID, change(2, event_id="e1")),
    ("an event of nobody", Rule.FROM_SOMEWHERE, add("nobody")),
    ("a command whose call is unheard of", Rule.FROM_SOMEWHERE, dismiss("second")),
    ("another amount than was asked for", Rule.WHOLE, change(1, amount=6)),
    ("half of a command", Rule.WHOLE, change(1, command="second")),
    ("a command that stands in two pieces", Rule.WHOLE, told("first", amounts=(5, 7, 2))),
    ("events of a command that asked for none", Rule.WHOLE, add("look")),
    ("a command that stands twice in a row", Rule.ONCE, add("second", 11)),
    ("a command done again later", Rule.ONCE, add("first", 5)),
    ("an acknowledged command that is gone", Rule.ACKNOWLEDGED, lambda s: s.rows.pop()),
    ("a failed command that stands", Rule.NOT_DONE, add("failed")),
    ("a refused command that stands", Rule.NOT_DONE, add("refused", -20)),
    ("a decision on an earlier balance", Rule.ON_THE_HEAD, change(2, seen=5)),
    ("a decision on an earlier version", Rule.ON_THE_HEAD, change(2, after=1)),
    ("an event before its command began", Rule.IN_ITS_TIME, told("second", head_before=3)),
    ("an event after its acknowledgement", Rule.IN_ITS_TIME, told("second", head_after=2)),
    ("an answer of another version", Rule.ANSWER, told("second", version=2)),
    ("an answer of another balance", Rule.ANSWER, told("first", balance=13)),
    ("a state with another balance", Rule.PREFIX, told("head", balance=22)),
    ("a state with an event too many", Rule.PREFIX, told("head", tags=("1.0", "1.1", "2.0", "x"))),
    ("a state with events in another order", Rule.PREFIX, told("old", tags=("1.1", "1.0"))),
    ("a look at half of a command's sum", Rule.PREFIX, told("look", balance=5)),
    ("a refusal on a balance that never was", Rule.PREFIX, told("refused", balance=3)),
    ("a state ahead of every stream", Rule.NOT_AHEAD, told("head", head_after=2)),
    ("an old state for the head", Rule.FRESH, told("old", max_age=0.0)),
    ("a look at a state that isn't the head", Rule.FRESH, told("look", head_before=3)),
    ("a refusal on a state that isn't the head", Rule.FRESH, told("refused", head_before=3)),
    ("a state that is older than allowed", Rule.FRESH, told("aged", began_at=9.0)),
    ("a load that forgets what its process wrote", Rule.OWN_WRITES, told("old", process=2)),
    ("a load that goes back behind another", Rule.OWN_WRITES, told("head", process=1, began=14)),
    (
        "a head that was rolled back",
        Rule.PREFIX,
        lost(max_age=0.0, version=1, balance=2, tags=("0.0",)),
    ),
    (
        "an event of a stream that its process forgot",
        Rule.FORGOTTEN,
        lost(forgot=1, version=1, balance=2, tags=("0.0",)),
    ),
    ("a command that stands in a later era", Rule.IN_ITS_TIME, told("second", era_after=-1)),
    ("another version than the one asked for", Rule.AS_ASKED, told("asked", asked_version=2)),
    ("a version not found that stands", Rule.AS_ASKED, told("absent", asked_version=3)),
    ("a call that never ends", Rule.ENDED, told("unknown", end=End.OPEN)),
    ("an error that nobody documents", Rule.DOCUMENTED, told("failed", end=End.UNDOCUMENTED)),
    ("events missed that are there", Rule.DOCUMENTED, told("absent", end=End.TRUNCATED)),
    ("a failure without anything that failed", Rule.SERVED, told("failed", may_fail=False)),
    ("a replay that is forbidden", Rule.LIMITED, told("head", must_fail=True)),
    ("a tail that is read again", Rule.COST, told("head", rows=2, needed=1)),
    ("a snapshot that was due and isn't there", Rule.WRITTEN, told("second", due=1, written=2)),
    (
        "a store that is asked after the close",
        Rule.CLOSED,
        lambda story: story.calls_after_close.update({2: 1}),
    ),
]


def test_a_history_without_fault_breaks_no_rule() -> None:
    assert violations(Story().history()) == []


@pytest.mark.parametrize("stands", [True, False])
def test_a_command_of_unknown_end_may_stand_once_or_not_at_all(*, stands: bool) -> None:
    story = Story()
    if stands:
        add("lost")(story)
        story.unknown.head_after = 4
        story.head.head_after = story.old.head_after = story.absent.head_after = 4
    assert violations(story.history()) == []


def test_a_cache_may_hold_what_was_rolled_back() -> None:
    story = Story()
    lost(version=1, balance=2, tags=("0.0",))(story)
    assert violations(story.history()) == []


@pytest.mark.parametrize(
    ("heads_known", "found"), [(0, {Rule.OWN_WRITES}), (1, set()), (2, {Rule.OWN_WRITES})]
)
def test_what_a_process_knew_of_too_many_streams_it_may_forget(
    heads_known: int, found: set[Rule]
) -> None:
    story = Story()
    story.old.process, story.old.heads_known = 2, heads_known
    story.other = story.call(2, 13, 0, 0, version=0, balance=0)
    story.other.aggregate = "another"
    assert {violation.rule for violation in violations(story.history())} == found


@pytest.mark.parametrize(("due", "found"), [(3, {Rule.WRITTEN}), (4, set())])
def test_a_snapshot_is_due_at_its_step(due: int, found: set[Rule]) -> None:
    story = Story()
    story.second.due, story.second.written = due, 0
    assert {violation.rule for violation in violations(story.history())} == found


@pytest.mark.parametrize(("event_id", "found"), [("e3", set()), ("e9", {Rule.IN_ITS_TIME})])
def test_what_was_rolled_back_may_come_again_by_a_late_request(
    event_id: str, found: set[Rule]
) -> None:
    story = Story()
    story.past.append([*story.rows])
    change(2, event_id=event_id, stood_at=9.0)(story)
    assert {violation.rule for violation in violations(story.history())} == found


def test_a_request_on_an_earlier_head_may_come_once_the_later_one_is_rolled_back() -> None:
    story = Story()
    story.past.append([*story.rows])
    story.rows = [Row(1, "e9", "second", "2.0", amount=11, seen=0, after=0, stood_at=9.0)]
    assert violations(story.history()) == []


def test_a_command_that_was_rolled_back_while_it_ran_may_have_stood() -> None:
    story = Story()
    lost()(story)
    assert story.gone is not None
    story.gone.end, story.gone.era_after, story.gone.head_after = End.FAILED, 1, 0
    assert violations(story.history()) == []


@pytest.mark.parametrize(
    ("rule", "plant"), [pytest.param(rule, plant, id=name) for name, rule, plant in PLANTED]
)
def test_a_planted_violation_is_found_under_its_rule(rule: Rule, plant: Plant) -> None:
    story = Story()
    plant(story)
    assert rule in {violation.rule for violation in violations(story.history())}


def test_every_rule_is_broken_by_a_planted_violation() -> None:
    assert {rule for _, rule, _ in PLANTED} == set(Rule)


def test_a_violation_is_told_with_its_rule_and_the_history() -> None:
    story = Story()
    story.rows.pop()
    with pytest.raises(AssertionError) as raised:
        check(story.history())
    said = str(raised.value)
    assert "broken: an acknowledged command stands" in said
    assert all(str(part) in said for part in (*story.rows, *story.history().calls))
