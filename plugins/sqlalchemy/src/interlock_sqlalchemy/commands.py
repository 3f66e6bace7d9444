"""`interlock sql`: the tables of the SQL backends."""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from interlock.backends import ConfigurationError, configured_backends
from interlock_sqlalchemy.config import SQLAlchemyConfig, TableName
from interlock_sqlalchemy.dialects import url_of

GROUP = "interlock_sqlalchemy.ddl"
"""The entry points by which a distribution tells of its backend's `ddl`, under its name."""

app = typer.Typer(
    name="sql",
    help="The tables of SQL databases.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _sql() -> None:
    """The tables of SQL databases."""


@app.command()
def ddl(
    dialect: Annotated[
        str | None, typer.Option(help="sqlite, postgresql, mysql or mariadb.")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(help="BACKEND=TABLE: another name, with a schema in front if need be."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The TOML file; without --dialect the one that is found.")
    ] = None,
) -> None:
    """Print the statements that make the tables.

    With --dialect those of all SQL backends that are installed, else those that the configuration
    names, each in the dialect of its URL.
    """
    if dialect is None:
        if table:
            raise ConfigurationError("--table goes with --dialect; a configuration names its own")
        statements = _statements_of_config(config, _installed_ddls())
    elif config is not None:
        raise ConfigurationError("--dialect and --config exclude each other: URLs have a dialect")
    else:
        statements = _statements_for(dialect, _parse_tables(table or ()), _installed_ddls())
    typer.echo("\n".join(statements), nl=False)


def _installed_ddls() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _parse_tables(tables: Iterable[str]) -> dict[str, str]:
    named = {}
    for table in tables:
        backend, equals, name = table.partition("=")
        try:
            named[backend] = TypeAdapter(TableName).validate_python(name if equals else None)
        except ValidationError:
            raise ConfigurationError(
                f"--table {table}: wanted BACKEND=TABLE, the table in letters, digits and _, with "
                "a schema in front if need be: sqlalchemy-events=app.events"
            ) from None
    return named


def _statements_for(
    dialect: str, tables: Mapping[str, str], ddls: Mapping[str, EntryPoint]
) -> Iterator[str]:
    unknown = tables.keys() - ddls.keys()
    if unknown:
        raise ConfigurationError(
            f"--table names {', '.join(sorted(unknown))}; SQL backends that are installed: "
            f"{', '.join(sorted(ddls)) or 'none'}"
        )
    for backend, point in sorted(ddls.items()):
        options = {"table": tables[backend]} if backend in tables else {}
        yield point.load()(dialect, **options)


def _statements_of_config(config: Path | None, ddls: Mapping[str, EntryPoint]) -> Iterator[str]:
    """Each table once, however many backends share it."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for found in configured_backends(config):
        if found.spec.name in ddls and isinstance(found.options, SQLAlchemyConfig):
            place = (found.spec.name, found.options.url, found.options.table)
            places.setdefault(place, []).append(found.where)
    if not places:
        raise ConfigurationError("the configuration names no SQL backend")
    for (backend, url, table), wheres in places.items():
        dialect = url_of(url).get_backend_name()
        statement = ddls[backend].load()(dialect, table=table)
        yield f"-- {', '.join(wheres)}: {dialect}\n{statement}"
