"""The checks of the conformance suite."""

import interlock_conformance.cases  # noqa: F401 it registers the checks
from interlock_conformance.checks import checks_of


def checks(kind: str) -> str:
    """A table of the checks of a kind: CACHE, SNAP, EVENTS or PLUG."""
    found = list(checks_of(kind))
    rows = [
        f"| `{check.id}` | {check.level} | {'yes' if check.is_plain else ''} | {check.obligation} |"
        for check in found
    ]
    head = ["| id | level | plain | obligation |", "|---|---|---|---|"]
    return "\n".join([f"{len(found)} checks.", "", *head, *rows])
