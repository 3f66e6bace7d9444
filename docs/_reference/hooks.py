"""What mkdocs calls while it builds: links in the reference, and the script that draws diagrams."""

import re
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

import faces
from mermaid import mermaid_script
from parts import MARKED, renewed

_MERMAID = "assets/mermaid.min.js"
_DIAGRAMS = "assets/diagrams.js"
_FOR_AUTHORS = (
    *("adr/", "examples/", "plugins/", "how-to/publish-", "how-to/write-", "tutorials/write-"),
    *("reference/backends", "reference/conformance", "reference/contract"),
)
_RANK = 0.1  # of these in the search; what users look for is on other pages


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:  # Any: what isn't looked at
    """Check the generated parts; for documented names put what mkdocstrings makes of them.

    Pages for authors of backends come after those for users in the search.
    """
    if page.file.src_uri.startswith(_FOR_AUTHORS):
        page.meta.setdefault("search", {"boost": _RANK})
    if renewed(markdown) != markdown:
        raise PluginError(
            f"{page.file.src_uri} is out of date: run python docs/_reference/renew.py"
        )
    return MARKED.sub(_for_site, markdown)


def _for_site(match: re.Match[str]) -> str:
    _, name, arguments = match.groups()
    return faces.directives(*arguments.split()) if name == "names" else match[0]


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
