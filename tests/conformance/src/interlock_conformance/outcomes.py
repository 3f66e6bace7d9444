"""Making one check of one suite, with pytest or without."""

from dataclasses import dataclass, field
from enum import StrEnum

from interlock_conformance.causes import Cause, cause_of
from interlock_conformance.checks import CannotTell, Check, CheckFailed
from interlock_conformance.subject import Suite


class Outcome(StrEnum):
    """The outcome of a check."""

    PASSED = "passed"
    FAILED = "failed"
    """By the check's own assertion."""
    ERROR = "error"
    """Something else was raised."""
    NOT_MET = "not met"
    """A SHOULD that failed."""
    ADVISED_AGAINST = "advised against"
    """A check of the level ADVISED that failed."""
    NOT_APPLICABLE = "not applicable"
    CANNOT_TELL = "cannot tell"


_OF_FAILURE = {"SHOULD": Outcome.NOT_MET, "ADVISED": Outcome.ADVISED_AGAINST}


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a check, and its reason."""

    check: Check
    outcome: Outcome
    reason: str = ""
    error: BaseException | None = None
    cause: Cause | None = None
    capabilities: frozenset[str] = frozenset()
    backend: str = ""
    answers: dict[str, str] = field(default_factory=dict)


def make_check(check: Check, suite: Suite) -> Result:
    """Make the check with stores of its own; every `Exception` becomes part of the result."""
    __tracebackhide__ = True
    capabilities: frozenset[str] = frozenset()
    answers: dict[str, str] = {}
    backend = ""

    def result(outcome: Outcome, error: BaseException | None = None, why: str = "") -> Result:
        cause = None if error is None else cause_of(error)
        reason = why if error is None else str(error)
        if cause is not None and outcome is Outcome.ERROR:
            reason = "\n".join(cause.lines())
        return Result(check, outcome, reason, error, cause, capabilities, backend, answers)

    try:
        with suite.harness(suite) as harness:
            capabilities, answers = harness.capabilities, harness.subject.answers
            backend = harness.subject.name
            if not check.level.applies_to(capabilities):
                return result(Outcome.NOT_APPLICABLE, why=_why_not(check, capabilities))
            check.run(harness)
    except CheckFailed as error:
        return result(_OF_FAILURE.get(check.level.word, Outcome.FAILED), error)
    except CannotTell as error:
        return result(Outcome.CANNOT_TELL, error)
    except Exception as error:  # noqa: BLE001 whatever a backend raises is reported
        return result(Outcome.ERROR, error)
    return result(Outcome.PASSED)


def _why_not(check: Check, capabilities: frozenset[str]) -> str:
    if check.level.word == "UNLESS":
        found = sorted(capabilities.intersection(check.level.capabilities))
        return f"the backend is {', '.join(found)}"
    missing = sorted(set(check.level.capabilities) - capabilities)
    return f"the backend doesn't say that it is or has {', '.join(missing)}"
