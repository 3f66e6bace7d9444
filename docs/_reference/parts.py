"""The generated parts of pages, between two marks.

`<!-- generated: NAME ARGUMENTS -->` begins a part, `<!-- end of generated -->` ends it. What stands
between them is what the function of that name makes of the code that is installed.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import commands
import configuration
import conformance
import faces
import scaling
import values

ROOT = Path(__file__).parents[2]
END = "<!-- end of generated -->"
MARKED = re.compile(
    r"^(<!-- generated: ([\w-]+)([^\n]*?) -->)\n.*?^<!-- end of generated -->$",
    re.DOTALL | re.MULTILINE,
)


def _file(name: str) -> str:
    """A Markdown file of the repository; of its relative links the text alone."""
    return re.sub(r"\[([^]]+)\]\((?![a-z]+:|#)[^)]+\)", r"\1", (ROOT / name).read_text())


def _section(name: str) -> str:
    """The same, less its title, and with its headings one level deeper."""
    body = _file(name).partition("\n")[2]
    return re.sub(r"^```.*?^```$|^#", _deeper, body, flags=re.DOTALL | re.MULTILINE)


def _deeper(match: re.Match[str]) -> str:
    return "##" if match[0] == "#" else match[0]


PARTS: Mapping[str, Callable[..., str]] = {
    "aggregate-options": configuration.aggregate_options,
    "application-options": configuration.application_options,
    "backend-options": configuration.backend_options,
    "checks": conformance.checks,
    "codecs": configuration.codecs,
    "commands": commands.interlock,
    "conformance-options": commands.pytest_options,
    "file": _file,
    "freshness": configuration.freshness,
    "killers": conformance.killers,
    "names": faces.names,
    "scaling-break-even": scaling.break_even,
    "scaling-fleet": scaling.fleet,
    "scaling-hits": scaling.hits,
    "scaling-hot": scaling.hot,
    "scaling-off-by": scaling.off_by,
    "section": _section,
    "selftest-options": commands.selftest,
    "strategies": configuration.strategies,
    "values": values.values,
    "values-examples": values.examples,
}


def renewed(page: str, parts: Mapping[str, Callable[..., str]] = PARTS) -> str:
    """The page with every part made anew. Raises `LookupError` for a part that nobody makes."""

    def made(match: re.Match[str]) -> str:
        begin, name, arguments = match.groups()
        if name not in parts:
            raise LookupError(f"no part is called {name!r}; there are: {', '.join(parts)}")
        return f"{begin}\n\n{parts[name](*arguments.split()).strip()}\n\n{END}"

    return MARKED.sub(made, page)
