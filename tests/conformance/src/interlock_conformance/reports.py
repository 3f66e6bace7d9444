"""Reports that were written before: read, and believed only if they agree with themselves."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import cast

from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it ships no types
from jsonschema.exceptions import best_match  # type: ignore[import-untyped] # as above

from interlock_conformance.checks import Level
from interlock_conformance.verdict import Json, standing, worst


class ReportError(ValueError):
    """The given file is no report."""


def read(path: Path) -> Json:
    """The report of a file. Raises `ReportError`."""
    return checked(parsed(path), str(path))


def parsed(path: Path) -> object:
    """The JSON of a file. Raises `ReportError`."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ReportError(f"{path}: no JSON can be read from it: {error}") from error


def checked(report: object, source: str) -> Json:
    """The report, if it has the published schema and its verdicts follow from its checks.

    Raises `ReportError`, which names the source and the place in it.
    """
    problem = best_match(_schema().iter_errors(report))
    if problem is not None:
        raise ReportError(
            f"{source}: {problem.json_path}: {problem.message}; wanted is what "
            "`--interlock-report FILE` writes, unchanged"
        )
    found = cast(Json, report)
    for index, suite in enumerate(found["suites"]):
        _agrees(suite["verdict"], _verdict_of(suite), f"{source}: $.suites[{index}]")
    _agrees(
        found["verdict"], worst([suite["verdict"] for suite in found["suites"]]), f"{source}: $"
    )
    return found


@cache
def _schema() -> Draft202012Validator:
    text = (files("interlock_conformance") / "schema.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text))


def _verdict_of(suite: Json) -> str:
    """The verdict that the checks of a suite lead to."""
    return worst(
        [
            standing(check["outcome"], _level(check["level"]), suite["capabilities"])
            for check in suite["checks"]
        ]
    )


def _level(text: str) -> Level:
    word, _, capabilities = text.partition(" ")
    return Level(word, tuple(capabilities.split(", ")) if capabilities else ())


def _agrees(told: str, found: str, where: str) -> None:
    if told != found:
        raise ReportError(
            f"{where}.verdict: {told!r}, but what stands below makes it {found!r}; run the checks "
            "again, and leave the report as it is written"
        )
