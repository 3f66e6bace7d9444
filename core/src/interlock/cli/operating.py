"""What the commands share that open the application."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from interlock._app.application import Application, registrations_of
from interlock._engine.registration import Registration
from interlock.cli.application import make_application
from interlock.cli.long_work import UNCHANGED, StoppedError
from interlock.cli.screen import tell
from interlock.errors import ConfigurationError, InterlockError

T = TypeVar("T")
Json = Mapping[str, Any]  # Any: JSON values, and what `str` writes as one

AppName = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="MODULE:CALLABLE",
        help="What makes the application; else the `app` of the configuration.",
    ),
]
TypeName = Annotated[
    str, typer.Argument(metavar="TYPE", help="The stored name of an aggregate's type.")
]
AggregateId = Annotated[str, typer.Argument(metavar="ID", help="The aggregate's id, a UUID.")]


def operate(
    app: str | None,
    config: Path | None,
    work: Callable[[Application], Awaitable[T]],
    *,
    as_json: bool,
    when_stopped: str = UNCHANGED,
    found: Callable[[], Json] | None = None,
) -> T:
    """Run the work on the opened application, as `run_told` does."""

    async def opened() -> T:
        async with make_application(app, config) as application:
            return await work(application)

    return run_told(opened, as_json=as_json, when_stopped=when_stopped, found=found)


def run_told(
    work: Callable[[], Coroutine[None, None, T]],
    *,
    as_json: bool,
    when_stopped: str = UNCHANGED,
    found: Callable[[], Json] | None = None,
) -> T:
    """Run the work in an event loop.

    An error of Interlock's is told in one line, as JSON if that is asked for, and ends the command
    with 2. Ctrl-C ends it with 130 and one line, which says how it goes on: by the `StoppedError`
    that the work makes of it, else by `when_stopped`. `found` is what was done until then.
    """
    try:
        return asyncio.run(work())
    except InterlockError as error:
        text = "; ".join([" ".join(str(error).split()), *getattr(error, "__notes__", ())])
        if as_json:
            print_json({**(found() if found else {}), "ok": False, "error": text})
        else:
            tell(text, err=True)
        raise typer.Exit(2) from None
    except (StoppedError, KeyboardInterrupt) as stop:
        how = str(stop) if isinstance(stop, StoppedError) else when_stopped
        if as_json:
            print_json({**(found() if found else {}), "ok": False, "stopped": how})
        tell(f"stopped; {how}", err=True)
        raise typer.Exit(130) from None


def registered(application: Application, name: str) -> Registration:
    """The registration of the type with this stored name."""
    found = {each.name: each for each in registrations_of(application)}
    if name not in found:
        raise ConfigurationError(
            f"no aggregate is called {name!r}; registered are: {', '.join(sorted(found)) or 'none'}"
        )
    return found[name]


def an_id(text: str) -> UUID:
    """The id that is written so."""
    try:
        return UUID(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no id; wanted a UUID") from None


def an_id_or_none(text: str | None) -> UUID | None:
    """The id, if one is given."""
    return None if text is None else an_id(text)


def print_json(value: Any) -> None:  # Any: as above
    """Print JSON; times as ISO 8601."""
    typer.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
