"""What mkdocs calls while it builds: generated parts of pages, and the script that draws diagrams.

A line `<!-- generated: NAME ARGUMENTS -->` in a page stands for what the function of that name
makes of the code that is installed; nothing of it is committed, so it can't drift.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

import commands
import configuration
import conformance
import faces
import values
from mermaid import mermaid_script

_MARK = re.compile(r"^<!-- generated: ([\w-]+) ?(.*?) -->$", re.MULTILINE)
_MERMAID = "assets/mermaid.min.js"
_DIAGRAMS = "assets/diagrams.js"
_ROOT = Path(__file__).parents[2]


def _file(name: str) -> str:
    """A Markdown file of the repository; of its relative links the text alone."""
    return re.sub(r"\[([^]]+)\]\((?![a-z]+:|#)[^)]+\)", r"\1", (_ROOT / name).read_text())


def _section(name: str) -> str:
    """The same, less its title, and with its headings one level deeper."""
    body = _file(name).partition("\n")[2]
    return re.sub(r"^```.*?^```$|^#", _deeper, body, flags=re.DOTALL | re.MULTILINE)


def _deeper(match: re.Match[str]) -> str:
    return "##" if match[0] == "#" else match[0]


_PARTS: Mapping[str, Callable[..., str]] = {
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
    "section": _section,
    "selftest-options": commands.selftest,
    "strategies": configuration.strategies,
    "values": values.values,
    "values-examples": values.examples,
}


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:  # Any: what isn't looked at
    """Put the generated parts where their marks stand."""

    def made(match: re.Match[str]) -> str:
        name, arguments = match.groups()
        if name not in _PARTS:
            raise PluginError(
                f"{page.file.src_uri}: no part is called {name!r}; there are: {', '.join(_PARTS)}"
            )
        return _PARTS[name](*arguments.split())

    return _MARK.sub(made, markdown)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the script that draws diagrams."""
    files.append(File.generated(config, _MERMAID, content=mermaid_script()))
    return files


def on_post_page(output: str, *, page: Page, **_: Any) -> str:  # Any: what isn't looked at
    """Pages with a diagram load the script: the theme uses one that is there, else the web's."""
    if '<pre class="mermaid">' not in output:
        return output
    urls = [get_relative_url(script, page.url) for script in (_MERMAID, _DIAGRAMS)]
    scripts = "".join(f'<script defer src="{url}"></script>' for url in urls)
    return output.replace("</head>", f"{scripts}</head>", 1)
