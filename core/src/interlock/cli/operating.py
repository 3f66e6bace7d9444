"""What the commands share that open the application."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from interlock._app.application import Application, registrations_of
from interlock._engine.registration import Registration
from interlock.cli.application import make_application
from interlock.cli.screen import tell
from interlock.errors import ConfigurationError, InterlockError

T = TypeVar("T")

_SHOWN_SECONDS = 0.2

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
AtOnce = Annotated[int, typer.Option("--concurrency", min=1, metavar="N", help="How many at once.")]
Rate = Annotated[
    float | None,
    typer.Option("--rate", min=0.001, metavar="N", help="How many a second at most."),
]
After = Annotated[
    str | None,
    typer.Option("--after", metavar="ID", help="Begin behind this id, where a run was stopped."),
]


class StoppedError(Exception):
    """A long run was stopped by Ctrl-C; `last` is the id that was done last."""

    def __init__(self, last: UUID | None) -> None:
        super().__init__(last)
        self.last = last


def operate(
    app: str | None,
    config: Path | None,
    work: Callable[[Application], Awaitable[T]],
    *,
    as_json: bool,
) -> T:
    """Run the work on the opened application, as `run_told` does."""

    async def opened() -> T:
        async with make_application(app, config) as application:
            return await work(application)

    return run_told(opened, as_json=as_json)


def run_told(work: Callable[[], Coroutine[None, None, T]], *, as_json: bool) -> T:
    """Run the work in an event loop.

    An error of Interlock's is told in one line, as JSON if that is asked for, and ends the command
    with 2. A run that is stopped ends with 130, and says how to go on.
    """
    try:
        return asyncio.run(work())
    except InterlockError as error:
        text = " ".join(str(error).split())
        if as_json:
            print_json({"ok": False, "error": text})
        else:
            tell(text, err=True)
        raise typer.Exit(2) from None
    except StoppedError as stopped:
        begin = "" if stopped.last is None else f"; go on with --after {stopped.last}"
        tell(f"stopped{begin}", err=True)
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


def print_json(value: Any) -> None:  # Any: JSON values, and what `str` writes as one
    """Print JSON; times as ISO 8601."""
    typer.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


async def over_all(
    ids: AsyncIterator[UUID],
    work: Callable[[UUID], Coroutine[None, None, object]],
    *,
    what: str,
    at_once: int,
    rate: float | None = None,
) -> int:
    """Do the work for each id, so many at once, and no more a second than `rate`; their number.

    It holds no more ids than are at work. What is at work when it is stopped, or when one fails, is
    done first.
    """
    progress, count, last = Progress(what), 0, None
    running: set[asyncio.Task[object]] = set()
    try:
        async for aggregate_id in ids:
            if rate is not None:
                await asyncio.sleep(progress.began + count / rate - monotonic())  # what it is for
            if len(running) == at_once:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    each.result()
            running.add(asyncio.create_task(work(aggregate_id)))
            count, last = count + 1, aggregate_id
            progress.step(count)
    except asyncio.CancelledError:
        await _all(running)
        raise StoppedError(last) from None
    except BaseException:
        await asyncio.gather(*running, return_exceptions=True)
        raise
    finally:
        progress.end()
    await _all(running)
    return count


async def _all(running: Iterable[asyncio.Task[object]]) -> None:
    """The first failure, once all have ended."""
    for each in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each


class Progress:
    """How far a long run is, on a line of the screen; nothing where nobody looks at one."""

    def __init__(self, what: str) -> None:
        self.began = self._shown_at = monotonic()
        self._what = what
        self._is_shown = sys.stderr.isatty()

    def step(self, count: int) -> None:
        """So many were begun."""
        now = monotonic()
        if self._is_shown and now - self._shown_at >= _SHOWN_SECONDS:
            self._shown_at = now
            a_second = count / (now - self.began)
            sys.stderr.write(f"\r{count:,} {self._what}, {a_second:,.0f} a second ")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line as it was."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
