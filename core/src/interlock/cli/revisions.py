"""`interlock revisions`: what revisions are, and what changed them."""

import json
import warnings
from pathlib import Path
from typing import Annotated, Any

import tomli_w
import typer

from interlock._app.revision_lock import Change, Found, Lock, changes, found_in, read
from interlock.cli.application import make_application
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.screen import tell
from interlock.errors import ConfigurationError, InterlockError, RevisionWarning

_HEAD = "# Made by `interlock revisions --write`; `interlock revisions --check` compares it.\n"


def revisions(
    app: Annotated[
        str | None,
        typer.Option(
            "--app",
            metavar="MODULE:CALLABLE",
            help="What makes the application; else the `app` of the configuration.",
        ),
    ] = None,
    config: ConfigFile = None,
    to_write: Annotated[
        Path | None, typer.Option("--write", metavar="FILE", help="Write a lock file.")
    ] = None,
    to_check: Annotated[
        Path | None,
        typer.Option(
            "--check", metavar="FILE", help="Compare with a lock file; exit 1 if anything differs."
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show each aggregate's revision.

    It is the hash over all code that decides the state. A lock file holds what each revision was
    computed from, so that a check names what changed. The application is made and not started. The
    exit code is 2 if it can't be made.
    """
    try:
        if to_write and to_check:
            raise ConfigurationError("--write and --check are two commands; give one of them")
        locked = read(to_check) if to_check else None
        found = _found(app, config)
        if to_write:
            _write(to_write, found.lock)
    except InterlockError as error:
        if as_json:
            typer.echo(json.dumps({"ok": False, "error": str(error)}, indent=2))
        else:
            tell(str(error), err=True)
        raise typer.Exit(2) from None
    differences = [] if locked is None else [*changes(locked, found.lock, found.reads)]
    if as_json:
        typer.echo(json.dumps(_as_json(found, differences), indent=2))
    elif to_check:
        _tell_changes(differences, to_check, len(found.lock.types))
    elif to_write:
        typer.echo(f"{to_write}: {_counted(len(found.lock.types))}")
    else:
        _tell(found.lock)
    for note in () if as_json else found.notes:
        tell(f"note: {note}", err=True)
    raise typer.Exit(1 if differences else 0)


def _found(app: str | None, config: Path | None) -> Found:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RevisionWarning)  # told as notes
        application = make_application(app, config)
    return found_in(application)


def _as_json(found: Found, differences: list[Change]) -> dict[str, Any]:  # Any: JSON values
    return {
        "ok": not differences,
        **found.lock.model_dump(by_alias=True),
        "changes": [each.as_json() for each in differences],
        "notes": found.notes,
    }


def _write(path: Path, lock: Lock) -> None:
    """Write the file. Raises `ConfigurationError` if it can't be."""
    try:
        path.write_text(_HEAD + tomli_w.dumps(lock.model_dump(by_alias=True)), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}") from error


def _tell(lock: Lock) -> None:
    if not lock.types:
        typer.echo("no aggregate is registered")
    width = max(map(len, lock.types), default=0)
    for name, each in lock.types.items():
        inputs = f"{len(each.inputs)} inputs"
        typer.echo(f"{name:{width}}  {each.revision}  {'explicit, ' * each.explicit}{inputs}")


def _tell_changes(differences: list[Change], path: Path, types: int) -> None:
    for each in differences:
        tell(f"{each.type}: {each.message}")
    if differences:
        tell(f"If that is right: interlock revisions --write {path}")
    else:
        typer.echo(f"{path}: {_counted(types)}, unchanged")


def _counted(types: int) -> str:
    return f"{types} type{'s' * (types != 1)}"
