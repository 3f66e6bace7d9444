"""The walks through the code in the documentation are what the code does."""

import re
import sys
from pathlib import Path
from types import FrameType
from typing import Self

import pytest

from interlock import ApplicationBuilder
from interlock.application.aggregates import SnapshotAfterN
from rig import Rig
from rig_domain import Account
from rig_stores import Snapshots

EVERY = SnapshotAfterN(1)
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "how-a-load-works.md"


def walk(title: str) -> list[str]:
    """The functions that a section of the page names, in its order."""
    section = PAGE.read_text("utf-8").partition(f"### {title}\n")[2].partition("###")[0]
    steps = section[section.index("1. ") :]
    names = re.findall(r"`([\w.]+\.\w+|load_settings|read)`", steps)
    assert len(names) > 5
    return names


class Calls:
    """Within it the functions of the core that are called, each once, in their order."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "interlock" in frame.f_code.co_filename:
            self.names.setdefault(frame.f_code.co_qualname)

    def in_order_of(self, names: list[str]) -> list[str]:
        """Those of the names that were called, as they were."""
        return [name for name in self.names if name in names]


async def test_the_walk_through_a_load() -> None:
    async with Rig(snapshot_strategy=EVERY) as rig:
        await rig.deposit(1, 2)
        rig.cache.evict()
        rig.events.write(4)
        with Calls() as calls:
            await rig.load()
    assert calls.in_order_of(walk("A load")) == walk("A load")


async def test_the_walk_through_a_command() -> None:
    async with Rig(snapshots=Behind(), snapshot_strategy=EVERY) as rig:
        with Calls() as calls:
            await rig.deposit(1)
    assert calls.in_order_of(walk("A command")) == walk("A command")


@pytest.mark.filterwarnings("ignore::interlock.errors.RevisionWarning")
def test_the_walk_through_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "interlock.toml"
    file.write_text('schema = 1\n[aggregates.Account]\ncache_strategy = "always"\n')
    with Calls() as calls:
        builder = ApplicationBuilder.from_config(file)
        builder.register_aggregate(Account, cache_backend="memory-cache").build()
    assert calls.in_order_of(walk("A configuration")) == walk("A configuration")


class Behind(Snapshots):
    """A store that is written to behind the commands."""

    is_local = False
