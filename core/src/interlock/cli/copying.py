"""`interlock copy`: the streams of one event store into another, event by event as they are."""

import hashlib
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from interlock._app.application import registrations_of
from interlock._config.reader import load_settings
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.specs import BackendKind
from interlock._storage.protocols import EventStore, ListsStreams
from interlock._storage.records import EventRow, StoredEvent, from_micros
from interlock.cli.application import make_application
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.doctor import made_of
from interlock.cli.operating import AppName, AtOnce, Rate, over_all, print_json, run_told
from interlock.cli.screen import counted, tell
from interlock.errors import ConcurrencyError, ConfigurationError


@dataclass(slots=True)
class Copied:
    """The outcome for a type: its streams, the events that were appended, streams that differ."""

    type: str
    streams: int = 0
    events: int = 0
    different: int = 0


class Copying:
    """Copies the streams of a type.

    Each append goes behind the target's head, so a copy that was killed goes on where it was, and
    one that is made again copies what was added since.
    """

    def __init__(self, source: EventStore, target: EventStore, aggregate_type: str) -> None:
        self._source = source
        self._target = target
        self.outcome = Copied(aggregate_type)

    async def copy(self, aggregate_id: UUID) -> None:
        """Append the events that the target hasn't got.

        Raises `ConfigurationError` if the target has another stream under the id.
        """
        of = self.outcome.type, aggregate_id
        head = await self._target.head(*of)
        is_the_same, after = head is None, head
        first = 1 if head is None else head[0]
        async for rows in self._source.read(*of, first=first):
            events = [_event(*of, row) for row in rows]
            if not is_the_same:
                is_the_same = (events[0].version, events[0].event_id) == head
                if not is_the_same:
                    break
                del events[0]
            if events:
                try:
                    await self._target.append(events, after=after)
                except ConcurrencyError as error:
                    raise ConfigurationError(f"somebody writes to the target: {error}") from error
                after = events[-1].version, events[-1].event_id
                self.outcome.events += len(events)
        if not is_the_same:
            raise ConfigurationError(
                f"{of[0]} {aggregate_id}: the target's stream ends with version {first}, and the "
                "source has no such event; copy into an empty namespace, or delete that stream"
            )

    async def compare(self, aggregate_id: UUID) -> None:
        """Count the stream, and whether the target has other bytes than the source."""
        source = await self._digest(self._source, aggregate_id)
        target = await self._digest(self._target, aggregate_id)
        self.outcome.streams += 1
        self.outcome.different += source != target

    async def _digest(self, store: EventStore, aggregate_id: UUID) -> bytes:
        digest = hashlib.blake2b(digest_size=32)
        async for rows in store.read(self.outcome.type, aggregate_id):
            for row in rows:
                digest.update(repr(tuple(row)).encode())
        return digest.digest()


def copy(
    to: Annotated[
        Path, typer.Argument(metavar="FILE", help="A configuration with the target's event store.")
    ],
    types: Annotated[
        list[str] | None,
        typer.Argument(metavar="TYPE", help="Stored names of types; else the application's."),
    ] = None,
    *,
    concurrency: AtOnce = 8,
    rate: Rate = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy all streams into another event store.

    Ids, times, metadata and versions stay as they are, byte for byte. The same command again goes
    on where it was stopped, and copies what was added since. In the end every stream is compared:
    the exit code is 1 if one differs, as one does that somebody appended to meanwhile.
    """

    async def copied() -> list[Copied]:
        wanted = types or [each.name for each in registrations_of(make_application(app, config))]
        async with AsyncExitStack() as stack:
            source = await _opened(config, stack)
            target = await _opened(to, stack)
            if not isinstance(source, ListsStreams):
                raise ConfigurationError(
                    f"{type(source).__name__} can't list its streams: it has no method `ids`"
                )
            outcomes = []
            for name in wanted:
                copying = Copying(source, target, name)
                for what, work in (("copied", copying.copy), ("compared", copying.compare)):
                    await over_all(
                        source.ids(name),
                        work,
                        what=f"streams of {name} {what}",
                        at_once=concurrency,
                        rate=rate,
                    )
                outcomes.append(copying.outcome)
            return outcomes

    outcomes = run_told(copied, as_json=as_json)
    different = sum(each.different for each in outcomes)
    if as_json:
        print_json({"ok": not different, "types": [asdict(each) for each in outcomes]})
    else:
        for each in outcomes:
            tell(
                f"{each.type}: {counted(each.events, 'event')} copied; "
                f"{counted(each.streams, 'stream')} compared, {each.different:,} differ"
            )
    raise typer.Exit(1 if different else 0)


def _event(aggregate_type: str, aggregate_id: UUID, row: EventRow) -> StoredEvent:
    version, event_id, name, schema_version, recorded_at, metadata, payload = row
    return StoredEvent(
        aggregate_type,
        aggregate_id,
        version,
        UUID(bytes=event_id),
        name,
        schema_version,
        from_micros(recorded_at),
        metadata,
        payload,
    )


async def _opened(config: Path | None, stack: AsyncExitStack) -> EventStore:
    """The event store of a configuration; it is closed with the stack."""
    settings = load_settings(config)
    if settings.event_store is None:
        raise ConfigurationError(f"{settings.source} has no [event_store]")
    catalogue = Catalogue.installed()
    store = made_of(catalogue, settings, BackendKind.EVENTS, settings.event_store)
    if hasattr(store, "open") and hasattr(store, "close"):
        stack.push_async_callback(store.close)
        await store.open()
    return store  # type: ignore[no-any-return] # the catalogue made it as one
