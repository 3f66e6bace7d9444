"""The archiving of a stream's first events: to a file, from which `events` still reads them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from itertools import dropwhile
from os import PathLike
from pathlib import Path
from time import monotonic
from uuid import UUID

from interlock._engine.archive_reading import another_event
from interlock._engine.command_handling import CommandHandler
from interlock._engine.context import TypeContext
from interlock._engine.inspecting import Inspection
from interlock._storage.archive import Archive, ArchiveFile, Next
from interlock._storage.records import EventRow
from interlock._storage.revision import own_revision
from interlock.errors import ArchiveError, ConfigurationError, VersionNotFoundError

_PATIENCE_SECONDS = 10.0
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Archived:
    """The archive of a stream: its file, and how many events went there just now.

    It has those with `version < below`, and the stream has the others.
    """

    path: Path
    below: int
    events: int


class Archiving:
    """Archives the streams of one registered type.

    The order makes every crash harmless: the file is written beside the old one, takes its place
    once it is on the disk, and is read back before the stream loses an event. Until then all stand
    in the stream. Who is interrupted begins again.
    """

    def __init__(
        self, context: TypeContext, inspection: Inspection, commands: CommandHandler
    ) -> None:
        self._context = context
        self._name = context.registration.name
        self._inspection = inspection
        self._commands = commands

    async def archive(self, aggregate_id: UUID, below: int, to: Archive) -> Archived:
        """Move the events with `version < below`."""
        self._check_revision()
        file = to.file(self._name, aggregate_id)
        async with self._commands.turn(aggregate_id), alone(file):
            following = await self._following(aggregate_id, below)
            kept = await asyncio.to_thread(_kept, file)
            self._check_kept(file, kept, following)
            await self._inspection.prove_snapshot(aggregate_id, below, file)
            if kept != following:
                await self._write(file, kept, following)
                await asyncio.to_thread(file.replace)
            await self._compare(file, following)
            deleted = await self._context.stream.delete(aggregate_id, below=below)
            return Archived(file.path, below, deleted)

    def _check_revision(self) -> None:
        cls = self._context.registration.aggregate_type
        if own_revision(cls) is None:
            raise ArchiveError(
                f"{self._name} has a computed revision, which the next change of its code may "
                f"change, and no snapshot would be usable then; write {cls.__name__}.revision"
            )

    async def _following(self, aggregate_id: UUID, below: int) -> Next:
        """The event that the stream begins with afterwards."""
        found = await self._context.stream.ids(aggregate_id, below, below)
        if below not in found:
            head = await self._context.stream.head(aggregate_id)
            raise VersionNotFoundError(
                f"{self._name} {aggregate_id}: wanted to archive below version {below}, the stream "
                f"ends at {0 if head is None else head[0]}; its last event stays"
            )
        return Next(below, found[below])

    def _check_kept(self, file: ArchiveFile, kept: Next | None, following: Next) -> None:
        if kept is None or kept == following:
            return
        if kept.version == following.version:
            raise another_event(file, kept.version)
        if kept.version > following.version:
            raise ArchiveError(
                f"{file.path} has the events below version {kept.version} already; wanted those "
                f"below {following.version}"
            )

    async def _write(self, file: ArchiveFile, kept: Next | None, following: Next) -> None:
        """Write the file anew: what it has, and what the stream has behind that."""
        expected = 1 if kept is None else kept.version
        with file.writing() as writer:
            if kept is not None:
                await asyncio.to_thread(writer.extend, file.rows())
            stream = self._context.stream.read(
                file.aggregate_id, first=expected, last=following.version - 1
            )
            async for rows in stream:
                expected = self._checked(file, rows, expected, kept)
                await asyncio.to_thread(writer.extend, rows)
            if expected != following.version:
                raise self._missing(file, expected)
            await asyncio.to_thread(writer.end, following)

    def _checked(
        self, file: ArchiveFile, rows: Sequence[EventRow], expected: int, kept: Next | None
    ) -> int:
        """The version behind the rows, which begin with the expected one."""
        for row in rows:
            if row[0] != expected:
                raise self._missing(file, expected)
            if kept is not None and row[0] == kept.version and row[1] != kept.event_id:
                raise another_event(file, row[0])
            expected += 1
        return expected

    async def _compare(self, file: ArchiveFile, following: Next) -> None:
        """Read the file back, and compare it with the events that are to be deleted."""
        with closing(file.lines()) as lines:
            found: EventRow | Next | None = None
            async for rows in self._context.stream.read(
                file.aggregate_id, last=following.version - 1
            ):
                for each, found in await asyncio.to_thread(_paired, lines, rows):
                    if found is None or tuple(each) != tuple(found):
                        raise another_event(file, each[0])
            rest = await asyncio.to_thread(deque, lines, 1)
            if [*rest] != [following]:
                raise ArchiveError(f"{file.path} doesn't end before version {following.version}")

    def _missing(self, file: ArchiveFile, version: int) -> ArchiveError:
        return ArchiveError(
            f"{self._name} {file.aggregate_id}: version {version} stands neither in the stream nor "
            f"in {file.path}; nothing was archived"
        )


def _paired(
    lines: Iterator[EventRow | Next], rows: Sequence[EventRow]
) -> list[tuple[EventRow, EventRow | Next | None]]:
    """Each row of the stream, and the line of its version."""
    first = rows[0][0] if rows else 0
    found = dropwhile(lambda line: line[0] < first, lines)
    return [(row, next(found, None)) for row in rows]


def archive_in(context: TypeContext, to: str | PathLike[str] | None) -> Archive:
    """The archive in this folder; the application's own without one."""
    own = context.archive
    if to is None:
        if own is None:
            raise ConfigurationError(
                "to where? Name a folder as `archive` in [application], or give one"
            )
        return own
    if own is not None and own.folder.resolve() != Path(to).resolve():
        raise ConfigurationError(
            f"the application reads archives from {own.folder}, and would find none in {to}"
        )
    return Archive(Path(to), context.registration.snapshot_scope.namespace)


def _kept(file: ArchiveFile) -> Next | None:
    return file.following() if file.exists() else None


@asynccontextmanager
async def alone(file: ArchiveFile) -> AsyncIterator[None]:
    """Let nobody else change archives of the type, in any process, until this ends."""
    until = monotonic() + _PATIENCE_SECONDS
    while True:
        with file.alone() as is_alone:
            if is_alone:
                yield
                return
        if monotonic() > until:
            raise ArchiveError(
                f"{file.path.parent} is written by somebody else; wanted to archive there for "
                f"{_PATIENCE_SECONDS:.0f} s; try again when that has ended"
            )
        await asyncio.sleep(_PAUSE_SECONDS)  # until the lock is free, of which nothing tells
