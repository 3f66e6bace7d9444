"""What a newcomer follows: the page's own install line, then all that it shows, word by word."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from environments import Environment, found_wheels
from pages import ROOT, Session, blocks, commands, name_of

_PAGES = [
    ROOT / name for name in ("README.md", "docs/index.md", "docs/tutorials/first-aggregate.md")
]


def _requirements(page: Path) -> Iterator[str]:
    """What the page's install lines ask for, as our wheels."""
    wheels = {path.name.split("-")[0].replace("_", "-"): path for path in found_wheels()}
    for block in blocks(page):
        for command in commands(block):
            for name, extras in command.installs:
                yield f"{wheels[name]}[{','.join(extras)}]" if extras else str(wheels[name])


@pytest.mark.parametrize("page", _PAGES, ids=name_of)
def test_a_page_can_be_followed_with_what_it_installs(page: Path, tmp_path: Path) -> None:
    requirements = list(_requirements(page))
    assert requirements, "it doesn't say what to install"
    wheels = str(found_wheels()[0].parent)  # where those that they need are, too
    environment = Environment(tmp_path / "env", *requirements, "--find-links", wheels)
    folder = tmp_path / "folder"
    folder.mkdir()
    Session(folder, environment.python).follow(page)
