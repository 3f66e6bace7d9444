"""How texts get onto a screen, whose lines have an end, and into a pipe, whose lines have none."""

import os
import shutil
import sys
import textwrap

import typer


def tell(text: str, *, err: bool = False) -> None:
    """Print the text; what a line of the screen has no room for goes on in the next, indented."""
    width = screen_width(err=err)
    for line in text.splitlines():
        typer.echo("\n".join(_broken(line, width)), err=err)


def counted(number: int, noun: str) -> str:
    """The number and the noun, "1 stream" or "1,012 streams"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def screen_width(*, err: bool = False) -> int | None:
    """How many characters a line has; None for any number, where nobody looks at a screen."""
    if (sys.stderr if err else sys.stdout).isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return None


def shortened(line: str, width: int | None) -> str:
    """The line, cut between two words if it is too long."""
    if width is None or len(line) <= width:
        return line.rstrip()
    cut = line[: width - 3].rsplit(maxsplit=1)[0]
    return f"{cut}..."


def _broken(line: str, width: int | None) -> list[str]:
    if width is None or len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,  # a path is copied whole
        break_on_hyphens=False,
    )
