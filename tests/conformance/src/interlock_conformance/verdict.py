"""From the outcomes of checks to one word, and to a report that others can read."""

import platform
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from interlock.errors import ConfigurationError
from interlock_conformance.causes import Cause
from interlock_conformance.checks import CONTRACTS, SHOULD, Check, Level
from interlock_conformance.outcomes import Outcome
from interlock_conformance.selection import selected, spec_of

Json = dict[str, Any]  # Any: JSON values

SCHEMA = 1
_FINE = {"passed", "not applicable", "not met", "not carried"}
_BAD = {"failed", "error"}


@dataclass(slots=True)
class Entry:
    """One check of one suite."""

    check: Check
    outcome: str = "not collected"
    reason: str = "the test is missing from the class"
    cause: Cause | None = None


@dataclass(slots=True)
class SuiteTally:
    """The checks of one test class."""

    name: str
    suite: type
    backend: str
    entries: dict[str, Entry] = field(default_factory=dict)
    capabilities: set[str] | None = None
    answers: dict[str, str] = field(default_factory=dict)

    def problems(self, verdict: str) -> Iterator[Entry]:
        """The entries that the verdict is `failed` for, or `partial`."""
        for entry in self.entries.values():
            if standing(entry.outcome, entry.check.level, self.capabilities) == verdict:
                yield entry

    @property
    def verdict(self) -> str:
        """`failed`, `partial` or `conformant`."""
        return worst(
            [
                standing(entry.outcome, entry.check.level, self.capabilities)
                for entry in self.entries.values()
            ]
        )


class Tally:
    """The results of a session's suites."""

    def __init__(self) -> None:
        self._suites: dict[type, SuiteTally] = {}
        self._items: dict[str, tuple[SuiteTally, str]] = {}

    def collected(self, suite: type, nodeid: str, name: str, check_id: str | None) -> None:
        """A test of a suite: one of its checks, something in the place of one, or another."""
        if suite not in self._suites:
            self._suites[suite] = _new(suite, nodeid.rpartition("::")[0])
        tally = self._suites[suite]
        names = {f"test_{found.name}": found.id for found in suite.interlock_checks}  # type: ignore[attr-defined] # every suite has them
        found = check_id or names.get(name)
        if found is None:
            return
        entry = tally.entries[found]
        if check_id is None:
            entry.outcome, entry.reason = "overridden", f"the class has a {name} of its own"
        else:
            entry.outcome, entry.reason = "not run", "the run ended before"
            self._items[nodeid] = (tally, found)

    def freeze(self, contract: str) -> set[str]:
        """Forget the checks that the contract doesn't have; their node ids."""
        later = set()
        for nodeid, (tally, check_id) in list(self._items.items()):
            if not tally.entries[check_id].check.counts_in(contract):
                del tally.entries[check_id], self._items[nodeid]
                later.add(nodeid)
        return later

    def deselected(self, nodeid: str) -> None:
        """A test that the command line left out."""
        if nodeid in self._items:
            tally, check_id = self._items[nodeid]
            entry = tally.entries[check_id]
            entry.outcome, entry.reason = "deselected", "left out by -k, -m or --deselect"

    def reported(
        self, nodeid: str, when: str, outcome: str, text: str, told: Any
    ) -> None:  # Any: what the test told, or None
        """A phase of a test; the check's own word, if there is one, weighs more than pytest's."""
        if nodeid not in self._items:
            return
        tally, check_id = self._items[nodeid]
        entry = tally.entries[check_id]
        if told is not None and when == "call":
            tally.capabilities = set(told["capabilities"])
            tally.backend = told["backend"] or tally.backend
            tally.answers.update(told["answers"])
            entry.cause = told["cause"] and Cause(*told["cause"])
        if told is not None and when == "call" and outcome != "xfailed":
            entry.outcome, entry.reason = told["outcome"], told["reason"]
        elif told is not None and when == "call":
            is_ours = told["outcome"] in (Outcome.NOT_MET, Outcome.ADVISED_AGAINST)
            entry.outcome = told["outcome"] if is_ours else "xfailed"
            entry.reason = told["reason"]
        elif outcome == "failed":
            entry.outcome, entry.reason = "error", text.strip().rpartition("\n")[2]
        elif outcome in ("skipped", "xfailed"):
            entry.outcome, entry.reason = outcome, text.strip().rpartition("\n")[2]

    def report(self, contract: str | None) -> Json:
        """The verdict with everything that led to it; `schema.json` describes it."""
        suites = [_suite(tally) for tally in self._suites.values()]
        return {
            "schema": SCHEMA,
            "verdict": worst([suite["verdict"] for suite in suites]),
            "contract": contract or CONTRACTS[-1],
            "versions": {
                "python": platform.python_version(),
                "interlock": _version("interlock"),
                "interlock-conformance": _version("interlock-conformance"),
            },
            "suites": suites,
        }

    def lines(self, contract: str | None) -> Iterator[str]:
        """The verdict for people."""
        for tally in self._suites.values():
            passed = sum(entry.outcome == "passed" for entry in tally.entries.values())
            yield f"{tally.name}: {tally.verdict} ({passed} of {len(tally.entries)} checks passed)"
            yield from _failed(tally)
            yield from _undecided(tally)
            yield from _not_met(tally)
            inapplicable = [e for e in tally.entries.values() if e.outcome == "not applicable"]
            if inapplicable:
                yield f"  not applicable: {', '.join(e.check.id for e in inapplicable)}"
            not_carried = [c.id for c in tally.suite.interlock_not_carried]  # type: ignore[attr-defined] # as above
            if not_carried:
                yield f"  a plain class can't carry: {', '.join(not_carried)}"
        verdict = self.report(contract)["verdict"]
        yield f"verdict, contract {contract or CONTRACTS[-1]}: {verdict}"


def _failed(tally: SuiteTally) -> Iterator[str]:
    """Failed checks; of those that failed from one error of the backend's the first."""
    causes: dict[str, list[Entry]] = {}
    for entry in tally.problems("failed"):
        key = entry.check.id if entry.cause is None else entry.cause.key
        causes.setdefault(key, []).append(entry)
    for first, *others in causes.values():
        yield f"  {first.check.id} {first.outcome}: {first.check.obligation}"
        told = first.reason.splitlines()
        for line in told[1:] if first.outcome == Outcome.FAILED else told:  # less the obligation
            yield f"      {line}"
        if first.outcome == Outcome.FAILED and first.cause is not None and first.cause.place:
            yield f"      in {first.cause.place}"
        if others:
            ids = ", ".join(entry.check.id for entry in others)
            yield f"      the same error in {len(others)} more: {ids}"


def _undecided(tally: SuiteTally) -> Iterator[str]:
    """Required checks that weren't decided, by reason."""
    reasons: dict[str, list[str]] = {}
    for entry in tally.problems("partial"):
        reasons.setdefault(f"{entry.outcome}: {entry.reason}", []).append(entry.check.id)
    for reason, ids in reasons.items():
        yield f"  {', '.join(ids)} {reason}"


def _not_met(tally: SuiteTally) -> Iterator[str]:
    """Recommendations that weren't met."""
    for entry in tally.entries.values():
        if entry.outcome == Outcome.NOT_MET:
            happened = entry.reason.partition("happened: ")[2].partition("\n")[0]
            yield f"  {entry.check.id} not met, though not required: {entry.check.obligation}"
            yield f"      happened: {happened}"


def standing(outcome: str, level: Level, capabilities: Collection[str] | None) -> str:
    """The best verdict that is left when a check ended so.

    Leaving out a check that doesn't count does no harm; as long as no capability is known, all of
    them count.
    """
    if outcome in _BAD:
        return "failed"
    counts = level != SHOULD and (capabilities is None or level.applies_to(capabilities))
    return "partial" if counts and outcome not in _FINE else "conformant"


def worst(verdicts: Collection[str]) -> str:
    """Of several; nothing is proven where there is none."""
    words = "failed", "partial", "conformant"
    return next((word for word in words if word in verdicts), "partial")


def _new(suite: type, nodeid: str) -> SuiteTally:
    found = selected()
    is_named = suite.__module__.startswith("interlock_conformance.suites.") and found is not None
    name = suite.__qualname__ if found is None or not is_named else found.reference.name
    if is_named and nodeid.rpartition("/")[2].startswith("test_packaging"):
        name += " (packaging)"
    checks: tuple[Check, ...] = suite.interlock_checks  # type: ignore[attr-defined] # as above
    backend = found.reference.name if found is not None and is_named else suite.__qualname__
    return SuiteTally(name, suite, backend, {check.id: Entry(check) for check in checks})


def _suite(tally: SuiteTally) -> Json:
    entries = [_entry(entry) for entry in tally.entries.values()]
    entries += [
        _entry(Entry(check, "not carried", "the plain protocol has no way to say it"))
        for check in tally.suite.interlock_not_carried  # type: ignore[attr-defined] # as above
    ]
    return {
        "suite": tally.name,
        "backend": tally.backend,
        "verdict": tally.verdict,
        "capabilities": sorted(tally.capabilities or ()),
        "versions": {**_versions(tally), **tally.answers},
        "reasons": [
            f"{entry.check.id} {entry.outcome}"
            for verdict in ("failed", "partial")
            for entry in tally.problems(verdict)
        ],
        "checks": entries,
    }


def _entry(entry: Entry) -> Json:
    return {
        "id": entry.check.id,
        "level": str(entry.check.level),
        "since": entry.check.since,
        "obligation": entry.check.obligation,
        "outcome": entry.outcome,
        "reason": entry.reason if entry.outcome != "passed" else "",
    }


def _versions(tally: SuiteTally) -> dict[str, str]:
    """Of the distribution of a named backend, and of what it depends on."""
    try:
        module = spec_of(tally.backend).factory.partition(".")[0].partition(":")[0]
    except ConfigurationError:
        return {}  # no registered name, so nobody knows whose it is
    distribution = module.replace("_", "-")
    versions = {distribution: _version(distribution)}
    for requirement in _requires(distribution):
        name = "".join(c if c.isalnum() or c in "-_." else " " for c in requirement).split()[0]
        versions[name] = _version(name)
    return {name: found for name, found in versions.items() if found}


def _requires(distribution: str) -> list[str]:
    try:
        return [text for text in requires(distribution) or [] if "extra ==" not in text]
    except PackageNotFoundError:
        return []


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
