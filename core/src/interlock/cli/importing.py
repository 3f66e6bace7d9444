"""`interlock import`: events from archives, or from whatever a program of one's own reads."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from interlock._config.settings import is_callable_name
from interlock._storage.archive import ArchiveFile
from interlock._storage.event_protocols import EventStore
from interlock._storage.records import StoredEvent, stored_event
from interlock.cli.application import found_callable
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.copying import opened_store
from interlock.cli.long_work import AGAIN, Pace
from interlock.cli.operating import print_json, run_told
from interlock.cli.screen import counted, tell
from interlock.errors import ConcurrencyError, ConfigurationError, InterlockError

_BATCH = 500


@dataclass(slots=True)
class Imported:
    """How many events were stored, and how many stood there already."""

    events: int = 0
    were_there: int = 0


class Importing:
    """Stores events under their own ids and versions, and reads them back.

    What stands already is compared, so an import that was killed is made again.
    """

    def __init__(self, target: EventStore, at_once: int = 1) -> None:
        self._target = target
        self._at_once = at_once
        self.outcome = Imported()

    async def store(self, events: Sequence[StoredEvent]) -> None:
        """Store events, in the order of versions within each stream; they may be of many.

        Raises `ConfigurationError` if one is missing, or if another stands in its place.
        """
        by_stream = sorted(events, key=lambda event: (event.aggregate_type, event.aggregate_id.int))
        groups = [
            (of, list(group))
            for of, group in groupby(
                by_stream, lambda event: (event.aggregate_type, event.aggregate_id)
            )
        ]
        for first in range(0, len(groups), self._at_once):
            together = groups[first : first + self._at_once]
            stored = [self._store(of, group) for of, group in together]
            for outcome in await asyncio.gather(*stored, return_exceptions=True):
                if outcome is not None:
                    raise outcome

    async def _store(self, of: tuple[str, UUID], events: Sequence[StoredEvent]) -> None:
        after = await self._target.head(*of)
        head = 0 if after is None else after[0]
        new = [event for event in events if event.version > head]
        versions = [event.version for event in events]
        if versions != [*range(versions[0], versions[-1] + 1)] or (
            new and after is not None and new[0].version != head + 1
        ):
            raise ConfigurationError(
                f"{of[0]} {of[1]}: its events don't follow on version {head}: wanted each in its "
                f"place, found {versions[0]} to {versions[-1]}"
            )
        await self._compare(of, events[: len(events) - len(new)])
        if new:
            try:
                await self._target.append(new, after=after)
            except ConcurrencyError as error:
                raise ConfigurationError(f"somebody else writes there: {error}") from error
            await self._compare(of, new)
        self.outcome.events += len(new)
        self.outcome.were_there += len(events) - len(new)

    async def _compare(self, of: tuple[str, UUID], events: Sequence[StoredEvent]) -> None:
        if not events:
            return
        stand: dict[int, tuple[object, ...]] = {}
        async for rows in self._target.read(*of, first=events[0].version, last=events[-1].version):
            stand.update((row[0], tuple(row)) for row in rows)
        for event in events:
            if stand.get(event.version) != tuple(event.row()):
                raise ConfigurationError(
                    f"{of[0]} {of[1]}: another event stands at version {event.version}; import "
                    "into an empty namespace"
                )


def import_(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Archives, folders of them, or MODULE:CALLABLE, which gives StoredEvents.",
        ),
    ],
    *,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, metavar="N", help="How many streams at once.")
    ] = 1,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0.001, metavar="N", help="How many events a second at most."),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Store events that come from elsewhere.

    Each is read back, and compared byte for byte. The same command again goes on where it was
    stopped, and compares what stands already.
    """

    async def imported() -> Imported:
        async with AsyncExitStack() as stack:
            importing = Importing(await opened_store(config, stack), concurrency)
            pace = Pace("events", rate)
            try:
                for source in sources:
                    async for batch in _batches(source):
                        await importing.store(batch)
                        done = importing.outcome
                        await pace.reach(done.events + done.were_there)
            finally:
                pace.end()
            return importing.outcome

    outcome = run_told(imported, as_json=as_json, when_stopped=AGAIN)
    if as_json:
        print_json(asdict(outcome))
    else:
        tell(f"{counted(outcome.events, 'event')} imported, {outcome.were_there:,} were there")


async def _batches(source: str) -> AsyncIterator[Sequence[StoredEvent]]:
    batch: list[StoredEvent] = []
    events = _events(source)
    while (event := await _next(source, events)) is not None:
        batch.append(event)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _next(source: str, events: AsyncIterator[StoredEvent]) -> StoredEvent | None:
    """The next event; None at the end. What the program raises is told in one line."""
    try:
        return await anext(events, None)
    except InterlockError:
        raise
    except Exception as error:
        raise ConfigurationError(f"{source} raised {type(error).__name__}: {error}") from error


async def _events(source: str) -> AsyncIterator[StoredEvent]:
    found: Any = _archived(Path(source))  # Any: what a callable gives is seen below
    if is_callable_name(source):
        found = found_callable("SOURCE", source)()
    if inspect.isasyncgen(found) or hasattr(found, "__aiter__"):
        async for event in found:
            yield _checked_event(source, event)
    elif isinstance(found, Iterable):
        for event in found:
            yield _checked_event(source, event)
    else:
        raise ConfigurationError(
            f"{source} gave a {type(found).__name__}; wanted an iterable of StoredEvent"
        )


def _checked_event(source: str, event: object) -> StoredEvent:
    if not isinstance(event, StoredEvent):
        raise ConfigurationError(f"{source} gave a {type(event).__name__}; wanted a StoredEvent")
    return event


def _archived(path: Path) -> Iterator[StoredEvent]:
    paths = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
    if not paths:
        raise ConfigurationError(f"there is no archive (*.jsonl) in {path}")
    for each in paths:
        file = ArchiveFile.at(each)
        for row in file.rows():
            yield stored_event(file.aggregate_type, file.aggregate_id, row)
