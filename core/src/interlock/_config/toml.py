"""Configuration files: finding and reading them, and their profiles."""

import os
import stat
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from interlock._config.places import DEEPEST, TooDeepError, lines_of
from interlock._plugins.problems import Problems, key, within
from interlock.errors import ConfigurationError

Table = dict[str, Any]  # Any: TOML values

LARGEST = 256 * 1024
"""How many bytes of a configuration file are read."""


class NoneFoundError(ConfigurationError):
    """Nobody named a file, and there is none where one is looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A configuration: its file, its table, and in which line of the file each key stands.

    `prefix` is what stands before the table's keys in the file: `tool.interlock.`, or nothing.
    """

    path: Path
    table: Table
    lines: Mapping[str, int] = field(default_factory=dict)
    prefix: str = ""

    @property
    def profiles(self) -> list[str]:
        """The names of the profiles, in the file's order."""
        profiles = self.table.get("profiles", {})
        return list(profiles) if isinstance(profiles, dict) else []

    def problems(self, profile: str | None = None) -> Problems:
        """No problems yet of the file, read with the profile."""
        return Problems(self.lines, prefix=self.prefix, profile=profile)


def find(path: str | PathLike[str] | None) -> Found:
    """The configuration of the file given, else of the first found of the usual ones.

    Raises `ConfigurationError` if there is none, or it is no TOML.
    """
    named = path or os.environ.get("INTERLOCK_CONFIG")
    if named:
        return _read(Path(named))
    if Path("interlock.toml").exists():
        return _read(Path("interlock.toml"))
    project = Path("pyproject.toml")
    found = _read(project) if project.exists() else Found(project, {})
    tools = found.table.get("tool", {})
    table = tools.get("interlock") if isinstance(tools, dict) else None
    if table is None:
        raise NoneFoundError(
            f"no configuration found in {Path.cwd()}: name a file, set INTERLOCK_CONFIG, or write "
            "interlock.toml or [tool.interlock] in pyproject.toml"
        )
    if not isinstance(table, dict):
        raise ConfigurationError(f"{project}: tool.interlock is no table; wanted [tool.interlock]")
    return Found(project, table, found.lines, "tool.interlock.")


def _read(path: Path) -> Found:
    try:
        text = read_text(path, at_most=LARGEST)
        lines = lines_of(text)
        return Found(path, tomllib.loads(text), lines)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror or error}") from error
    except TooDeepError as error:
        raise ConfigurationError(
            f"{path} is nested too deep in line {error.line}; wanted at most {DEEPEST} tables and "
            "arrays in each other"
        ) from None
    except ValueError as error:  # of tomllib, of the encoding, of a number with 5,000 digits
        raise ConfigurationError(f"{path} is no TOML: {error}") from error


def read_text(path: Path, *, at_most: int) -> str:
    """The text of a regular file with at most this many bytes; a pipe or device is refused.

    Raises `OSError`, and `ValueError` if it isn't UTF-8.
    """
    if "\0" in str(path):
        raise OSError("its name holds a NUL")
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("wanted a regular file; this is another kind of file")
        data = file.read(at_most + 1)
    if len(data) > at_most:
        raise OSError(f"it is larger than {at_most:,} bytes")
    return data.decode()


def _open_at_once(path: str, flags: int) -> int:
    """Open it, a FIFO that nobody writes to as well."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def with_profile(table: Table, name: str | None, problems: Problems) -> Table:
    """The table without its profiles, the chosen one merged over it.

    What a profile has at the places that it lists as `replace` takes the place of what stands
    there, and isn't merged with it.
    """
    profiles = table.get("profiles", {})
    base = {key: value for key, value in table.items() if key != "profiles"}
    if not isinstance(profiles, dict):
        problems.add("profiles", "wanted tables [profiles.NAME]")
        return base
    for each, profile in profiles.items():
        if not isinstance(profile, dict):
            where = within("profiles", each)
            problems.add(where, f"wanted a table [{where}]")
    if name is None or not isinstance(profiles.get(name, {}), dict):
        return base
    if name not in profiles:
        known = ", ".join(map(key, profiles)) or "none"
        problems.add("profiles", f"there is no profile {key(name)}", f"there are: {known}")
        return base
    over = {key: value for key, value in profiles[name].items() if key != "replace"}
    wanted = profiles[name].get("replace", [])
    where = within("profiles", name, "replace")
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        problems.add(where, "wanted an array of places", 'as in ["cache_backends.hot"]')
        wanted = []
    replaced: set[str] = set()
    merged: Table = _merged(base, over, "", wanted, replaced)
    for index, place in enumerate(wanted):
        if place not in replaced:
            problems.add(
                within(where, index), f"the profile has no {place!r} that replaces another"
            )
    return merged


def _merged(
    base: Any, over: Any, place: str, wanted: Sequence[str], replaced: set[str]
) -> Any:  # Any: TOML values
    if place in wanted:
        replaced.add(place)
        return over
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    both = {
        key: _merged(base[key], over[key], within(place, key), wanted, replaced)
        for key in base.keys() & over.keys()
    }
    return {**base, **over, **both}
