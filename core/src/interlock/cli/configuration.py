"""`interlock config`: the configuration checked, shown, and described for editors."""

import json
from pathlib import Path
from typing import Annotated, Any

import tomli_w
import typer
from pydantic import BaseModel

from interlock._config import checking
from interlock._config.settings import AggregateOptions, ApplicationSettings, Settings
from interlock._config.toml import find
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.problems import SettingsError
from interlock._plugins.specs import BackendKind
from interlock._values.masking import shown
from interlock.cli.options import described
from interlock.cli.schema import schema_of
from interlock.cli.screen import tell

config_app = typer.Typer(help="The configuration.", no_args_is_help=True, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="The TOML file; else the one that is found.")
]
ProfileName = Annotated[
    str | None, typer.Option("--profile", help="The profile; else INTERLOCK_PROFILE's.")
]
Table = dict[str, Any]  # Any: TOML values


@config_app.command()
def check(
    config: ConfigFile = None, profile: ProfileName = None, *, as_json: AsJson = False
) -> None:
    """Check the configuration, all of it.

    With a profile, or with each of them and without any; exits with 1 if anything is wrong.
    Backends are made and not opened.
    """
    found = find(config)
    checked = checking.check(found, profile)
    if as_json:
        typer.echo(json.dumps(_report(str(found.path), checked), indent=2))
    elif checked.errors:
        tell(str(SettingsError(str(found.path), checked.errors)), err=True)
    else:
        profiles = f"; with the profiles: {', '.join(checked.profiles)}" * bool(checked.profiles)
        tell(f"{found.path}: no errors{profiles}")
    if not as_json:
        for note in checked.notes:
            tell(f"note: {note}", err=True)
    raise typer.Exit(1 if checked.errors else 0)


def _report(source: str, checked: checking.Checked) -> dict[str, Any]:  # Any: JSON values
    problems = [("error", each) for each in checked.errors]
    problems += [("note", each) for each in checked.notes]
    return {
        "ok": not checked.errors,
        "source": source,
        "profiles": list(checked.profiles),
        "problems": [
            {
                "level": level,
                "place": problem.place,
                "problem": problem.text,
                "hint": problem.hint or None,
                "line": problem.line,
                "profile": problem.profile,
            }
            for level, problem in problems
        ],
    }


@config_app.command()
def show(
    config: ConfigFile = None, profile: ProfileName = None, *, as_json: AsJson = False
) -> None:
    """Show the configuration as it takes effect.

    Its profile merged, variables filled in, defaults written out; secrets are masked. What code
    gives to the builder comes on top of it, and isn't shown.
    """
    settings = checking.settings_of(find(config), profile)
    table = effective(settings, Catalogue.installed())
    if as_json:
        found = {"source": settings.source, "profile": settings.profile, **table}
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo(f"# {_origin(settings)}\n{tomli_w.dumps(table)}", nl=False)


@config_app.command()
def schema() -> None:
    """Print the JSON Schema of interlock.toml.

    It has the options of what is installed here, all of which is loaded for it.
    """
    found, left_out = schema_of(Catalogue.installed())
    for name, why in left_out.items():
        tell(f"left out: {name}: {why}", err=True)
    typer.echo(json.dumps(found, indent=2))


def effective(settings: Settings, catalogue: Catalogue) -> Table:
    """The TOML that says the same without a profile, variables or defaults; secrets masked."""
    given = settings.table
    application = {**_defaults(ApplicationSettings), **given.get("application", {})}
    aggregates = {"default": {}, **given.get("aggregates", {})}
    default = {**_defaults(AggregateOptions), **aggregates["default"]}

    def backend(kind: BackendKind, table: Table) -> Table:
        model = catalogue.options(catalogue.backend(table["backend"], kind))
        if model is None:
            return table
        defaults = _defaults(model)
        if "namespace" in model.model_fields:
            defaults["namespace"] = application["namespace"]
        return shown({"backend": table["backend"], **defaults, **table}, model)

    def backends(section: str, kind: BackendKind) -> Table:
        return {name: backend(kind, table) for name, table in given.get(section, {}).items()}

    table = {
        "schema": given["schema"],
        "app": given.get("app"),
        "extensions": given.get("extensions", []),
        "application": application,
        "event_store": backend(
            BackendKind.EVENTS, given.get("event_store", {"backend": "memory-events"})
        ),
        "snapshot_backends": backends("snapshot_backends", BackendKind.SNAPSHOTS),
        "cache_backends": backends("cache_backends", BackendKind.CACHE),
        "aggregates": {name: {**default, **own} for name, own in aggregates.items()},
    }
    return shown({name: value for name, value in table.items() if value not in ({}, [], None)})


def _defaults(model: type[BaseModel]) -> Table:
    options = described(model)
    return {o["name"]: o["default"] for o in options if o["default"] is not None}


def _origin(settings: Settings) -> str:
    profile = f", profile {settings.profile}" if settings.profile else ""
    return f"{settings.source}{profile}"
