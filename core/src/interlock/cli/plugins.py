"""`interlock plugins`: what is installed, and whether it works."""

import difflib
import json
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock._app.application import Application
from interlock._plugins.catalogue import Catalogue, Listing
from interlock._plugins.specs import BackendSpec, ExtensionSpec, Spec
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.conformance import run_suites
from interlock.cli.doctor import examine, lines_of
from interlock.cli.listing import lines
from interlock.cli.long_work import AtOnce, Rate
from interlock.cli.new import new
from interlock.cli.operating import AppName, operate, print_json
from interlock.cli.options import described, model_of
from interlock.cli.screen import tell
from interlock.cli.streams import Stats, stats_of
from interlock.cli.streams import lines_of as lines_of_type
from interlock.errors import ConfigurationError

plugins_app = typer.Typer(help="What is installed.", no_args_is_help=True, rich_markup_mode=None)
plugins_app.command()(new)


@plugins_app.command("list")
def list_plugins(*, as_json: AsJson = False) -> None:
    """List what is installed, and load nothing of it."""
    found = Catalogue.installed().names()
    if as_json:
        typer.echo(json.dumps([_row(listing) for listing in found], indent=2))
    for line in () if as_json else lines(found):
        typer.echo(line)


@plugins_app.command()
def info(
    name: Annotated[str, typer.Argument(help="A backend, strategy, codec or extension.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Tell where a plugin is from, and its options."""
    catalogue = Catalogue.installed()
    found = [
        _details(listing, spec, catalogue)
        for listing in _named(catalogue, name)
        for spec in listing.specs or (None,)
    ]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for details in found:
        _print_details(details)


@plugins_app.command()
def doctor(
    app: AppName = None,
    config: ConfigFile = None,
    *,
    concurrency: AtOnce = 8,
    rate: Rate = None,
    with_types: Annotated[
        bool, typer.Option("--types", help="Count the streams of the application's types, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load what is installed, open what is configured.

    Exits with 1 if a configured backend is broken. Backends are opened as by an application: where
    create_schema is set, tables are made.
    """
    report = examine(config)

    async def counts(application: Application) -> list[Stats]:
        return await stats_of(application, at_once=concurrency, rate=rate)

    types = operate(app, config, counts, as_json=as_json) if with_types else []
    if as_json:
        counted = {"types": [each.as_json() for each in types]} if with_types else {}
        print_json({**report.as_json(), **counted})
    else:
        for line in [*lines_of(report), *chain.from_iterable(map(lines_of_type, types))]:
            tell(line)
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
    """Check a backend with interlock-conformance.

    Exits with 1 unless it is conformant.
    """
    for listing in _named(Catalogue.installed(), name):
        if listing.error is not None or not isinstance(listing.specs[0], BackendSpec):
            raise ConfigurationError(
                listing.error or f"{name!r} is no backend; only these are checked"
            )
    values = {"options": options, "report": report, "contract": contract}
    given = [f"--interlock-{key}={value}" for key, value in values.items() if value is not None]
    raise typer.Exit(run_suites(name, [*given, *(["--interlock-soak"] if soak else [])]))


def _row(listing: Listing) -> dict[str, Any]:  # Any: JSON values
    return {
        "name": listing.name,
        "kinds": _kinds(listing),
        "distribution": listing.distribution,
        "version": listing.version,
        "summary": listing.glance.summary(),
        "error": listing.error,
    }


def _kinds(listing: Listing) -> list[str]:
    if listing.group == "interlock.backends":
        return [str(kind) for kind in listing.kinds]
    noun = listing.group.removeprefix("interlock.").removesuffix("s").replace("ie", "y")
    return [f"{kind} {noun}" for kind in listing.kinds] or [noun]


def _named(catalogue: Catalogue, name: str) -> list[Listing]:
    """The listings of a name, which may have a distribution in front: `dist:name`."""
    found = catalogue.listing(name)
    if not found:
        near = difflib.get_close_matches(name, {each.name for each in catalogue.names()}, 1)
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
    told = {
        "distribution": f"{details['distribution']} {details['version']}",
        "from": f"{details['module']} in {details['location']}",
        "capabilities": ", ".join(details["capabilities"]),
        "error": details["error"],
        "options": "none" if not details["options"] and not details["error"] else "",
    }
    summary = f": {details['summary']}" if details["summary"] else ""
    tell(f"{details['name']} ({details['kind']}){summary}")
    for key, text in told.items():
        if text:
            tell(f"  {key}: {text}")
    for option in details["options"]:
        default = "" if option["default"] is None else f", default {json.dumps(option['default'])}"
        needed = ", required" if option["required"] else default
        tell(f"  {option['name']}: {option['type']}{needed}")
        if option["description"]:
            tell(f"      {option['description']}")


def _capabilities(spec: Spec) -> frozenset[str]:
    return spec.capabilities if isinstance(spec, BackendSpec) else frozenset()


def _noun(spec: Spec) -> str:
    if isinstance(spec, BackendSpec):
        return str(spec.kind)
    if isinstance(spec, ExtensionSpec):
        return "extension"
    kind = getattr(spec, "kind", None)
    return "codec" if kind is None else f"{kind} strategy"
