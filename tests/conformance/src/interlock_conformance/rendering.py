"""Reports as Markdown and as a badge."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from interlock_conformance.verdict import Json, worst

COLUMNS = ("backend", "suite", "verdict, contract", "checks", "server")

_UNTOLD = ("not applicable", "not carried")
_MARKED = re.compile(r"([\\`*_{}\[\]|~])")
_COLOURS = {"conformant": "#1a7f37", "partial": "#9a6700", "failed": "#cf222e"}
_LABEL = "interlock"
_CHARACTER, _MARGIN = 7, 12  # pixels, of Verdana at size 11
_BADGE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}">
  <title>{title}</title>
  <rect width="{width}" height="20" fill="{colour}"/>
  <rect width="{split}" height="20" fill="#444"/>
  <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
    <text x="{label_at}" y="14">{label}</text>
    <text x="{message_at}" y="14">{message}</text>
  </g>
</svg>
"""


def markdown(reports: Sequence[Json]) -> str:
    """The verdicts in a table, the versions, and each check that didn't pass, with its reason."""
    lines = [*table(COLUMNS, (row(report, suite) for report, suite in suites(reports)))]
    lines += ["", *(f"With {told}." for told in dict.fromkeys(map(versions, reports)))]
    for _, suite in suites(reports):
        undone = [check for check in suite["checks"] if check["outcome"] != "passed"]
        told = [check for check in undone if check["outcome"] not in _UNTOLD]
        if undone:
            lines += ["", f"## {escaped(suite['backend'])}, {escaped(short(suite))}"]
        if told:
            cells = ([check["id"], check["outcome"], escaped(_told(check))] for check in told)
            lines += ["", *table(("check", "outcome", "why"), cells)]
        for outcome in _UNTOLD:
            ids = [check["id"] for check in undone if check["outcome"] == outcome]
            if ids:
                lines += ["", f"{outcome.capitalize()}: {', '.join(ids)}."]
    return "\n".join([*lines, ""])


def suites(reports: Iterable[Json]) -> Iterator[tuple[Json, Json]]:
    """Each suite with the report that it stands in."""
    return ((report, suite) for report in reports for suite in report["suites"])


def row(report: Json, suite: Json) -> list[str]:
    """The cells of a suite under `COLUMNS`."""
    outcomes = Counter(check["outcome"] for check in suite["checks"])
    passed = [f"{outcomes.pop('passed', 0)} passed"]
    counts = ", ".join(passed + [f"{count} {word}" for word, count in sorted(outcomes.items())])
    return [
        escaped(suite["backend"].removeprefix("Test")),
        escaped(short(suite)),
        f"**{suite['verdict']}** {report['contract']}",
        escaped(counts),
        escaped(suite["versions"].get("server", "")),
    ]


def versions(report: Json) -> str:
    """Of Python, of the distributions, and of what these depend on."""
    found = {**report["versions"]}
    for suite in report["suites"]:
        found |= suite["versions"]
    names = sorted(found.keys() - {"python", "server"})
    told = [("Python", found.get("python", "")), *((name, found[name]) for name in names)]
    return escaped(", ".join(f"{name} {version}" for name, version in told))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; what stands in the cells is Markdown already."""
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for cells in rows:
        yield f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """The text as Markdown that shows it, on one line, whatever it holds."""
    return _MARKED.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def short(suite: Json) -> str:
    """The suite's name without what pytest wants."""
    name: str = suite["suite"]
    return name.removeprefix("Test")


def badge(reports: Sequence[Json]) -> str:
    """The worst of the verdicts and the oldest contract, as a small SVG."""
    verdict = worst([report["verdict"] for report in reports])
    contract = min((report["contract"] for report in reports), key=_number)
    message = f"{verdict} {contract}"
    split, rest = (len(text) * _CHARACTER + _MARGIN for text in (_LABEL, message))
    return _BADGE.format(
        title=f"{_LABEL}: {message}",
        width=split + rest,
        colour=_COLOURS[verdict],
        split=split,
        label_at=split / 2,
        label=_LABEL,
        message_at=split + rest / 2,
        message=message,
    )


def _told(check: Json) -> str:
    obligation, reason = str(check["obligation"]), str(check["reason"])
    return reason if obligation in reason else f"{obligation} {reason}".strip()


def _number(contract: str) -> list[int]:
    return [int(part) for part in contract.split(".")]
