"""Where TOML is found, its profiles, and what stands in it for values from elsewhere."""

import os
import re
import tomllib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self

from interlock.errors import ConfigurationError

Table = dict[str, Any]  # Any: TOML values
Problems = list[tuple[str, str]]  # (where in the TOML, what is wrong)

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class Secret(str):
    """A string a part of which came from the environment or a file; shown with that part masked."""

    __slots__ = ("shown",)

    shown: str

    def __new__(cls, value: str, shown: str) -> Self:
        """The value, and how it is shown."""
        secret = super().__new__(cls, value)
        secret.shown = shown
        return secret

    def __repr__(self) -> str:
        return repr(self.shown)


def find(path: str | PathLike[str] | None) -> tuple[Path, Table]:
    """The file and its table: the one given, else the first found of the usual ones.

    Raises `ConfigurationError` if there is none, or it is no TOML.
    """
    named = path or os.environ.get("INTERLOCK_CONFIG")
    if named:
        return Path(named), _read(Path(named))
    if Path("interlock.toml").exists():
        return Path("interlock.toml"), _read(Path("interlock.toml"))
    project = Path("pyproject.toml")
    table = _read(project).get("tool", {}).get("interlock") if project.exists() else None
    if table is None:
        raise ConfigurationError(
            f"no configuration found in {Path.cwd()}: name a file, set INTERLOCK_CONFIG, or write "
            "interlock.toml or [tool.interlock] in pyproject.toml"
        )
    return project, table


def _read(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no TOML: {error}") from error


def with_profile(table: Table, name: str | None, problems: Problems) -> Table:
    """The table without its profiles, the chosen one merged over it."""
    profiles = table.get("profiles", {})
    base = {key: value for key, value in table.items() if key != "profiles"}
    if not isinstance(profiles, dict):
        problems.append(("profiles", "wanted tables [profiles.NAME]"))
        return base
    if name is None:
        return base
    if name not in profiles:
        known = ", ".join(profiles) or "none"
        problems.append(("profiles", f"INTERLOCK_PROFILE is {name!r}; there are: {known}"))
        return base
    merged: Table = _merged(base, profiles[name])
    return merged


def _merged(base: Any, over: Any) -> Any:  # Any: TOML values
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    both = {key: _merged(base[key], over[key]) for key in base.keys() & over.keys()}
    return {**base, **over, **both}


def resolved(value: Any, where: str, folder: Path, problems: Problems) -> Any:  # Any: TOML values
    """The value with `${VAR}`, `${VAR:-default}`, `{ file = "..." }` filled in; `$${` is `${`."""
    if isinstance(value, dict):
        if value.keys() == {"file"} and isinstance(value["file"], str):
            return _from_file(folder / value["file"], where, problems)
        return {
            key: resolved(item, f"{where}.{key}" if where else key, folder, problems)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [resolved(x, f"{where}[{i}]", folder, problems) for i, x in enumerate(value)]
    if isinstance(value, str) and "${" in value:
        return _interpolated(value, where, os.environ, problems)
    return value


def _from_file(path: Path, where: str, problems: Problems) -> str:
    try:
        return Secret(path.read_text(encoding="utf-8").rstrip("\r\n"), "***")
    except (OSError, UnicodeDecodeError) as error:
        problems.append((where, f"the file {path} can't be read: {error}"))
        return ""


def _interpolated(
    value: str, where: str, environment: Mapping[str, str], problems: Problems
) -> str:
    def found(match: re.Match[str]) -> str:
        name, default = match.groups()
        if name is None:
            return "${"
        if name in environment:
            return environment[name]
        if default is None:
            problems.append((where, f"the environment variable {name} is not set"))
            return ""
        return str(default)

    def masked(match: re.Match[str]) -> str:
        return "${" if match.group(1) is None else "***"

    return Secret(_VARIABLE.sub(found, value), _VARIABLE.sub(masked, value))
