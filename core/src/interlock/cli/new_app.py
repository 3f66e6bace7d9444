"""`interlock new app`: a small service that runs at once."""

import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.new import write_files
from interlock.cli.screen import tell
from interlock.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 32
_TAKEN = {"interlock", "fastapi", "tests", "test", "src"}  # by what it imports, and its folders
_FILES = {
    ".gitignore": "app/gitignore",
    "Dockerfile": "app/Dockerfile",
    "README.md": "app/README.md",
    "interlock.toml": "app/interlock.toml",
    "pyproject.toml": "app/pyproject.toml",
    "src/$package/__init__.py": "app/__init__.py",
    "src/$package/accounts.py": "app/accounts.py",
    "src/$package/main.py": "app/main.py",
    "tests/test_accounts.py": "app/test_accounts.py",
    "tests/test_api.py": "app/test_api.py",
}

new_app = typer.Typer(help="Something new, to begin with.", no_args_is_help=True)


@new_app.callback()
def _new() -> None:
    """Keep `app` a command of its own."""


@new_app.command("app")
def app(
    name: Annotated[str, typer.Argument(help="The service's, as in bank-accounts.")],
    into: Annotated[
        Path | None, typer.Option(help="A new or empty folder; NAME by default.")
    ] = None,
) -> None:
    """Write a small service: FastAPI, SQLite, tests, a Dockerfile.

    It runs at once; with the profile `prod` it uses PostgreSQL and Redis.
    """
    folder = into or Path(name)
    for path in write_service(name, folder):
        typer.echo(path)
    tell(f"Next, in {folder}: python -m pip install -e '.[test]', python -m pytest, and")
    tell(f"uvicorn {name.replace('-', '_')}.main:api")


def write_service(name: str, folder: Path) -> Sequence[Path]:
    """Write a service into a folder that is new or empty; the files.

    Raises `ConfigurationError` if the name doesn't do or the folder holds something.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ConfigurationError(
            f"{name!r} is no name for a service; wanted at most {_LONGEST} lower-case letters and "
            "digits, from a letter on, with single hyphens between words, as in 'bank-accounts'"
        )
    if name in _TAKEN or name.startswith("interlock-"):
        raise ConfigurationError(f"{name!r} is the name of something that it uses; choose another")
    package = name.replace("-", "_")
    values = {"name": name, "package": package, "core": version("interlock")}
    return write_files(folder, _FILES, values)
