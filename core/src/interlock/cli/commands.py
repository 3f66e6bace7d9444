"""The commands."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from interlock.cli.conformance import run_suites
from interlock.cli.demo import run
from interlock.config import load_settings, shown
from interlock.errors import ConfigurationError
from interlock.plugins import Catalogue, Listing
from interlock.settings import AggregateSettings, Settings
from interlock.specs import BackendReference, BackendSpec, ExtensionSpec

app = typer.Typer(
    help="Event-sourced aggregates that load fast.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="The configuration.", no_args_is_help=True)
plugins_app = typer.Typer(help="What is installed.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(plugins_app, name="plugins")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def with_extension(names: Sequence[str]) -> typer.Typer:
    """The command line; of an extension that it names, with that one's commands."""
    own = {group.name for group in app.registered_groups}
    own |= {command.name for command in app.registered_commands}
    catalogue = Catalogue.installed()
    for name in names:
        if name not in own and catalogue.has_extension(name):
            for commands in catalogue.extensions([name]).commands():
                app.add_typer(commands)
    return app


@app.command("demo")
def demo() -> None:
    """Load one account of 10,000 events cold, from a snapshot and from a cache."""
    raise typer.Exit(run(Console()))


@config_app.command()
def check(
    config: Annotated[Path | None, typer.Option(help="The TOML file.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Check the configuration, all of it; exit 1 if anything is wrong."""
    try:
        settings = load_settings(config)
    except ConfigurationError as error:
        if as_json:
            typer.echo(json.dumps({"ok": False, "error": str(error)}, indent=2))
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    summary = _summary(settings)
    if as_json:
        typer.echo(json.dumps({"ok": True, **summary}, indent=2))
    else:
        _print_summary(summary)


@plugins_app.command("list")
def list_plugins(*, as_json: AsJson = False) -> None:
    """List what is installed, broken plugins too."""
    listings = Catalogue.installed().listing()
    rows = [_row(listing) for listing in listings]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table()
    for column in ("name", "what", "distribution", "status", "summary"):
        table.add_column(column, no_wrap=column in ("name", "distribution"))
    for row in rows:
        table.add_row(
            row["name"],
            ", ".join(row["kinds"]),
            f"{row['distribution']} {row['version']}",
            row["error"] or "ok",
            row["summary"],
        )
    Console().print(table)


@plugins_app.command()
def verify(
    name: Annotated[str, typer.Argument(help="The backend.")],
    options: Annotated[Path | None, typer.Option(help="Its options, in a TOML file.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the verdict here, as JSON.")] = None,
    contract: Annotated[str | None, typer.Option(help="The version of the contract.")] = None,
    *,
    soak: Annotated[bool, typer.Option("--soak", help="Explore at random, for long.")] = False,
) -> None:
    """Check a backend with interlock-conformance; exit 1 unless it is conformant."""
    values = {"options": options, "report": report, "contract": contract}
    given = [f"--interlock-{key}={value}" for key, value in values.items() if value is not None]
    raise typer.Exit(run_suites(name, [*given, *(["--interlock-soak"] if soak else [])]))


def _row(listing: Listing) -> dict[str, Any]:  # Any: JSON values
    kinds = [
        str(spec.kind) if isinstance(spec, BackendSpec) else _noun(spec) for spec in listing.specs
    ]
    return {
        "name": listing.name,
        "kinds": kinds,
        "distribution": listing.distribution,
        "version": listing.version,
        "summary": "; ".join(spec.summary for spec in listing.specs if spec.summary),
        "capabilities": sorted(
            capability
            for spec in listing.specs
            if isinstance(spec, BackendSpec)
            for capability in spec.capabilities
        ),
        "error": listing.error,
    }


def _noun(spec: object) -> str:
    if isinstance(spec, ExtensionSpec):
        return "extension"
    kind = getattr(spec, "kind", None)
    return "codec" if kind is None else f"{kind} strategy"


def _summary(settings: Settings) -> dict[str, Any]:  # Any: JSON values
    return {
        "source": settings.source,
        "profile": settings.profile,
        "application": settings.application.model_dump(mode="json"),
        "event_store": _reference(settings.event_store or BackendReference("memory-events")),
        "snapshot_backends": {
            name: _reference(found) for name, found in settings.snapshot_backends.items()
        },
        "cache_backends": {
            name: _reference(found) for name, found in settings.cache_backends.items()
        },
        "aggregates": {
            name: _aggregate(found)
            for name, found in {"default": settings.default, **settings.aggregates}.items()
        },
    }


def _reference(reference: BackendReference) -> dict[str, Any]:  # Any: JSON values
    return {"backend": reference.name, **shown(reference.options)}


def _aggregate(settings: AggregateSettings) -> dict[str, str | int]:
    found = {}
    for name in AggregateSettings.__dataclass_fields__:
        value = getattr(settings, name)
        if value is not None:
            found[name] = value if isinstance(value, str | int) else repr(value)
    return found


def _print_summary(summary: dict[str, Any]) -> None:  # Any: JSON values
    console = Console(highlight=False, soft_wrap=True)
    profile = f", profile {summary['profile']}" if summary["profile"] else ""
    console.print(f"{summary['source']}{profile}: no errors", markup=False)
    for section in ("application", "event_store"):
        console.print(f"{section}: {_spoken(summary[section])}", markup=False)
    for section in ("snapshot_backends", "cache_backends", "aggregates"):
        for name, values in summary[section].items():
            console.print(f"{section}.{name}: {_spoken(values)}", markup=False)


def _spoken(values: dict[str, Any]) -> str:  # Any: JSON values
    return ", ".join(f"{name} = {value}" for name, value in values.items()) or "all defaults"
