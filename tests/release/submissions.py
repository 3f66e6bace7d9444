"""Reports that others submit for the directory of plugins, and what is wrong with them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, UrlConstraints, ValidationError
from pydantic_core import Url

from interlock_conformance import cases
from interlock_conformance.checks import checks_of
from interlock_conformance.rendering import suites
from interlock_conformance.reports import ReportError, checked, parsed
from interlock_conformance.verdict import Json

_PRIVATE = {
    "an absolute path": re.compile(r"(?<![\w./:~-])(/[\w.+-]+){2,}|\b[A-Za-z]:\\\w"),
    "a user or a password in a URL": re.compile(r"://[^/\s@]+@"),
}
_KNOWN = cases.__all__  # importing the cases registers the checks


class Submission(BaseModel):
    """A file of the directory: who publishes what, and the report on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    distribution: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
    url: Annotated[Url, UrlConstraints(allowed_schemes=["https"], max_length=500)]
    maintainer: Annotated[str, Field(min_length=1, max_length=100)]
    report: dict[str, Any]  # Any: JSON, checked against the suite's schema


def submissions(folder: Path) -> list[Submission]:
    """Those of a folder. Raises `ReportError` with what is wrong in any of them."""
    found, problems = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(submission(path))
        except ReportError as error:
            problems.append(str(error))
    if problems:
        raise ReportError("\n".join(problems))
    return found


def submission(path: Path) -> Submission:
    """The submission of a file. Raises `ReportError`."""
    try:
        found = Submission.model_validate(parsed(path))
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'the file'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ReportError(
            f"{path}: {told}; wanted are distribution, url (https), maintainer, report"
        ) from error
    report = checked(found.report, f"{path}: report")
    for problem in (*_misses(report), *_is_not_of(found), *_unfit(report)):
        raise ReportError(f"{path}: {problem}")
    return found


def private(value: object, where: str = "$") -> Iterator[str]:
    """What shouldn't be published, with its place in the JSON."""
    if isinstance(value, str):
        for what, pattern in _PRIVATE.items():
            if pattern.search(value):
                yield f"{where} holds {what}: {value!r}"
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from private(inner, f"{where}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from private(inner, f"{where}[{index}]")


def _misses(report: Json) -> Iterator[str]:
    for _, suite in suites([report]):
        told = {check["id"] for check in suite["checks"]}
        kinds = {check_id.partition("-")[0] for check_id in told}
        if len(kinds) != 1:
            yield f"the suite {suite['suite']!r} holds no checks of one kind"
        for kind in kinds:
            wanted = {check.id for check in checks_of(kind) if check.counts_in(report["contract"])}
            if missing := sorted(wanted - told):
                yield (
                    f"the suite {suite['suite']!r} lacks {', '.join(missing)} of contract "
                    f"{report['contract']}; run the checks of the newest interlock-conformance, "
                    "and leave the report as it is written"
                )


def _is_not_of(found: Submission) -> Iterator[str]:
    names = {name for _, suite in suites([found.report]) for name in suite["versions"]}
    if found.distribution not in names:
        yield (
            f"no suite is of {found.distribution!r}; they are of "
            f"{', '.join(sorted(names)) or 'nothing installed'}; check the installed backend by "
            "its name: interlock plugins verify NAME --report FILE"
        )


def _unfit(report: Json) -> Iterator[str]:
    if report["verdict"] == "failed":
        failed = [
            check["id"]
            for _, suite in suites([report])
            for check in suite["checks"]
            if check["outcome"] in ("failed", "error")
        ]
        yield (
            f"the verdict is failed ({', '.join(failed)}); conformant ones are listed, and partial "
            "ones apart"
        )
    for leak in private(report):
        yield f"{leak}; a report that is published shouldn't"
