"""The tables of SQL databases.

Registers the command `interlock sql`; imports neither SQLAlchemy nor the command line.
"""

from collections.abc import Iterable
from typing import Any

from interlock.backends import hookimpl


@hookimpl
def interlock_register_commands() -> Iterable[Any]:  # Any: typer's applications
    """The command, which is asked for where there is a command line."""
    from interlock_sqlalchemy.commands import app  # noqa: PLC0415 # typer may be missing

    yield app
