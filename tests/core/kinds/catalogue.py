"""All rows, and the tables that the page shows: made only where each is as it is wanted."""

import inspect
from collections.abc import Iterable, Mapping

from kinds import (
    aliases,
    classes,
    containers,
    functions,
    metadata,
    scalars,
    shapes,
    states,
    times,
    words,
)
from kinds.metadata import MetadataRow, metadata_verdict
from kinds.rows import NOT_ASKED, Row
from kinds.trial import Verdict, event_verdict, state_verdict
from kinds.ways import entry_points_once

GROUPS: Mapping[str, tuple[Row, ...]] = {
    "numbers": scalars.NUMBERS,
    "text": scalars.TEXTS,
    "enums": scalars.ENUMS,
    "times": times.TIMES,
    "secrets": times.SECRETS,
    "containers": containers.CONTAINERS,
    "models": classes.MODELS,
    "unions": classes.UNIONS,
    "aliases": aliases.ALIASES,
    "excluded": aliases.EXCLUDED,
    "functions": functions.FUNCTIONS,
    "private": functions.PRIVATE + states.CACHED,
    "defaults": functions.DEFAULTS + states.DEFAULTS,
    "shared": states.SHARED + states.UNSET,
}
ROWS = tuple(row for group in GROUPS.values() for row in group)
METADATA = metadata.METADATA
_HEAD = ("kind", "example", "in an event", "in a state", "write instead")
_METADATA_HEAD = ("kind", "example", "is read back as", "write instead")


class OtherwiseError(Exception):
    """A row isn't as it is wanted."""


def table(group: str, *, is_tried: bool = True) -> str:
    """The rows of a group in Markdown. Raises `OtherwiseError`, but where none is tried."""
    if not is_tried:
        if group == "metadata":
            return _table(_METADATA_HEAD, map(_metadata_shown, METADATA))
        return _table(_HEAD, map(_shown, GROUPS[group]))
    with entry_points_once():
        if group == "metadata":
            return _table(_METADATA_HEAD, map(_metadata_cells, METADATA))
        return _table(_HEAD, map(_cells, GROUPS[group]))


def classes_of_examples() -> str:
    """The classes and functions that the examples name, in Markdown."""
    parts = ((inspect.getsource(shapes), "class Color"), (inspect.getsource(words), "ONE_CHEST"))
    source = "\n\n".join(text[text.index(first) :].rstrip() for text, first in parts)
    return f"```python\n{source}\n```"


def _cells(row: Row) -> tuple[str, ...]:
    if row.in_event != NOT_ASKED:
        _demand(f"{row.kind}, in an event", row.in_event, event_verdict(row))
    _demand(f"{row.kind}, in a state", row.in_state, state_verdict(row))
    return _shown(row)


def _shown(row: Row) -> tuple[str, ...]:
    return (row.kind, _code(row.example), row.in_event, row.in_state, row.instead)


def _metadata_cells(row: MetadataRow) -> tuple[str, ...]:
    _demand(f"{row.kind}, in metadata", row.wanted, metadata_verdict(row))
    return _metadata_shown(row)


def _metadata_shown(row: MetadataRow) -> tuple[str, ...]:
    wanted = row.wanted if row.wanted == metadata.REFUSED else _code(row.wanted)
    return (row.kind, _code(row.value), wanted, row.instead)


def _demand(kind: str, wanted: str, verdict: Verdict) -> None:
    if verdict.found != wanted:
        raise OtherwiseError(f"{kind}: wanted {wanted!r}, found {verdict.found!r}: {verdict.why}")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(head), *map(tuple, rows)]
    lines.insert(1, ("---",) * len(lines[0]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _code(text: str) -> str:
    """Each line as code; a line break within a cell is HTML."""
    return "<br>".join(f"`{line.replace(' ', chr(160))}`" for line in text.splitlines())
