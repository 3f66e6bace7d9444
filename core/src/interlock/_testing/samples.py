"""Payloads as they were stored once, in files of the repository, that have to be read for ever."""

import json
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json, to_json

from interlock._model.aggregate import Aggregate, routes_of
from interlock._model.routes import EventEntry
from interlock._testing.stored import stored
from interlock._values.fidelity import told
from interlock.errors import UnknownEventError

Folder = str | PathLike[str]


class Sample(BaseModel):
    """A file: what an event store kept of an event, and what it is to be read as, if that is told.

    `reads_as` is the JSON of the event; without it every value of the payload has to be there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    schema_version: int
    payload: dict[str, Any]  # Any: JSON values
    reads_as: dict[str, Any] | None = None  # Any: as above


def write_samples(
    aggregate_type: type[Aggregate], folder: Folder, events: Iterable[BaseModel]
) -> list[Path]:
    """Write each event, as it is stored now, to `TYPE.vSCHEMA_VERSION.json`; the new files.

    A file that is there stays as it is: it tells what was stored once. The events are emitted in
    turn on a new aggregate. Raises what `emit` raises, and `OSError`.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    written = []
    for row in stored(aggregate_type, UUID(int=0), events):
        path = Path(folder) / _file_name(row.type, row.schema_version)
        if not path.exists():
            sample = Sample(
                type=row.type, schema_version=row.schema_version, payload=from_json(row.payload)
            )
            text = sample.model_dump_json(exclude_none=True, indent=2)
            path.write_text(f"{text}\n", encoding="utf-8")
            written.append(path)
    return written


def assert_reads(aggregate_type: type[Aggregate], folder: Folder) -> None:
    """Assert that every sample in the folder is still read, and that every event has one.

    A sample is decoded as a stored event is, upcast first if it is of an older schema. The event
    then has to have each value of the payload under its name, if the schema is the same, or be what
    `reads_as` says. Each event that the aggregate emits needs a sample of its present schema
    version. Raises `AssertionError` that lists everything that is amiss, and `OSError`.
    """
    problems, seen = [], set()
    for path in sorted(Path(folder).glob("*.json")):
        try:
            sample = Sample.model_validate_json(path.read_bytes())
        except ValidationError as error:
            problems.append(f"{path.name} is no sample: {told(error)}")
            continue
        seen.add((sample.type, sample.schema_version))
        problems += [f"{path.name}: {problem}" for problem in _amiss(aggregate_type, sample)]
    for entry in routes_of(aggregate_type).emits.values():
        if not entry.is_read_only and (entry.name, entry.schema_version) not in seen:
            problems.append(
                f"{_file_name(entry.name, entry.schema_version)} isn't there; write_samples "
                f"writes it of a {entry.event_class.__name__}"
            )
    if problems:
        lines = "".join(f"\n- {problem}" for problem in problems)
        raise AssertionError(f"{aggregate_type.__name__}, samples in {folder}:{lines}")


def _file_name(name: str, schema_version: int) -> str:
    safe = "".join(each if each.isalnum() or each in "-_." else "_" for each in name)
    return f"{safe}.v{schema_version}.json"


def _amiss(aggregate_type: type[Aggregate], sample: Sample) -> Iterator[str]:
    entry = routes_of(aggregate_type).events.get(sample.type)
    if entry is None:
        yield (
            f"{aggregate_type.__name__} applies no event stored as {sample.type!r}; add an "
            "applier, or name it in an event's former_names"
        )
        return
    try:
        event = entry.decode(sample.schema_version, to_json(sample.payload))
    except UnknownEventError as error:
        yield str(error)
    except ValidationError as error:
        yield f"isn't read any more: {told(error)}"
    except Exception as error:  # noqa: BLE001 whatever an upcaster raises
        yield f"isn't read any more: {error!r}"
    else:
        yield from _unlike(entry, sample, json.loads(event.model_dump_json()))


def _unlike(
    entry: EventEntry, sample: Sample, found: dict[str, Any]
) -> Iterator[str]:  # Any: JSON values
    if sample.reads_as is not None:
        wanted = sample.reads_as
        names = sorted(wanted.keys() | found.keys())
    elif sample.schema_version == entry.schema_version:
        wanted, names = sample.payload, sorted(sample.payload)
    else:
        return
    for name in names:
        if name not in found:
            yield (
                f"{name} is lost: {entry.event_class.__name__} has no such value any more; raise "
                "its schema_version and add an upcaster, or say in reads_as what it is read as"
            )
        elif name not in wanted:
            yield f"{name} is {found[name]!r}; reads_as has no such value"
        elif found[name] != wanted[name]:
            yield f"{name} is read as {found[name]!r}; wanted {wanted[name]!r}"
