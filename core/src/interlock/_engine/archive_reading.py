"""The events of a stream whose first ones may be archived, read from both."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import closing

from interlock._engine.stream import EventStream
from interlock._storage.archive import ArchiveFile
from interlock._storage.event_backends import in_chunks
from interlock._storage.records import EventRow
from interlock.errors import ArchiveError, StreamTruncatedError


async def whole_stream(
    stream: EventStream, file: ArchiveFile, *, first: int = 1, last: int | None = None
) -> AsyncIterator[Sequence[EventRow]]:
    """The events with `first <= version <= last`, chunk by chunk.

    Raises `StreamTruncatedError` where they stand neither here nor there, and `ArchiveError` if the
    file isn't as it was written, or is that of an earlier stream of the id.
    """
    is_begun = False
    async for rows in stream.read(file.aggregate_id, first=first, last=last):
        if rows and not is_begun:
            is_begun = True
            version, event_id = rows[0][:2]
            if version > first:
                await _check_archived(file, version, event_id)
                async for archived in _archived(file, first, version - 1):
                    yield archived
        yield rows
    if not is_begun and await _is_of_stream(stream, file):
        async for archived in _archived(file, first, last):
            yield archived


async def _is_of_stream(stream: EventStream, file: ArchiveFile) -> bool:
    """Whether the stream goes on where the file ends."""
    if not await asyncio.to_thread(file.exists):
        return False
    version, event_id = await asyncio.to_thread(file.following)
    stands = await stream.ids(file.aggregate_id, version, version)
    if stands and stands[version] != event_id:
        raise another_event(file, version)
    return bool(stands)  # without it the stream was deleted


async def _check_archived(file: ArchiveFile, version: int, event_id: bytes) -> None:
    if not await asyncio.to_thread(file.exists):
        raise StreamTruncatedError(
            f"{file.aggregate_type} {file.aggregate_id}: the stream begins with version {version}, "
            f"and there is no archive {file.path}; ask for events from version {version} on"
        )
    if await asyncio.to_thread(_id_of, file, version) != event_id:
        raise another_event(file, version)


async def _archived(
    file: ArchiveFile, first: int, last: int | None
) -> AsyncIterator[Sequence[EventRow]]:
    with closing(file.rows(first, last)) as rows:
        chunks = in_chunks(rows)
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            yield chunk


def _id_of(file: ArchiveFile, version: int) -> bytes | None:
    with closing(file.lines()) as lines:
        return next((line[1] for line in lines if line[0] == version), None)


def another_event(file: ArchiveFile, version: int) -> ArchiveError:
    """The error of an archive that has another event than the stream."""
    return ArchiveError(
        f"{file.aggregate_type} {file.aggregate_id}: version {version} isn't the event that "
        f"{file.path} has there, so that is the archive of another stream; move it away"
    )
