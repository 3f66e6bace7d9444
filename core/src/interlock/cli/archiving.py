"""`interlock archive`: the first events of a stream, moved to a file."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from interlock._app.application import Application
from interlock._engine.archiving import Archived
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.long_work import AGAIN, waited
from interlock.cli.operating import (
    AggregateId,
    AppName,
    TypeName,
    an_id,
    operate,
    print_json,
    registered,
)
from interlock.cli.screen import counted, tell


def archive(
    type_name: TypeName,
    aggregate_id: AggregateId,
    *,
    below: Annotated[
        int, typer.Option("--below", min=2, metavar="N", help="The events before this version.")
    ],
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FOLDER", help="Else the application's `archive`."),
    ] = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Move the first events of a stream to a file.

    A snapshot of that version or later is proven first, and the file is read back before an event
    is deleted. The same command again goes on where it was stopped.
    """

    async def archived(application: Application) -> Archived:
        cls = registered(application, type_name).aggregate_type
        archiving = application.archive(cls, an_id(aggregate_id), below=below, to=to)
        return await waited(archiving, f"archiving {type_name} {aggregate_id}")

    done = operate(app, config, archived, as_json=as_json, when_stopped=AGAIN)
    if as_json:
        print_json(asdict(done))
    else:
        tell(f"{counted(done.events, 'event')} moved to {done.path}")
