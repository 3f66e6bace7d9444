"""Collects the problems of a configuration, each with its place and line."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from interlock.errors import ConfigurationError

MOST = 100
"""How many problems of one file are told."""

_BARE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST = 64  # characters of a key


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a configuration, and the way to mend it.

    `place` is the path of a key in the TOML, `line` where it stands, from 1; None if nothing stands
    there. `profile` is the profile without which it isn't so; None if it is so in any case.
    `is_of_here` tells that it lies in the surroundings: a variable, a file.
    """

    place: str
    text: str
    hint: str = ""
    line: int | None = None
    profile: str | None = None
    is_of_here: bool = False

    def __str__(self) -> str:
        line = "" if self.line is None else f"line {self.line}, "
        profile = "" if self.profile is None else f" (profile {self.profile})"
        hint = f"; {self.hint}" if self.hint else ""
        return f"{line}{self.place or 'the file'}{profile}: {self.text}{hint}"


class TooManyError(Exception):
    """The limit of reported problems was reached."""


class Problems(list[Problem]):
    """The problems of one file, read with one profile; `notes` are worth a look.

    `lines` says in which line each key of the file stands, `prefix` where in the file the tables
    are that the places count from.
    """

    def __init__(
        self,
        lines: Mapping[str, int] | None = None,
        *,
        prefix: str = "",
        profile: str | None = None,
    ) -> None:
        super().__init__()
        self.notes: list[Problem] = []
        self._lines = lines or {}
        self._prefix = prefix
        self._profile = profile
        self._unfilled: set[str] = set()

    def add(self, place: str, text: str, hint: str = "", *, is_of_here: bool = False) -> None:
        """Add one. Raises `TooManyError` when there are `MOST`."""
        if place not in self._unfilled:
            line = self._line(place)
            self.append(Problem(place, text, hint, line, is_of_here=is_of_here))
        if len(self) >= MOST:
            raise TooManyError

    def unfilled(self, place: str, text: str, hint: str = "", *, is_of_here: bool = False) -> None:
        """Add why a value can't be resolved; no other problem of it is reported."""
        self.add(place, text, hint, is_of_here=is_of_here)
        self._unfilled.add(place)

    def note(self, place: str, text: str, hint: str = "") -> None:
        """Add a note, which is no error."""
        self.notes.append(Problem(place, text, hint, self._line(place)))

    def _line(self, place: str) -> int | None:
        """The line of the place, else of the nearest table around it."""
        while place:
            for where in (*self._in_profile(place), self._prefix + place):
                if where in self._lines:
                    return self._lines[where]
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        return None

    def _in_profile(self, place: str) -> tuple[str, ...]:
        return (
            ()
            if self._profile is None
            else (f"{self._prefix}profiles.{key(self._profile)}.{place}",)
        )


class SettingsError(ConfigurationError):
    """A configuration file that can't be used; `problems` are what is wrong with it, all of it."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(in_order(problems))
        count = len(self.problems)
        told = f"{MOST} errors, and perhaps more" if count >= MOST else f"{count} error(s)"
        super().__init__(
            "\n".join([f"{source} has {told}:", *(f"- {each}" for each in self.problems)])
        )


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort the problems by their lines in the file."""
    return sorted(problems, key=lambda problem: problem.line or 0)


def key(name: str) -> str:
    """A key as a place in the TOML says it: quoted if it isn't bare, and cut if it is long."""
    if _BARE.fullmatch(name):
        return name
    cut = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."
    return '"' + repr(cut)[1:-1].replace('"', r"\"") + '"'


def within(place: str, *path: str | int) -> str:
    """Write the place of a table's key or an array's item."""
    for part in path:
        if isinstance(part, int):
            place = f"{place}[{part}]"
        else:
            place = f"{place}.{key(part)}" if place else key(part)
    return place
