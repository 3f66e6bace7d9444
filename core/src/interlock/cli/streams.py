"""`interlock streams`: which streams a type has, and how long they are."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated
from uuid import UUID

import typer

from interlock._app.application import Application, registrations_of
from interlock._engine.registration import Registration
from interlock._model.strategies import NeverSnapshot
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.growth import Growth, Sample, growth_line, growth_of
from interlock.cli.operating import (
    After,
    AppName,
    AtOnce,
    TypeName,
    an_id_or_none,
    operate,
    over_all,
    print_json,
    registered,
)
from interlock.cli.screen import counted, tell
from interlock.errors import ConfigurationError

streams_app = typer.Typer(
    help="The streams in the event store.", no_args_is_help=True, rich_markup_mode=None
)


@dataclass(frozen=True, slots=True)
class Stats:
    """How many streams a type has, and their lengths in events.

    `without_snapshot` is how many have none that this code reads; None where no snapshots are kept,
    or where the store can't list them. `growth` is None where nobody asked for it.
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
    """List a type's streams by id, with their versions."""

    async def listed(application: Application) -> tuple[list[tuple[UUID, int]], bool]:
        found: list[tuple[UUID, int]] = []
        cls = registered(application, type_name).aggregate_type
        async for aggregate_id in application.ids(cls, after=an_id_or_none(after)):
            if len(found) == limit:
                return found, True
            found.append((aggregate_id, await application.version(cls, aggregate_id)))
        return found, False

    found, is_more = operate(app, config, listed, as_json=as_json)
    if as_json:
        rows = [{"id": each, "version": version} for each, version in found]
        print_json({"streams": rows, "more": is_more})
        return
    for aggregate_id, version in found:
        typer.echo(f"{aggregate_id}  {version:,}")
    if is_more:
        typer.echo(f"There are more: --after {found[-1][0]}")


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
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say how many streams a type has, and how they grow.

    It asks for each stream's head, and holds 8 bytes for each, and 16 more for those that have a
    snapshot. Of at most 250 streams it reads when single events were stored: the longest, and some
    drawn at random. What all of them got is estimated from that.
    """

    async def counted(application: Application) -> list[Stats]:
        return await stats_of(application, type_name, at_once=concurrency, days=days)

    found = operate(app, config, counted, as_json=as_json)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    for each in found:
        for line in lines_of(each):
            tell(line)


async def stats_of(
    application: Application,
    type_name: str | None = None,
    *,
    at_once: int = 8,
    days: int | None = None,
) -> list[Stats]:
    """The statistics of a type, else of all that are registered; growth if `days` are given."""
    wanted = [registered(application, type_name)] if type_name else registrations_of(application)
    return [await _stats(application, each, at_once, days) for each in wanted]


async def _stats(
    application: Application, registration: Registration, at_once: int, days: int | None
) -> Stats:
    cls = registration.aggregate_type
    lengths, longest = array("q"), (0, UUID(int=0))
    snapshots = await _with_snapshots(application, registration)
    without, sample = 0, Sample()

    async def look(aggregate_id: UUID) -> None:
        nonlocal longest, without
        version = await application.version(cls, aggregate_id)
        lengths.append(version)
        sample.add((version, aggregate_id))
        longest = max(longest, (version, aggregate_id))
        without += snapshots is not None and aggregate_id.int not in snapshots

    what = f"streams of {registration.name}"
    count = await over_all(application.ids(cls), look, what=what, at_once=at_once)
    by_length, growth = sorted(lengths), None
    if days is not None:
        growth = await growth_of(
            application, registration, sample, total=sum(lengths), days=days, at_once=at_once
        )
    return Stats(
        type=registration.name,
        snapshot_strategy=repr(registration.snapshot_strategy),
        streams=count,
        events=sum(by_length),
        median=_percentile(by_length, 50),
        p95=_percentile(by_length, 95),
        longest=longest[0],
        longest_id=longest[1] if count else None,
        without_snapshot=None if snapshots is None else without,
        growth=growth,
    )


async def _with_snapshots(application: Application, registration: Registration) -> set[int] | None:
    """The ids that have a snapshot; None where that can't be told."""
    if isinstance(registration.snapshot_strategy, NeverSnapshot):
        return None
    try:
        ids = application.ids_with_snapshot(registration.aggregate_type)
        return {aggregate_id.int async for aggregate_id in ids}
    except ConfigurationError:
        return None


def _percentile(ordered: Sequence[int], percent: int) -> int:
    """The value that so many per cent don't exceed; 0 of none."""
    return ordered[(len(ordered) * percent - 1) // 100] if ordered else 0


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
