"""Reports as the suite writes them, of backends that don't exist."""

from interlock_conformance import cases
from interlock_conformance.checks import checks_of
from interlock_conformance.verdict import Json, standing, worst

_REGISTERED = cases.__all__  # importing the cases registers the checks
DISTRIBUTION = "interlock-paper-cache"


def report_of(**outcomes: str) -> Json:
    """A cache's report: every check passed, but those named, as `CACHE_004="failed"`."""
    told = {name.replace("_", "-"): outcome for name, outcome in outcomes.items()}
    checks = [
        {
            "id": check.id,
            "level": str(check.level),
            "since": check.since,
            "obligation": check.obligation,
            "outcome": told.get(check.id, "passed"),
            "reason": "as a test wants it" if check.id in told else "",
        }
        for check in checks_of("CACHE")
    ]
    levels = {check.id: check.level for check in checks_of("CACHE")}
    verdict = worst([standing(check["outcome"], levels[check["id"]], ()) for check in checks])
    suite = {
        "suite": "TestPaper",
        "backend": "paper-cache",
        "verdict": verdict,
        "capabilities": [],
        "versions": {DISTRIBUTION: "2.1", "paper": "5.0", "server": "Paper 3 (A4)"},
        "reasons": [],
        "checks": checks,
    }
    return {
        "schema": 1,
        "verdict": verdict,
        "contract": "1.0",
        "versions": {"python": "3.12.1", "interlock": "0.1.0", "interlock-conformance": "0.1.0"},
        "suites": [suite],
    }
