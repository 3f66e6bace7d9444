"""`interlock snapshots`: what a snapshot store has, and how to put it right."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from pydantic_core import to_json

from interlock._app.application import Application
from interlock._engine.inspecting import KeptState
from interlock._model.aggregate import Aggregate
from interlock._storage.records import MAX_VERSION
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.operating import (
    After,
    AggregateId,
    AppName,
    AtOnce,
    Rate,
    TypeName,
    an_id,
    an_id_or_none,
    operate,
    over_all,
    print_json,
    registered,
)
from interlock.cli.screen import counted, tell
from interlock.errors import ConfigurationError

snapshots_app = typer.Typer(help="The snapshots.", no_args_is_help=True, rich_markup_mode=None)

MaybeId = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="An aggregate's id; else all of the type.")
]
Version = Annotated[
    int | None, typer.Option("--version", min=1, metavar="N", help="That of this version.")
]


@snapshots_app.command("list")
def list_snapshots(
    type_name: TypeName,
    aggregate_id: AggregateId,
    *,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List the snapshots of an aggregate, and say which are of no use."""

    async def listed(application: Application) -> Sequence[KeptState]:
        cls = registered(application, type_name).aggregate_type
        return await application.snapshots(cls, an_id(aggregate_id))

    _tell(operate(app, config, listed, as_json=as_json), as_json=as_json)


@snapshots_app.command()
def show(
    type_name: TypeName,
    aggregate_id: AggregateId,
    *,
    version: Version = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the state that a load of that version gives, as JSON.

    A load begins at the newest snapshot that it can use.
    """

    async def loaded(application: Application) -> Aggregate:
        cls = registered(application, type_name).aggregate_type
        return await application.load(cls, an_id(aggregate_id), version=version)

    typer.echo(to_json(operate(app, config, loaded, as_json=as_json), indent=2).decode())


@snapshots_app.command()
def take(
    type_name: TypeName,
    aggregate_id: AggregateId,
    *,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Take a snapshot of an aggregate, whatever its strategy says."""

    async def taken(application: Application) -> int:
        cls = registered(application, type_name).aggregate_type
        return await application.rebuild_snapshots(cls, [an_id(aggregate_id)], every=MAX_VERSION)

    _tell_count(operate(app, config, taken, as_json=as_json), "taken", as_json=as_json)


@snapshots_app.command()
def rebuild(
    type_name: TypeName,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="The aggregates' ids.")
    ] = None,
    *,
    every: Annotated[
        int, typer.Option("--every", min=1, metavar="N", help="One every so many events.")
    ] = 10_000,
    concurrency: AtOnce = 2,
    rate: Rate = None,
    after: After = None,
    app: AppName = None,
    config: ConfigFile = None,
    all_: Annotated[bool, typer.Option("--all", help="Of all aggregates of the type.")] = False,
    as_json: AsJson = False,
) -> None:
    """Store snapshots of the streams as they are now.

    A run that was stopped goes on where it was: with the same command, or with --after.
    """
    stored = 0

    async def rebuilt(application: Application) -> None:
        if all_ == bool(ids):
            raise ConfigurationError("give the ids of aggregates, or --all")
        cls = registered(application, type_name).aggregate_type

        async def one(aggregate_id: UUID) -> None:
            nonlocal stored
            count = await application.rebuild_snapshots(cls, [aggregate_id], every=every)
            stored += count  # not in one line, which would read the sum before it waits

        wanted = application.ids(cls, after=an_id_or_none(after)) if all_ else _given(ids or ())
        what = f"streams of {type_name}"
        await over_all(wanted, one, what=what, at_once=concurrency, rate=rate)

    operate(app, config, rebuilt, as_json=as_json)
    _tell_count(stored, "stored", as_json=as_json)


@snapshots_app.command()
def verify(
    type_name: TypeName,
    aggregate_id: MaybeId = None,
    *,
    concurrency: AtOnce = 2,
    rate: Rate = None,
    after: After = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Compare snapshots with what their events give.

    Each is read, and all events up to its version are replayed. The exit code is 1 if one is of no
    use.
    """
    compared = 0
    wrong: list[tuple[UUID, KeptState]] = []

    async def verified(application: Application) -> None:
        cls = registered(application, type_name).aggregate_type

        async def one(each: UUID) -> None:
            nonlocal compared
            found = await application.snapshots(cls, each, compare=True)
            compared += len(found)
            wrong.extend((each, kept) for kept in found if kept.problem is not None)

        wanted = (
            _given([aggregate_id])
            if aggregate_id
            else application.ids(cls, after=an_id_or_none(after))
        )
        what = f"streams of {type_name}"
        await over_all(wanted, one, what=what, at_once=concurrency, rate=rate)

    operate(app, config, verified, as_json=as_json)
    if as_json:
        problems = [{"id": each, **asdict(kept)} for each, kept in wrong]
        print_json({"ok": not wrong, "compared": compared, "problems": problems})
    else:
        for each, kept in wrong:
            tell(f"{each} version {kept.version} of {kept.revision}: {kept.problem}")
        typer.echo(f"{compared:,} compared, {len(wrong):,} of no use")
    raise typer.Exit(1 if wrong else 0)


@snapshots_app.command()
def delete(
    type_name: TypeName,
    aggregate_id: AggregateId,
    *,
    version: Version = None,
    revision: Annotated[
        str | None, typer.Option("--revision", metavar="TEXT", help="Those of this revision.")
    ] = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Delete snapshots of an aggregate; the events stay."""

    async def deleted(application: Application) -> int:
        cls = registered(application, type_name).aggregate_type
        return await application.delete_snapshots(
            cls, an_id(aggregate_id), version=version, revision=revision
        )

    _tell_count(operate(app, config, deleted, as_json=as_json), "deleted", as_json=as_json)


@snapshots_app.command()
def prune(
    type_name: TypeName, *, app: AppName = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Apply the backend's retention to all aggregates of a type."""

    async def pruned(application: Application) -> int:
        return await application.prune(registered(application, type_name).aggregate_type)

    _tell_count(operate(app, config, pruned, as_json=as_json), "deleted", as_json=as_json)


@snapshots_app.command()
def purge(
    type_name: TypeName,
    *,
    concurrency: AtOnce = 2,
    rate: Rate = None,
    after: After = None,
    app: AppName = None,
    config: ConfigFile = None,
    older_revisions: Annotated[
        bool,
        typer.Option("--older-revisions", help="Those of revisions that this code doesn't read."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete snapshots that this code doesn't read.

    Do it once the last process with the older code has ended.
    """
    deleted: Counter[str] = Counter()

    async def purged(application: Application) -> None:
        if not older_revisions:
            raise ConfigurationError("say which: --older-revisions")
        registration = registered(application, type_name)
        cls = registration.aggregate_type
        read = {registration.snapshot_scope.revision, *registration.reads_revisions}

        async def one(each: UUID) -> None:
            found = await application.snapshots(cls, each)
            for revision in {kept.revision for kept in found} - read:
                count = await application.delete_snapshots(cls, each, revision=revision)
                deleted[revision] += count

        wanted = application.ids(cls, after=an_id_or_none(after))
        what = f"streams of {type_name}"
        await over_all(wanted, one, what=what, at_once=concurrency, rate=rate)

    operate(app, config, purged, as_json=as_json)
    if as_json:
        print_json({"deleted": deleted.total(), "revisions": dict(deleted)})
        return
    for revision, count in sorted(deleted.items()):
        tell(f"{revision}: {count:,}")
    _tell_count(deleted.total(), "deleted", as_json=False)


async def _given(ids: Sequence[str]) -> AsyncIterator[UUID]:
    for each in ids:
        yield an_id(each)


def _tell_count(count: int, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json({done: count})
    else:
        typer.echo(f"{counted(count, 'snapshot')} {done}")


def _tell(found: Sequence[KeptState], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(kept) for kept in found])
        return
    for kept in found:
        version = "version unknown" if kept.version is None else f"version {kept.version:,}"
        size = "" if kept.size is None else f"  {kept.size:,} bytes"
        at = "" if kept.taken_at is None else f"  {kept.taken_at.isoformat(' ', 'seconds')}"
        problem = "" if kept.problem is None else f"  not used: {kept.problem}"
        tell(f"{version}{at}{size}  revision {kept.revision}{problem}")
    if not found:
        typer.echo("no snapshot")
