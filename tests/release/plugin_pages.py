"""The pages that show the reports; both follow from the JSON beside them and from nothing else."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from interlock_conformance.rendering import COLUMNS, escaped, row, short, suites, table, versions
from interlock_conformance.verdict import Json
from submissions import Submission

_HERE = Path(__file__).parent
_NOTE = "<!-- Written by `tox run -e conformance-reports`: what is edited here is lost. -->\n\n"


def index(reports: Mapping[str, Json]) -> str:
    """The page of the project's own backends, from the reports by their files' names."""
    rows = [
        _linked(row(report, suite), suite, f"reports/{name}.json")
        for name, report in reports.items()
        for suite in report["suites"]
    ]
    made_with = [[name, versions(report)] for name, report in reports.items()]
    return _page(
        "index",
        VERDICTS=_table_or_none(COLUMNS, rows),
        VERSIONS=_table_or_none(("distribution", "with"), made_with),
    )


def directory(found: Sequence[Submission]) -> str:
    """The page of others' backends; those that are partial stand apart."""
    columns = ("distribution", *COLUMNS)
    made_with = [[_link(one), escaped(one.maintainer), versions(one.report)] for one in found]
    conformant = [cells for one in found if not _is_partial(one) for cells in _rows(one)]
    partial = [
        [*cells, undecided]
        for one in found
        if _is_partial(one)
        for cells, undecided in zip(_rows(one), _undecided(one), strict=True)
    ]
    return _page(
        "directory",
        CONFORMANT=_table_or_none(columns, conformant),
        PARTIAL=_table_or_none((*columns, "left out"), partial),
        VERSIONS=_table_or_none(("distribution", "maintainer", "with"), made_with),
    )


def _page(name: str, **tables: str) -> str:
    """The template of this name, its lines of one word in capitals replaced by the tables."""
    template = (_HERE / f"{name}.template.md").read_text("utf-8")
    return _NOTE + re.sub(r"(?m)^([A-Z]+)$", lambda word: tables[word[1]], template)


def _is_partial(one: Submission) -> bool:
    return bool(one.report["verdict"] == "partial")


def _rows(one: Submission) -> Iterator[list[str]]:
    return ([_link(one), *row(report, suite)] for report, suite in suites([one.report]))


def _link(one: Submission) -> str:
    url = str(one.url).translate({ord("|"): "%7C", ord("\\"): "%5C"})
    return f"[{escaped(one.distribution)}](<{url}>)"


def _undecided(one: Submission) -> Iterator[str]:
    for _, suite in suites([one.report]):
        fine = ("passed", "not applicable", "not carried", "not met")
        left = [check for check in suite["checks"] if check["outcome"] not in fine]
        yield ", ".join(f"{check['id']} {check['outcome']}" for check in left)


def _linked(cells: list[str], suite: Json, path: str) -> list[str]:
    position = COLUMNS.index("suite")
    return [*cells[:position], f"[{escaped(short(suite))}]({path})", *cells[position + 1 :]]


def _table_or_none(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(table(columns, rows)) if rows else "None so far."
