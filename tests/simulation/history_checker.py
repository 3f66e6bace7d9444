"""Holds what callers asked and got against the event store's rows; knows nothing of the core.

A stream that is rolled back or deleted has an era before it and one after; what holds of a stream
holds in each of them. Every rule has a name, which a violation tells together with the history.
"""

from collections.abc import Callable, Sequence

from history import End, History, Rule
from rule_parts import Found, Violation
from state_rules import own_writes, states
from stream_rules import events, outcomes, streams


def check(history: History) -> None:
    """Raise `AssertionError` with the rules that the history breaks, and the history."""
    found = violations(history)
    if found:
        said = "\n".join(f"broken: {each.rule}: {each.where}" for each in found)
        raise AssertionError(f"{said}\n{history}")


def violations(history: History) -> list[Violation]:
    """Find every rule that the history breaks."""
    return [violation for rule in _RULES for violation in rule(history)]


def _ends(history: History) -> Found:
    for call in history.calls:
        if call.end is End.OPEN:
            yield Violation(Rule.ENDED, str(call))
        elif call.end is End.UNDOCUMENTED or (
            call.end is End.TRUNCATED
            and not call.may_miss_events
            and call.era_before == call.era_after  # else they may have gone between two reads
        ):
            yield Violation(Rule.DOCUMENTED, str(call))
        elif call.end is End.FAILED and not (call.may_fail or call.must_fail):
            yield Violation(Rule.SERVED, str(call))
        elif call.must_fail and call.end is not End.FAILED:
            yield Violation(Rule.LIMITED, str(call))


def _work(history: History) -> Found:
    """Whether no more is done than has to be, and no less."""
    for call in history.calls:
        if call.needed is not None and call.rows > call.needed:
            yield Violation(Rule.COST, str(call))
        if call.due is not None and call.end is End.ACKNOWLEDGED:
            before = call.version - len(call.amounts or ())
            is_due = call.version // call.due > before // call.due
            if is_due and call.written < call.version:
                yield Violation(Rule.WRITTEN, str(call))
    for process, calls in history.calls_after_close.items():
        if calls:
            yield Violation(Rule.CLOSED, f"process {process}: {calls} calls")


_RULES: Sequence[Callable[[History], Found]] = (
    streams,
    events,
    outcomes,
    states,
    own_writes,
    _ends,
    _work,
)
