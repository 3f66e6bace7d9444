"""`interlock copy`: the streams of one event store into another, event by event as they are."""

import hashlib
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from interlock._app.application import registrations_of
from interlock._config.reader import load_settings
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.specs import BackendKind
from interlock._storage.event_protocols import EventStore, Freezes, ListsStreams
from interlock._storage.records import stored_event
from interlock.cli.application import make_application
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.doctor import made_of
from interlock.cli.long_work import AGAIN, AtOnce, Rate, again, over_all
from interlock.cli.operating import AppName, print_json, run_told
from interlock.cli.screen import counted, tell
from interlock.errors import ConcurrencyError, ConfigurationError

_READ_ONLY = (
    "The source is read-only now: start the application on the target. To go back: interlock "
    "namespace thaw"
)


@dataclass(slots=True)
class Copied:
    """The outcome for a type: its streams, the events that were appended, streams that differ.

    `only_in_target` counts streams that the source hasn't got any more; a cut-over looks for them.
    """

    type: str
    streams: int = 0
    events: int = 0
    different: int = 0
    only_in_target: int = 0


class Copying:
    """Copies the streams of a type.

    Each append goes behind the target's head, so a copy that was killed goes on where it was, and
    one that is made again copies what was added since.
    """

    def __init__(self, source: EventStore, target: EventStore, aggregate_type: str) -> None:
        self._source = source
        self._target = target
        self.outcome = Copied(aggregate_type)

    async def copy(self, aggregate_id: UUID) -> int:
        """Append the events that the target hasn't got; their number.

        Raises `ConfigurationError` if the target has another stream under the id.
        """
        of = self.outcome.type, aggregate_id
        head = await self._target.head(*of)
        is_the_same, after = head is None, head
        first, copied = 1 if head is None else head[0], 0
        async for rows in self._source.read(*of, first=first):
            events = [stored_event(*of, row) for row in rows]
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
                copied += len(events)
        self.outcome.events += copied
        if not is_the_same:
            raise ConfigurationError(
                f"{of[0]} {aggregate_id}: the target's stream ends with version {first}, and the "
                "source has no such event; copy into an empty namespace, or delete that stream"
            )
        return copied

    async def complete(self, aggregate_id: UUID) -> None:
        """Copy what was added since the stream was compared; if there is any, compare it again."""
        if await self.copy(aggregate_id):
            await self._note_difference(aggregate_id)

    async def compare(self, aggregate_id: UUID) -> None:
        """Count the stream, and whether the target has other bytes than the source."""
        self.outcome.streams += 1
        await self._note_difference(aggregate_id)

    async def compare_copied(self, aggregate_id: UUID) -> None:
        """As `compare`, up to the target's last event: others may be appending to the source."""
        head = await self._target.head(self.outcome.type, aggregate_id)
        self.outcome.streams += 1
        if head is not None:
            await self._note_difference(aggregate_id, last=head[0])

    async def look_for(self, aggregate_id: UUID) -> None:
        """Count a stream of the target that the source hasn't got."""
        head = await self._source.head(self.outcome.type, aggregate_id)
        self.outcome.only_in_target += head is None

    async def _note_difference(self, aggregate_id: UUID, last: int | None = None) -> None:
        # The target may have events that were archived since they were copied.
        first, source = await self._digest(self._source, aggregate_id, 1, last)
        _, target = await self._digest(self._target, aggregate_id, first, last)
        self.outcome.different += source != target

    async def _digest(
        self, store: EventStore, aggregate_id: UUID, first: int, last: int | None
    ) -> tuple[int, bytes]:
        """The version of the first event, and a digest of all from it on."""
        found: int | None = None
        digest = hashlib.blake2b(digest_size=32)
        async for rows in store.read(self.outcome.type, aggregate_id, first=first, last=last):
            for row in rows:
                found = row[0] if found is None else found
                digest.update(repr(tuple(row)).encode())
        return found or first, digest.digest()


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
    cut_over: Annotated[
        bool,
        typer.Option("--cut-over", help="Make the source read-only, and copy the rest."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy all streams into another event store.

    Ids, times, metadata and versions stay as they are, byte for byte. The same command again goes
    on where it was stopped, and copies what was added since. In the end every stream is compared:
    the exit code is 1 if one differs, as one does that somebody appended to meanwhile. With
    --cut-over nobody can: once all is copied and compared, the source becomes read-only, and what
    was added meanwhile is copied. It stays so if all is well.
    """

    async def copied() -> list[Copied]:
        wanted = types or [each.name for each in registrations_of(make_application(app, config))]
        async with AsyncExitStack() as stack:
            source = await opened_store(config, stack)
            target = await opened_store(to, stack)
            run = _Run(source, target, wanted, concurrency, rate)
            if cut_over:
                await run.cut_over()
            else:
                await run.over_streams("copied", Copying.copy)
                await run.over_streams("compared", Copying.compare)
            return [each.outcome for each in run.copyings]

    outcomes = run_told(copied, as_json=as_json, when_stopped=AGAIN)
    is_well = not any(each.different or each.only_in_target for each in outcomes)
    if as_json:
        print_json({"ok": is_well, "types": [asdict(each) for each in outcomes]})
    else:
        for each in outcomes:
            alone = each.only_in_target
            tell(
                f"{each.type}: {counted(each.events, 'event')} copied; "
                f"{counted(each.streams, 'stream')} compared, {each.different:,} differ"
                + (f", {alone:,} only in the target" if alone else "")
            )
        if cut_over:
            tell(_READ_ONLY if is_well else "The source takes changes as before.")
    raise typer.Exit(0 if is_well else 1)


class _Run:
    """A copy of all streams of these types."""

    def __init__(
        self,
        source: EventStore,
        target: EventStore,
        types: Sequence[str],
        at_once: int,
        rate: float | None,
    ) -> None:
        self._source = _listing(source)
        self._target = target
        self._at_once = at_once
        self._rate = rate
        self._totals: dict[str, int] = {}  # once they were gone through
        self.copyings = [Copying(source, target, name) for name in types]

    async def over_streams(
        self,
        done: str,
        work: Callable[[Copying, UUID], Coroutine[None, None, object]],
        of: ListsStreams | None = None,
    ) -> None:
        """Do this to all streams of the source, or of the store given."""
        for each in self.copyings:
            name = each.outcome.type
            self._totals[name] = await over_all(
                (of or self._source).ids(name),
                partial(work, each),
                what=f"streams of {name} {done}",
                at_once=self._at_once,
                rate=self._rate,
                total=self._totals.get(name),
                how=again,
            )

    async def cut_over(self) -> None:
        """Copy all; then the rest, while nobody writes. Unless all is well, thaw the source."""
        source, target = freezable(self._source), _listing(self._target)
        await self.over_streams("copied", Copying.copy)
        await self.over_streams("compared", Copying.compare_copied)
        if not self._is_well():
            return
        is_well = False
        try:
            await source.freeze()
            await self.over_streams("completed", Copying.complete)
            await self.over_streams("looked for", Copying.look_for, target)
            is_well = self._is_well()
        finally:
            if not is_well:
                await source.thaw()

    def _is_well(self) -> bool:
        return not any(
            each.outcome.different + each.outcome.only_in_target for each in self.copyings
        )


def freezable(store: object) -> Freezes:
    """The store, if its namespace can be made read-only."""
    if not isinstance(store, Freezes):
        raise ConfigurationError(
            f"{type(store).__name__} can't be made read-only: it has no method `freeze`; stop what "
            "writes"
        )
    return store


def _listing(store: object) -> ListsStreams:
    if not isinstance(store, ListsStreams):
        raise ConfigurationError(
            f"{type(store).__name__} can't list its streams: it has no method `ids`"
        )
    return store


async def opened_store(config: Path | None, stack: AsyncExitStack) -> EventStore:
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
