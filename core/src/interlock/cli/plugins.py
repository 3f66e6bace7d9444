"""`interlock plugins`: what is installed, and whether it works."""

import difflib
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.conformance import run_suites
from interlock.cli.doctor import examine, tell
from interlock.cli.new import new
from interlock.cli.options import described, model_of
from interlock.errors import ConfigurationError
from interlock.plugins import Catalogue, Listing
from interlock.specs import BackendSpec, ExtensionSpec, Spec

plugins_app = typer.Typer(help="What is installed.", no_args_is_help=True)
plugins_app.command()(new)


@plugins_app.command("list")
def list_plugins(*, as_json: AsJson = False) -> None:
    """List what is installed, broken plugins too."""
    rows = [_row(listing) for listing in Catalogue.installed().listing()]
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
def info(
    name: Annotated[str, typer.Argument(help="A backend, strategy, codec or extension.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Tell what goes by a name: where it is from, what it can, its options."""
    catalogue = Catalogue.installed()
    found = [
        _details(listing, spec, catalogue)
        for listing in _named(catalogue.listing(), name)
        for spec in listing.specs or (None,)
    ]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for details in found:
        _print_details(details)


@plugins_app.command()
def doctor(config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Examine what is installed and open what is configured; exit 1 if any of that is broken.

    Backends are opened as by an application: where create_schema is set, tables are made.
    """
    report = examine(config)
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        tell(report, Console(highlight=False, soft_wrap=True))
    raise typer.Exit(0 if report.is_well else 1)


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
    return {
        "name": listing.name,
        "kinds": [_noun(spec) for spec in listing.specs],
        "distribution": listing.distribution,
        "version": listing.version,
        "summary": "; ".join(spec.summary for spec in listing.specs if spec.summary),
        "capabilities": sorted(c for spec in listing.specs for c in _capabilities(spec)),
        "error": listing.error,
    }


def _named(listings: list[Listing], name: str) -> list[Listing]:
    """Those of the name, which may have a distribution in front: `dist:name`."""
    found = [each for each in listings if name in (each.name, f"{each.distribution}:{each.name}")]
    if not found:
        near = difflib.get_close_matches(name, {each.name for each in listings}, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigurationError(
            f"nothing named {name!r} is installed; {hint}`interlock plugins list` lists what is"
        )
    return found


def _details(
    listing: Listing, spec: Spec | None, catalogue: Catalogue
) -> dict[str, Any]:  # Any: JSON values
    options, error = [], listing.error
    try:
        options = [] if spec is None else described(model_of(spec, catalogue))
    except Exception as failure:  # noqa: BLE001 a broken plugin is told of
        error = str(failure)
    return {
        "name": listing.name,
        "kind": listing.group.removeprefix("interlock.") if spec is None else _noun(spec),
        "distribution": listing.distribution,
        "version": listing.version,
        "location": listing.location,
        "module": listing.source,
        "summary": "" if spec is None else spec.summary,
        "capabilities": [] if spec is None else sorted(_capabilities(spec)),
        "error": error,
        "options": options,
    }


def _print_details(details: dict[str, Any]) -> None:  # Any: JSON values
    console = Console(highlight=False, soft_wrap=True)
    told = {
        "distribution": f"{details['distribution']} {details['version']}",
        "from": f"{details['module']} in {details['location']}",
        "capabilities": ", ".join(details["capabilities"]),
        "error": details["error"],
        "options": "none" if not details["options"] and not details["error"] else "",
    }
    summary = f": {details['summary']}" if details["summary"] else ""
    console.print(f"{details['name']} ({details['kind']}){summary}", markup=False)
    for key, text in told.items():
        if text:
            console.print(f"  {key}: {text}", markup=False)
    for option in details["options"]:
        default = "" if option["default"] is None else f", default {json.dumps(option['default'])}"
        needed = ", required" if option["required"] else default
        console.print(f"  {option['name']}: {option['type']}{needed}", markup=False)
        if option["description"]:
            console.print(f"      {option['description']}", markup=False)


def _capabilities(spec: Spec) -> frozenset[str]:
    return spec.capabilities if isinstance(spec, BackendSpec) else frozenset()


def _noun(spec: Spec) -> str:
    if isinstance(spec, BackendSpec):
        return str(spec.kind)
    if isinstance(spec, ExtensionSpec):
        return "extension"
    kind = getattr(spec, "kind", None)
    return "codec" if kind is None else f"{kind} strategy"
