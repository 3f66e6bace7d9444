"""The commands."""

from collections.abc import Sequence

import typer
from rich.console import Console

from interlock.cli.configuration import config_app
from interlock.cli.demo import run
from interlock.cli.plugins import plugins_app
from interlock.plugins import Catalogue

app = typer.Typer(
    help="Event-sourced aggregates that load fast.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(config_app, name="config")
app.add_typer(plugins_app, name="plugins")


def with_extension(names: Sequence[str]) -> typer.Typer:
    """The command line; of an extension that it names, with that one's commands."""
    own = {group.name for group in app.registered_groups}
    own |= {command.name for command in app.registered_commands}
    catalogue = Catalogue.installed()
    installed = catalogue.extension_names()
    for name in names:
        if name not in own and name in installed:
            for commands in catalogue.extensions([name]).commands():
                app.add_typer(commands)
    if installed:
        app.info.epilog = f"Installed extensions, which may bring commands: {', '.join(installed)}"
    return app


@app.command("demo")
def demo() -> None:
    """Load one account of 10,000 events cold, from a snapshot and from a cache."""
    raise typer.Exit(run(Console()))
