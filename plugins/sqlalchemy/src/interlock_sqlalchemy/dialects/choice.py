"""Chooses the database that a URL names."""

from collections.abc import Callable

from sqlalchemy import URL, Dialect, Table, make_url
from sqlalchemy.exc import ArgumentError

from interlock.backends import ConfigurationError
from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.database import Database
from interlock_sqlalchemy.dialects.mysql import MySQL
from interlock_sqlalchemy.dialects.postgresql import PostgreSQL
from interlock_sqlalchemy.dialects.sqlite import SQLite
from interlock_sqlalchemy.server import ServerDatabase
from interlock_sqlalchemy.threaded import ThreadedDatabase

_SERVERS: dict[str, type[PostgreSQL] | type[MySQL]] = {
    "postgresql": PostgreSQL,
    "mysql": MySQL,
    "mariadb": MySQL,
}
_DIALECTS = ("sqlite", *_SERVERS)

_ESCAPES = "within a user's name, a password or a value write %40 for @, %2F for /, %3A for :"

MakeTable = Callable[[str], Table]
"""Makes the table for the database of that name."""


def connect(
    config: SQLAlchemyConfig, make_table: MakeTable, *, needs_primary: bool = False
) -> tuple[Database, Table]:
    """Make the database that the options name, and its table, without opening it.

    One that `needs_primary` refuses a replica and a server that is read-only, on start and with
    each new connection. Raises `ConfigurationError`.
    """
    url = url_of(config.url)
    name, driver = url.get_backend_name(), url.drivername.partition("+")[2]
    drivers = _SERVERS[name].drivers if name in _SERVERS else SQLite.drivers
    if driver and driver not in drivers:
        raise ConfigurationError(
            f"the url's driver is {driver!r}; for {name} leave it out, "
            f"or name one of: {', '.join(drivers)}"
        )
    table = make_table(name)
    if name in _SERVERS:
        server = _SERVERS[name](url, config)
        return ServerDatabase(server, table, config, needs_primary=needs_primary), table
    return ThreadedDatabase(SQLite(url, config), table, config), table


def url_of(text: str) -> URL:
    """Parse the URL of a supported database. Raises `ConfigurationError`."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # Neither the cause nor the text: both may hold a password.
        raise ConfigurationError(
            f"the url isn't one that SQLAlchemy can parse; {_ESCAPES}"
        ) from None
    name = url.get_backend_name()
    if name not in _DIALECTS:
        raise ConfigurationError(
            f"the url's database is {name!r}; supported: {', '.join(_DIALECTS)}"
        )
    if name in _SERVERS and any("@" in part for part in _parts_after_user(url, text)):
        # SQLAlchemy ends a password at its first @; the rest would be looked up as a server's name.
        raise ConfigurationError(f"the url has an @ behind its user and password; {_ESCAPES}")
    return url


def _parts_after_user(url: URL, text: str) -> tuple[str, str, str]:
    """The URL's parts after user and password, not decoded."""
    return url.host or "", url.database or "", text.partition("?")[2]


def dialect_named(name: str) -> Dialect:
    """SQLAlchemy's dialect for a database's name, to print DDL with; needs no driver."""
    if name not in _DIALECTS:
        raise ConfigurationError(f"there is no dialect {name!r}; supported: {', '.join(_DIALECTS)}")
    return make_url(f"{name}://").get_dialect()()
