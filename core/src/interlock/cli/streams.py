"""`interlock streams`: which streams a type has, and how long they are."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any
from uuid import UUID

import typer

from interlock._app.application import Application, registrations_of
from interlock._engine.registration import Registration
from interlock._model.strategies import NeverSnapshot
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.growth import Growth, Sample, growth_line, growth_of
from interlock.cli.long_work import ANEW, After, AtOnce, Rate, anew, behind, over_all, stoppable
from interlock.cli.operating import (
    AppName,
    TypeName,
    an_id_or_none,
    operate,
    print_json,
    registered,
)
from interlock.cli.screen import counted, tell
from interlock.errors import ConfigurationError

_PRIME = 65_521

streams_app = typer.Typer(
    help="The streams in the event store.", no_args_is_help=True, rich_markup_mode=None
)


@dataclass(frozen=True, slots=True)
class Stats:
    """How many streams a type has, and their lengths in events.

    `without_snapshot` is how many have none that this code reads; None where no snapshots are kept,
    or where the store can't list them. `growth` is None where nobody asked for it. `lengths` says
    how many streams have which length, `longest_ids` are at most 50, the longest first.
    """

    type: str
    snapshot_strategy: str
    streams: int
    events: int
    median: int
    p95: int
    longest: int
    longest_id: UUID | None
    without_snapshot: int | None
    growth: Growth | None = None
    lengths: Counter[int] = field(default_factory=Counter)
    longest_ids: Sequence[UUID] = ()

    def as_json(self) -> dict[str, Any]:  # Any: JSON values
        """All but the single lengths."""
        told = asdict(self)
        del told["lengths"], told["longest_ids"]
        return told


@streams_app.command("list")
def list_streams(
    type_name: TypeName,
    *,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="At most so many.")
    ] = 50,
    after: After = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List a type's streams by id, with their versions.

    Each is printed as soon as it is read; JSON, which is one object, in the end.
    """
    rows: list[dict[str, object]] = []
    last: UUID | None = None

    async def listed(application: Application) -> bool:
        nonlocal last
        cls, count = registered(application, type_name).aggregate_type, 0
        with stoppable(lambda: behind(last)):
            async for aggregate_id in application.ids(cls, after=an_id_or_none(after)):
                if count == limit:
                    return True
                await asyncio.sleep(0)  # so that Ctrl-C is heard where no call has to be waited for
                version = await application.version(cls, aggregate_id)
                if as_json:
                    rows.append({"id": aggregate_id, "version": version})
                else:
                    typer.echo(f"{aggregate_id}  {version:,}")
                count, last = count + 1, aggregate_id
        return False

    is_more = operate(
        app, config, listed, as_json=as_json, found=lambda: {"streams": rows} if rows else {}
    )
    if as_json:
        print_json({"streams": rows, "more": is_more})
    elif is_more:
        typer.echo(f"There are more: --after {last}")


@streams_app.command()
def stats(
    type_name: Annotated[
        str | None,
        typer.Argument(metavar="TYPE", help="The stored name of a type; else all of them."),
    ] = None,
    *,
    days: Annotated[
        int, typer.Option("--days", min=1, metavar="N", help="How long back growth is counted.")
    ] = 7,
    concurrency: AtOnce = 8,
    rate: Rate = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say how many streams a type has, and how they grow.

    It asks for each stream's head, and holds how many streams have which length, and 16 bytes of
    each aggregate with a snapshot. Archived events count. Of at most 250 streams it reads when
    single events were stored: the longest, and some drawn at random. What all of them got is
    estimated from that.
    """

    async def counted(application: Application) -> list[Stats]:
        return await stats_of(application, type_name, at_once=concurrency, rate=rate, days=days)

    found = operate(app, config, counted, as_json=as_json, when_stopped=ANEW)
    if as_json:
        print_json([each.as_json() for each in found])
        return
    for each in found:
        for line in lines_of(each):
            tell(line)


async def stats_of(
    application: Application,
    type_name: str | None = None,
    *,
    at_once: int = 8,
    rate: float | None = None,
    days: int | None = None,
) -> list[Stats]:
    """The statistics of a type, else of all that are registered; growth if `days` are given."""
    wanted = [registered(application, type_name)] if type_name else registrations_of(application)
    return [await _stats(application, each, at_once, rate, days) for each in wanted]


async def _stats(
    application: Application,
    registration: Registration,
    at_once: int,
    rate: float | None,
    days: int | None,
) -> Stats:
    cls = registration.aggregate_type
    lengths: Counter[int] = Counter()
    longest = 0, UUID(int=0)
    snapshots = await _with_snapshots(application, registration)
    without, sample = 0, Sample()

    async def look(aggregate_id: UUID) -> None:
        nonlocal longest, without
        version = await application.version(cls, aggregate_id)
        lengths[version] += 1
        sample.add((version, aggregate_id))
        longest = max(longest, (version, aggregate_id))
        without += snapshots is not None and aggregate_id not in snapshots

    what = f"streams of {registration.name}"
    count = await over_all(
        application.ids(cls), look, what=what, at_once=at_once, rate=rate, how=anew
    )
    events = sum(length * streams for length, streams in lengths.items())
    growth = None
    if days is not None:
        growth = await growth_of(
            application, registration, sample, total=events, days=days, at_once=at_once, rate=rate
        )
    return Stats(
        type=registration.name,
        snapshot_strategy=repr(registration.snapshot_strategy),
        streams=count,
        events=events,
        median=_percentile(lengths, 50),
        p95=_percentile(lengths, 95),
        longest=longest[0],
        longest_id=longest[1] if count else None,
        without_snapshot=None if snapshots is None else without,
        growth=growth,
        lengths=lengths,
        longest_ids=[aggregate_id for _, aggregate_id in sorted(sample.longest, reverse=True)],
    )


class IdSet:
    """Ids, of which each takes 16 bytes; there may be millions."""

    def __init__(self) -> None:
        self._by_hash: dict[int, bytearray] = {}

    def add(self, aggregate_id: UUID) -> None:
        """Have the id in it."""
        if aggregate_id not in self:
            self._by_hash.setdefault(aggregate_id.int % _PRIME, bytearray()).extend(
                aggregate_id.bytes
            )

    def __contains__(self, aggregate_id: UUID) -> bool:
        found, wanted = self._by_hash.get(aggregate_id.int % _PRIME, b""), aggregate_id.bytes
        place = found.find(wanted)
        while place % len(wanted) and place > 0:  # it lies across two ids
            place = found.find(wanted, place + 1)
        return place >= 0


async def _with_snapshots(application: Application, registration: Registration) -> IdSet | None:
    """The ids that have a snapshot; None where that can't be told."""
    if isinstance(registration.snapshot_strategy, NeverSnapshot):
        return None
    try:
        found = IdSet()
        async for aggregate_id in application.ids_with_snapshot(registration.aggregate_type):
            found.add(aggregate_id)
    except ConfigurationError:
        return None
    return found


def _percentile(lengths: Counter[int], percent: int) -> int:
    """The length that so many per cent don't exceed; 0 of none."""
    wanted = lengths.total() * percent
    for length in sorted(lengths):
        wanted -= lengths[length] * 100
        if wanted <= 0:
            return length
    return 0


def lines_of(of: Stats) -> Iterator[str]:
    """The statistics for people."""
    streams, events = counted(of.streams, "stream"), counted(of.events, "event")
    yield f"{of.type}: {of.snapshot_strategy}, {streams}, {events}"
    if of.streams:
        yield f"  half have at most {counted(of.median, 'event')}, 95 % at most {of.p95:,}"
        yield f"  the longest has {of.longest:,}: {of.longest_id}"
        if of.growth is not None:
            yield growth_line(of.growth, of.streams)
    if of.without_snapshot is not None:
        yield f"  {of.without_snapshot:,} have no snapshot"
