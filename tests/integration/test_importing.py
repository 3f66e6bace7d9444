"""`interlock import` into a file: from archives and from programs, killed at each append."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from interlock._storage.archive import Archive, Next
from interlock.backends import StoredEvent
from interlock.cli import importing
from interlock.cli.importing import Imported, Importing
from interlock.errors import ConfigurationError
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig

AT = datetime(2024, 2, 29, 23, 59, 59, 123_456, tzinfo=UTC)
IDS = [UUID(int=number) for number in (3, 1, 2)]
CONFIG = """
schema = 1

[event_store]
backend = "sqlalchemy-events"
url = "sqlite:///{}"
"""


def _events(aggregate_id: UUID, count: int) -> list[StoredEvent]:
    return [
        StoredEvent(
            "Order", aggregate_id, version, uuid4(), "Paid", 2, AT, b"{ }", b"\xff" * version
        )
        for version in range(1, count + 1)
    ]


def _store(path: Path) -> SQLAlchemyEventStore:
    return SQLAlchemyEventStore(
        SQLAlchemyEventsConfig(url=f"sqlite:///{path}", table="interlock_events")
    )


async def _import(path: Path, events: Sequence[StoredEvent], dies: str | None = None) -> Imported:
    """Import all; the process is killed before or after its first append, if that is wanted."""
    store = _store(path)
    await store.open()
    append = store.append

    async def appending(events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None) -> None:
        if dies == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        await append(events, after=after)
        if dies == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    store.append = appending  # type: ignore[method-assign] # so that it dies there
    run = Importing(store)
    for first in range(0, len(events), 10):
        await run.store(events[first : first + 10])
    await store.close()
    return run.outcome


def test_an_import_that_is_killed_anywhere_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    mixed = [
        event
        for together in zip(*(_events(each, 12) for each in IDS), strict=True)
        for event in together
    ]
    kills = 0
    for dies in ("before", "after") * 40:
        child = os.fork()
        if child == 0:
            asyncio.run(_import(path, mixed, dies))
            os._exit(0)  # there was nothing to append
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status):
            break
    assert kills > len(mixed) / 10
    assert asyncio.run(_import(path, mixed)) == Imported(events=0, were_there=len(mixed))
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*) FROM interlock_events").fetchone() == (len(mixed),)


async def test_what_differs_or_is_missing_is_told(tmp_path: Path) -> None:
    events = _events(IDS[0], 6)
    path = tmp_path / "new.db"
    await _import(path, events[:4])
    with pytest.raises(ConfigurationError, match="don't follow on version 4"):
        await _import(path, events[5:])
    other = events[2]._replace(payload=b"{}")
    with pytest.raises(ConfigurationError, match="another event stands at version 3"):
        await _import(path, [*events[:2], other, *events[3:]])
    assert await _import(path, events) == Imported(events=2, were_there=4)


def _told(folder: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 # our own
        [sys.executable, "-m", "interlock", "import", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_archives_are_imported(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive", "default")
    for aggregate_id in IDS:
        file = archive.file("Order", aggregate_id)
        with file.writing() as writer:
            writer.extend([event.row() for event in _events(aggregate_id, 7)])
            writer.end(Next(8, uuid4().bytes))
        file.replace()
    (tmp_path / "interlock.toml").write_text(CONFIG.format("new.db"))
    assert _told(tmp_path, "archive") == "21 events imported, 0 were there\n"
    assert _told(tmp_path, "archive") == "0 events imported, 21 were there\n"


def test_a_source_of_something_else_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong.py").write_text("def events():\n    return [1]\n")
    monkeypatch.syspath_prepend(tmp_path)

    async def first() -> None:
        async for _ in importing._events("wrong:events"):
            pass

    with pytest.raises(ConfigurationError, match="gave a int; wanted a StoredEvent"):
        asyncio.run(first())


def test_what_the_program_raises_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "interlock.toml").write_text(CONFIG.format(tmp_path / "new.db"))
    (tmp_path / "failing.py").write_text("def events():\n    yield from ()\n    {}['gone']\n")
    done = subprocess.run(
        [sys.executable, "-m", "interlock", "import", "failing:events"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr == "failing:events raised KeyError: 'gone'\n"
