"""The checks of the conformance suite, and what each is killed by."""

import sys
from collections import defaultdict
from itertools import groupby

import interlock_conformance.cases  # noqa: F401 it registers the checks
from interlock_conformance.checks import Check, checks_of
from interlock_conformance.gallery.collection import MUTANTS


def checks(kind: str) -> str:
    """A table of the checks of a kind: CACHE, SNAP, EVENTS or PLUG."""
    found = list(checks_of(kind))
    rows = [
        f"| `{check.id}` | {check.level} | {'yes' if check.is_plain else ''} | {check.obligation} |"
        for check in found
    ]
    head = ["| id | level | plain | obligation |", "|---|---|---|---|"]
    return "\n".join([f"{len(found)} checks.", "", *head, *rows])


def killers(kind: str) -> str:
    """A table of the checks of a kind by family, with the broken backends that each has to notice.

    A family is the checks of one module of the suite, whose docstring names it.
    """
    broken: defaultdict[str, list[str]] = defaultdict(list)
    for mutant in MUTANTS:
        broken[mutant.killer].append(f"`{mutant.name}`")
    found = sorted(checks_of(kind), key=lambda check: (_family(check), check.id))
    rows = []
    for family, members in groupby(found, key=_family):
        rows.append(f"| **{family}** | |")
        rows += [f"| `{check.id}` | {', '.join(broken[check.id])} |" for check in members]
    count = sum(len(broken[check.id]) for check in found)
    head = ["| check | broken backends |", "|---|---|"]
    return "\n".join([f"{len(found)} checks, {count} broken backends.", "", *head, *rows])


def _family(check: Check) -> str:
    """The first line of the docstring of the check's module, less what all have in common."""
    lines = (sys.modules[check.function.__module__].__doc__ or "").splitlines()
    text = lines[0].rstrip(".").removeprefix("The checks of event stores: ")
    return text[:1].upper() + text[1:]
