"""The commands."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from interlock._plugins.catalogue import Catalogue
from interlock._plugins.problems import SettingsError
from interlock.cli.advise import advise
from interlock.cli.archiving import archive
from interlock.cli.configuration import config_app
from interlock.cli.copying import copy
from interlock.cli.demo import run as run_demo
from interlock.cli.freezing import namespace_app
from interlock.cli.health import health
from interlock.cli.history import history
from interlock.cli.importing import import_
from interlock.cli.new_app import new_app
from interlock.cli.plugins import plugins_app
from interlock.cli.revisions import revisions
from interlock.cli.screen import tell
from interlock.cli.single import cache_app, explain, forget
from interlock.cli.snapshots import snapshots_app
from interlock.cli.streams import streams_app
from interlock.errors import InterlockError

_WORDS = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")  # what a shell completes

app = typer.Typer(
    help="Event-sourced aggregates that load fast.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(config_app, name="config")
app.add_typer(plugins_app, name="plugins")
app.add_typer(new_app, name="new")
app.add_typer(streams_app, name="streams")
app.add_typer(snapshots_app, name="snapshots")
app.add_typer(cache_app, name="cache")
app.add_typer(namespace_app, name="namespace")
for command in (explain, advise, history, forget, archive, health, copy, revisions):
    app.command()(command)
app.command("import")(import_)


def run() -> int:
    """Run the command that the process's arguments name; the exit code."""
    try:
        with_extensions(_words())(prog_name="interlock")
    except SettingsError as error:
        tell(str(error), err=True)
        return 1
    except InterlockError as error:
        tell(str(error), err=True)
        return 2
    return 0


def with_extensions(words: Sequence[str]) -> typer.Typer:
    """The command line, with the commands of extensions.

    Only an extension that is among the words is loaded; the others are listed.
    """
    own = {group.name for group in app.registered_groups}
    own |= {command.name for command in app.registered_commands}
    catalogue = Catalogue.installed()
    for found in catalogue.names():
        if found.group != "interlock.extensions" or found.name in own:
            continue
        if found.name in words:
            for commands in catalogue.extensions([found.name]).commands():
                commands.rich_markup_mode = None
                app.add_typer(commands)
        elif found.glance.has_commands:
            app.command(found.name, help=found.glance.summary() or f"Of {found.distribution}.")(
                _none
            )
        own.add(found.name)
    return app


def _words() -> list[str]:
    """The command that is named, or whose arguments a shell completes."""
    completed = next((os.environ[name].split()[1:] for name in _WORDS if name in os.environ), [])
    return [word for word in (*sys.argv[1:], *completed) if not word.startswith("-")][:1]


def _none() -> None:
    """In the place of a command that isn't loaded."""


def _version(*, is_wanted: bool) -> None:
    if is_wanted:
        try:
            typer.echo(f"interlock {version('interlock')}")
        except PackageNotFoundError:
            typer.echo("interlock, of a version that no metadata tells")
        raise typer.Exit


@app.callback()
def _interlock(
    *,
    _: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Event-sourced aggregates that load fast."""


@app.command("demo")
def demo() -> None:
    """Load an account in three ways."""
    raise typer.Exit(run_demo())
