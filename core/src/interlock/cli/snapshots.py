"""`interlock snapshots`: what a snapshot store has, and how to put it right."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from pydantic_core import to_json

from interlock._app.application import Application
from interlock._engine.inspecting import KeptState
from interlock._model.aggregate import Aggregate
from interlock._storage.records import MAX_VERSION
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.long_work import AGAIN
from interlock.cli.operating import (
    AggregateId,
    AppName,
    TypeName,
    an_id,
    operate,
    print_json,
    registered,
)
from interlock.cli.screen import tell
from interlock.cli.snapshot_runs import prune, purge, rebuild, tell_count, verify

snapshots_app = typer.Typer(help="The snapshots.", no_args_is_help=True, rich_markup_mode=None)

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

    count = operate(app, config, taken, as_json=as_json, when_stopped=AGAIN)
    tell_count(count, "taken", as_json=as_json)


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

    count = operate(app, config, deleted, as_json=as_json, when_stopped=AGAIN)
    tell_count(count, "deleted", as_json=as_json)


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


for command in (rebuild, verify, prune, purge):
    snapshots_app.command()(command)
