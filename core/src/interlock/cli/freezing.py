"""`interlock namespace`: whether the application's events may be changed."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import typer

from interlock._storage.event_protocols import Freezes
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.copying import freezable, opened_store
from interlock.cli.operating import print_json, run_told
from interlock.cli.screen import tell

namespace_app = typer.Typer(
    help="Whether the application's events may be changed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@namespace_app.command()
def freeze(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Make the namespace read-only, for every process.

    Commands fail with an error that says so. What began before has ended when this does, or it
    says after 5 seconds that it couldn't.
    """
    _run(lambda store: store.freeze(), config, as_json=as_json)


@namespace_app.command()
def thaw(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let the namespace take changes again."""
    _run(lambda store: store.thaw(), config, as_json=as_json)


@namespace_app.command()
def show(*, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Say whether the namespace is read-only, and since when."""
    _run(None, config, as_json=as_json)


def _run(
    work: Callable[[Freezes], Awaitable[None]] | None, config: Path | None, *, as_json: bool
) -> None:
    async def done() -> datetime | None:
        async with AsyncExitStack() as stack:
            store = freezable(await opened_store(config, stack))
            if work is not None:
                await work(store)
            return await store.frozen_since()

    since = run_told(done, as_json=as_json)
    if as_json:
        print_json({"read_only_since": since})
    elif since is None:
        typer.echo("takes changes")
    else:
        tell(f"read-only since {since.isoformat(' ', 'seconds')}")
