"""Positions of the keys of a TOML text, which the standard library's parser doesn't tell.

The same look at the text bounds how deep it is nested, before a parser that recurses gets it. What
isn't TOML is left to that parser: the look ends there.
"""

import re
from contextlib import suppress

from interlock._plugins.problems import within

DEEPEST = 32
"""How many tables and arrays may stand in each other, the dots of keys counted."""

_ITEMS = 1_000  # of an array; the line of a later one is the array's
_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_SPACE = re.compile(r"[ \t]*+")
_KEY = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+'""")
_VALUE = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}'
    r"|'''(?:[^']++|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'[^'\n]*+'"
    r"|[^\[\]{},#\"'\r\n]++",  # numbers, dates, booleans
    re.DOTALL,
)


class TooDeepError(Exception):
    """More than `DEEPEST` tables and arrays stand in each other, in this line."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _NoTomlError(Exception):
    """The text isn't TOML here."""


def lines_of(text: str) -> dict[str, int]:
    """The line, from 1, in which each key and each item of an array stands, by its place.

    Raises `TooDeepError`.
    """
    look = _Look(text)
    with suppress(_NoTomlError):
        look.document()
    return look.lines


class _Look:
    def __init__(self, text: str) -> None:
        self.lines: dict[str, int] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0  # up to here
        self._arrays: dict[str, int] = {}  # how many tables stand in each array of tables

    def document(self) -> None:
        table, depth = "", 0
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._is("[["):
                table, depth = self._header("[[", "]]")
                index = self._arrays[table] = self._arrays.get(table, -1) + 1
                table = self._found(within(table, index))
            elif self._is("["):
                table, depth = self._header("[", "]")
            else:
                self._pair(table, depth)
            self._skip(_BLANK)

    def _header(self, opened: str, closed: str) -> tuple[str, int]:
        self._at += len(opened)
        place, depth = self._key("", 0)
        self._want(closed)
        return place, depth

    def _pair(self, table: str, depth: int) -> None:
        place, depth = self._key(table, depth)
        self._want("=")
        self._value(place, depth)

    def _key(self, table: str, depth: int) -> tuple[str, int]:
        """The place of a key with its dots, and how deep it is."""
        place = table
        while True:
            self._skip(_SPACE)
            name = self._taken(_KEY)
            depth = self._deeper(depth)
            if place in self._arrays:  # meant is the last of its tables
                place = within(place, self._arrays[place])
            place = self._found(within(place, name[1:-1] if name[0] in "\"'" else name))
            self._skip(_SPACE)
            if not self._is("."):
                return place, depth
            self._at += 1

    def _value(self, place: str, depth: int) -> None:
        self._skip(_SPACE)
        if self._is("["):
            self._items(place, self._deeper(depth), "]")
        elif self._is("{"):
            self._items(place, self._deeper(depth), "}")
        else:
            self._taken(_VALUE)

    def _items(self, place: str, depth: int, closed: str) -> None:
        """The items of an array or an inline table."""
        self._at += 1
        self._skip(_BLANK)
        count = 0
        while not self._is(closed):
            if closed == "]":
                item = place if count >= _ITEMS else self._found(within(place, count))
                self._value(item, depth)
            else:
                self._pair(place, depth)
            count += 1
            self._skip(_BLANK)
            if not self._is(closed):
                self._want(",")
                self._skip(_BLANK)
        self._at += 1

    def _deeper(self, depth: int) -> int:
        if depth == DEEPEST:
            raise TooDeepError(self._line_here())
        return depth + 1

    def _found(self, place: str) -> str:
        self.lines.setdefault(place, self._line_here())
        return place

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _is(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _want(self, text: str) -> None:
        self._skip(_SPACE)
        if not self._is(text):
            raise _NoTomlError
        self._at += len(text)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        assert match is not None  # noqa: S101 it matches nothing, too
        self._at = match.end()

    def _taken(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _NoTomlError
        self._at = match.end()
        return match[0]
