"""Files to which the first events of streams are moved: one for each stream, JSON lines.

The first line tells the stream, each further one an event, the last one which event comes next.
Each ends with a checksum of itself and of the one before, so that none can be missing, changed or
moved. A file is replaced as a whole, and only once the new one is on the disk.
"""

import hashlib
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from pydantic_core import from_json, to_json

from interlock._storage.records import EventRow
from interlock.errors import ArchiveError

FORMAT = "interlock-archive"
FORMAT_VERSION = 1

_SUM = b',"sum":"'
_TAIL = len(_SUM) + 32 + 2  # the digest in hexadecimal, then "}
_LONGEST_NAME = 150


class Next(NamedTuple):
    """The event behind the last one that is archived: its version, and its id's 16 bytes."""

    version: int
    event_id: bytes


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """The archive of one stream, which may not be there yet."""

    path: Path
    aggregate_type: str
    aggregate_id: UUID

    @classmethod
    def at(cls, path: Path) -> "ArchiveFile":
        """The archive that a file is, by its first line. Raises `ArchiveError` if it is none."""
        try:
            with path.open("rb") as file:
                found = from_json(_checked_line(file.readline(), b"")[0])
            return cls(path, found["type"], UUID(found["id"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArchiveError(f"{path} is no archive: {error}") from error

    def exists(self) -> bool:
        """Whether anything of the stream is archived."""
        return self.path.exists()

    def rows(self, first: int = 1, last: int | None = None) -> Generator[EventRow, None, None]:
        """The events with `first <= version <= last`; each line up to the last one is checked.

        Raises `ArchiveError` for whatever isn't as it was written.
        """
        with closing(self.lines()) as lines:
            for found in lines:
                if isinstance(found, Next) or (last is not None and found.version > last):
                    return
                if found.version >= first:
                    yield found

    def following(self) -> Next:
        """The event that comes next, by the last line; all are checked."""
        for found in self.lines():
            if isinstance(found, Next):
                return found
        raise AssertionError("a file whose last line tells no event was read to its end")

    @contextmanager
    def writing(self) -> Iterator["ArchiveWriter"]:
        """A writer of all of its events, under a name of its own; `replace` follows."""
        self._new.parent.mkdir(parents=True, exist_ok=True)
        with self._new.open("wb") as file:
            yield ArchiveWriter(file, self)

    def replace(self) -> None:
        """Put what was written in the place of what was there; from then on it stays so."""
        self._new.replace(self.path)
        _sync_folder(self.path.parent)

    def remove(self) -> None:
        """Delete it, and what a run that was killed has left."""
        for path in (self.path, self._new):
            path.unlink(missing_ok=True)
        if self.path.parent.exists():
            _sync_folder(self.path.parent)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else changes archives of the type, in any process, until this ends.

        The lock ends with the process.
        """
        try:
            import fcntl  # noqa: PLC0415 not every system has it
        except ImportError as error:
            raise ArchiveError("archives need locks on files, which this system lacks") from error
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with (self.path.parent / ".lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    @property
    def _new(self) -> Path:
        return self.path.with_suffix(".new")

    def lines(self) -> Generator[EventRow | Next, None, None]:
        """All events, then the one that comes next. Raises as `rows` does."""
        number = 0
        try:
            with self.path.open("rb") as file:
                told = b""
                end: Next | None = None
                for number, line in enumerate(file, start=1):
                    body, told = _checked_line(line, told)
                    found = from_json(body)
                    if end is not None:
                        raise ValueError("a line behind the last one")
                    if number == 1:
                        self._check_first(found)
                    elif "next" in found:
                        end = Next(found["next"], UUID(found["event_id"]).bytes)
                    else:
                        yield _row(found)
                if end is None:
                    raise ValueError("its last line is missing")
                yield end
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArchiveError(f"the archive {self.path}, line {number}: {error}") from error

    def _check_first(self, found: dict[str, Any]) -> None:  # Any: JSON values
        wanted = FORMAT, FORMAT_VERSION, self.aggregate_type, str(self.aggregate_id)
        names = "format", "format_version", "type", "id"
        for name, value in zip(names, wanted, strict=True):
            if found[name] != value:
                raise ValueError(f"its {name} is {found[name]!r}; wanted {value!r}")


@dataclass(frozen=True, slots=True)
class Archive:
    """The archives of an application's streams, in a folder."""

    folder: Path
    namespace: str

    def file(self, aggregate_type: str, aggregate_id: UUID) -> ArchiveFile:
        """That of a stream: `FOLDER/NAMESPACE/TYPE/ID.jsonl`."""
        of_type = self.folder / _name(self.namespace) / _name(aggregate_type)
        return ArchiveFile(of_type / f"{aggregate_id}.jsonl", aggregate_type, aggregate_id)


class ArchiveWriter:
    """Writes lines, each with its checksum; the events come in the order of their versions."""

    def __init__(self, file: IO[bytes], of: ArchiveFile) -> None:
        self._file = file
        self._told = b""
        self._write(
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "type": of.aggregate_type,
                "id": str(of.aggregate_id),
            }
        )

    def extend(self, rows: Iterable[EventRow]) -> None:
        """Write the next events."""
        for row in rows:
            self._write(_event(row))

    def end(self, following: Next) -> None:
        """Write the last line; all of it is on the disk then."""
        self._write({"next": following[0], "event_id": str(UUID(bytes=following[1]))})
        self._file.flush()
        os.fsync(self._file.fileno())

    def _write(self, value: dict[str, object]) -> None:
        body = to_json(value)
        self._told = _sum_of(self._told, body)
        self._file.write(b'%s%s%s"}\n' % (body[:-1], _SUM, self._told))


def _sum_of(before: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(before + body, digest_size=16).hexdigest().encode()


def _checked_line(line: bytes, before: bytes) -> tuple[bytes, bytes]:
    """The line without its checksum, and that."""
    if not line.endswith(b'"}\n'):
        raise ValueError("the line is cut off")
    line = line[:-1]
    body, told = line[:-_TAIL] + b"}", line[-34:-2]
    if line[-_TAIL:-34] != _SUM or told != _sum_of(before, body):
        raise ValueError("its checksum is another, so a line was changed, lost or moved")
    return body, told


def _event(row: EventRow) -> dict[str, object]:
    version, event_id, name, schema_version, recorded_at, metadata, payload = row
    return {
        "version": version,
        "event_id": str(UUID(bytes=event_id)),
        "type": name,
        "schema_version": schema_version,
        "recorded_at": recorded_at,
        **_text_of("metadata", metadata),
        **_text_of("payload", payload),
    }


def _row(found: dict[str, Any]) -> EventRow:  # Any: JSON values
    return EventRow(
        found["version"],
        UUID(found["event_id"]).bytes,
        found["type"],
        found["schema_version"],
        found["recorded_at"],
        _bytes(found, "metadata"),
        _bytes(found, "payload"),
    )


def _text_of(name: str, content: bytes) -> dict[str, str]:
    """The bytes as text; those that are none, in hexadecimal."""
    try:
        return {name: content.decode()}
    except UnicodeDecodeError:
        return {f"{name}_hex": content.hex()}


def _bytes(found: dict[str, Any], name: str) -> bytes:  # Any: JSON values
    text = found.get(name)
    return bytes.fromhex(found[f"{name}_hex"]) if text is None else text.encode()


def _name(text: str) -> str:
    """The text as a name of a folder, another for each."""
    name = quote(text, safe="")
    if len(name) > _LONGEST_NAME:
        return "long-" + hashlib.blake2b(text.encode(), digest_size=32).hexdigest()
    return f"%2E{name[1:]}" if name.startswith(".") else name


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
