"""Where TOML is found, its profiles, and what stands in it for values from elsewhere."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from interlock.errors import ConfigurationError
from interlock.masking import Secret

Table = dict[str, Any]  # Any: TOML values
Problems = list[tuple[str, str]]  # (where in the TOML, what is wrong)

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class NoneFoundError(ConfigurationError):
    """Nobody named a file, and there is none where one is looked for."""


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
        raise NoneFoundError(
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


class Filler:
    """Fills in what a TOML file takes from elsewhere; what can't be found is noted."""

    def __init__(
        self, folder: Path, secret: Callable[[str], str | None], problems: Problems
    ) -> None:
        self._folder = folder
        self._secret = secret
        self._problems = problems

    def filled(self, value: Any, where: str = "") -> Any:  # Any: TOML values
        """The value with its variables, files and secrets; `$${` is `${`.

        Variables are `${VAR}` and `${VAR:-default}`, the others `{ file = "..." }` and
        `{ secret = "..." }`.
        """
        if isinstance(value, dict):
            for key, found in (("file", self._from_file), ("secret", self._from_extension)):
                if value.keys() == {key} and isinstance(value[key], str):
                    return found(value[key], where)
            return {
                key: self.filled(item, f"{where}.{key}" if where else key)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.filled(item, f"{where}[{index}]") for index, item in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return _interpolated(value, where, os.environ, self._problems)
        return value

    def _from_file(self, name: str, where: str) -> str:
        path = self._folder / name
        try:
            return Secret(path.read_text(encoding="utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError) as error:
            self._problems.append((where, f"the file {path} can't be read: {error}"))
            return ""

    def _from_extension(self, name: str, where: str) -> str:
        try:
            found = self._secret(name)
        except ConfigurationError as error:
            self._problems.append((where, str(error)))
            return ""
        if found is None:
            self._problems.append((where, f"no extension that is listed knows the secret {name!r}"))
            return ""
        return Secret(found)


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
        name, default = match.groups()
        if name is None:
            return "${"
        return "***" if name in environment or default is None else str(default)

    return Secret(_VARIABLE.sub(found, value), _VARIABLE.sub(masked, value))
