"""The values that a TOML file takes from elsewhere: variables, files, secrets of extensions."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interlock._config.toml import read_text
from interlock._plugins.problems import Problems, key, within
from interlock._values.masking import MASK, Secret
from interlock.errors import ConfigurationError

_VARIABLE = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*+)(?::-([^}]*+))?+\})?+")
_HINT = "wanted ${NAME} or ${NAME:-default}; write $${ for ${ itself"
_LARGEST_SECRET = 64 * 1024  # bytes
_INTEGERS = range(-(2**63), 2**63)


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
            for name, found in (("file", self._from_file), ("secret", self._from_extension)):
                if value.keys() == {name} and isinstance(value[name], str):
                    return found(value[name], where)
            return {name: self.filled(item, within(where, name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item, within(where, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return self._interpolated(value, where)
        if isinstance(value, int) and value not in _INTEGERS:
            self._problems.unfilled(where, "wanted an integer of 64 bits, found a larger one")
            return 0
        return value

    def _from_file(self, name: str, where: str) -> str:
        path = self._folder / name
        try:
            return Secret(read_text(path, at_most=_LARGEST_SECRET).rstrip("\r\n"))
        except OSError as error:
            why = error.strerror or str(error)
        except ValueError:
            why = "it isn't UTF-8"
        told = f"the file {str(path)!r} can't be read: {why}"
        self._problems.unfilled(where, told, is_of_here=True)
        return ""

    def _from_extension(self, name: str, where: str) -> str:
        try:
            found = self._secret(name)
        except ConfigurationError as error:
            self._problems.unfilled(where, str(error), is_of_here=True)
            return ""
        if found is None:
            told = f"no extension that is listed knows the secret {name!r}"
            self._problems.unfilled(where, told, is_of_here=True)
            return ""
        return Secret(found)

    def _interpolated(self, value: str, where: str) -> str:
        """The text with its variables; the values of those that are set are its secrets."""
        texts: list[str] = []
        shown: list[str] = []
        secrets: list[str] = []
        at = 0
        # Nothing closes what stands behind the last brace: that isn't looked through again and
        # again, from each `${` there.
        for match in _VARIABLE.finditer(value, 0, value.rfind("}") + 1):
            found, is_secret = self._variable(match, where)
            texts += value[at : match.start()], found
            shown += value[at : match.start()], MASK if is_secret else found
            secrets += [found] if is_secret else []
            at = match.end()
        if "${" in value[at:]:
            self._problems.unfilled(where, "a ${ isn't closed", _HINT)
        return Secret("".join([*texts, value[at:]]), "".join([*shown, value[at:]]), secrets)

    def _variable(self, match: re.Match[str], where: str) -> tuple[str, bool]:
        """The value of a variable, and whether it came from the environment."""
        name, default = match.groups()
        if match[0] == "$${":
            return "${", False
        if name is None or "${" in (default or ""):
            what = "a ${ names no variable" if name is None else "a default holds another ${"
            self._problems.unfilled(where, what, _HINT)
        elif name in os.environ:
            found = os.environ[name]
            if found.encode(errors="ignore").decode() == found:
                return found, True
            told = f"the environment variable {key(name)} isn't UTF-8"
            self._problems.unfilled(where, told, is_of_here=True)
        elif default is not None:
            return str(default), False
        else:
            told = f"the environment variable {key(name)} is not set"
            self._problems.unfilled(where, told, is_of_here=True)
        return "", True
