"""`interlock history`: the events of an aggregate, and the states it had."""

import difflib
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from pydantic_core import from_json, to_json

from interlock._app.application import Application
from interlock._engine.fold import RecordedEvent
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.long_work import stoppable
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
from interlock.errors import ConfigurationError

Json = dict[str, Any]  # Any: JSON values


def history(
    type_name: TypeName,
    aggregate_id: AggregateId,
    *,
    first: Annotated[
        int, typer.Option("--first", min=1, metavar="N", help="From this version on.")
    ] = 1,
    last: Annotated[
        int | None, typer.Option("--last", min=1, metavar="N", help="Up to this version.")
    ] = None,
    at: Annotated[
        int | None,
        typer.Option("--at", min=0, metavar="N", help="Print the state of this version instead."),
    ] = None,
    diff: Annotated[
        tuple[int, int] | None,
        typer.Option("--diff", metavar="N N", help="Print what differs between two versions."),
    ] = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Print an aggregate's events, or states of it.

    With --at the state at a version, with --diff what differs between those of two, in JSON as
    pairs of values by field. Events are a line each in JSON.
    """

    async def worked(application: Application) -> None:
        cls = registered(application, type_name).aggregate_type
        wanted = an_id(aggregate_id)
        if at is not None and diff is not None:
            raise ConfigurationError("--at and --diff are two questions; give one of them")
        if at is not None or diff is not None:
            versions = [at] if at is not None else [*(diff or ())]
            states = [
                to_json(await application.load(cls, wanted, version=each), indent=2).decode()
                for each in versions
            ]
            if at is not None:
                typer.echo(states[0])
            elif as_json:
                print_json(_changed_fields(*map(from_json, states)))
            else:
                typer.echo("\n".join(_changes(*states)))
            return
        told = first - 1
        with stoppable(lambda: f"go on with --first {told + 1}"):
            async for event in application.events(cls, wanted, first=first, last=last):
                _tell_event(event, as_json=as_json)
                told = event.version

    operate(app, config, worked, as_json=as_json)


def _tell_event(event: RecordedEvent[BaseModel], *, as_json: bool) -> None:
    data = to_json(event.event).decode()
    name = type(event.event).__name__
    if as_json:  # a line each, so that a long stream needs no memory
        typer.echo(
            to_json(
                {
                    "version": event.version,
                    "event_id": event.event_id,
                    "event": name,
                    "recorded_at": event.recorded_at,
                    "data": event.event,
                    "metadata": event.metadata,
                }
            ).decode()
        )
    else:
        at = event.recorded_at.isoformat(" ", "seconds")
        tell(f"{event.version:,}  {at}  {name}  {data}")


def _changes(one: str, other: str) -> Iterator[str]:
    lines = difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=1)
    yield from list(lines)[2:] or ["no difference"]


def _changed_fields(one: Json, other: Json) -> Json:
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return {name: [one.get(name), other.get(name)] for name in names}
