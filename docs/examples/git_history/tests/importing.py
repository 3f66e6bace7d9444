"""Imports in tests: whole ones, and ones that are killed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from interlock.application import Application

from git_history.__main__ import build_application
from git_history.domain import (
    CommitCommand,
    ImportProgress,
    PathHistory,
    TrackedFile,
)
from git_history.git import open_repository
from git_history.history import History
from git_history.importer import import_history
from git_history.verify import verify
from sandbox import Sandbox, numbered


class CrashError(Exception):
    """Stands for a killed process."""


class CrashingApplication:
    """An application that dies after some dispatches."""

    def __init__(self, app: Application, dispatches: int) -> None:
        self._app = app
        self._left = dispatches
        self.load = app.load

    async def dispatch(self, command: CommitCommand) -> None:
        if not self._left:
            raise CrashError
        self._left -= 1
        await self._app.dispatch(command)


@asynccontextmanager
async def opened(repo: Sandbox, *, crash_after: int | None = None) -> AsyncIterator[History]:
    with open_repository(repo.path) as repository:
        async with build_application() as app:
            history = History(app, repository)
            if crash_after is not None:
                history.app = CrashingApplication(app, crash_after)  # type: ignore[assignment] # what import_history uses of it
            yield history


def silent(_done: int, _wanted: int) -> None:
    pass


async def imported(repo: Sandbox) -> int:
    async with opened(repo) as history:
        return await import_history(history, silent)


async def is_verified(repo: Sandbox) -> bool:
    async with opened(repo) as history:
        return (await verify(history, silent)).is_good


async def stream(history: History, kind: type, aggregate_id: UUID) -> list[object]:
    return [recorded.event async for recorded in history.app.events(kind, aggregate_id)]


async def everything(repo: Sandbox, paths: list[bytes]) -> list[object]:
    """Return all events of the import, of the paths, and of the files that ever lived there."""
    async with opened(repo) as history:
        events = await stream(history, ImportProgress, history.id)
        files: dict[UUID, None] = {}
        for path_id in map(history.path_id, paths):
            events += await stream(history, PathHistory, path_id)
            tenancies = (await history.app.load(PathHistory, path_id)).tenancies
            files |= {tenancy.file: None for tenancy in tenancies if tenancy.file is not None}
        for file in files:
            events += await stream(history, TrackedFile, file)
    return events


async def file_events(repo: Sandbox, path: bytes) -> list[str]:
    async with opened(repo) as history:
        file = await history.occupant(path, history.head.position)
        assert file is not None
        return [type(event).__name__ for event in await stream(history, TrackedFile, file)]


def eventful(repo: Sandbox) -> list[bytes]:
    """Make a history with one commit of each kind; return the paths that it uses."""
    repo.write("a", numbered(1, 20))
    repo.write("b", numbered(101, 130))
    repo.write("c", b"c\n")
    repo.commit()
    repo.move("a", "x")
    repo.move("b", "a")
    repo.move("x", "b")
    repo.remove("c")
    repo.commit()
    repo.move("a", "d")
    repo.write("d", numbered(101, 131))
    repo.write("c", b"another\n")
    repo.commit()
    repo.write("c", b"\0")
    repo.commit()
    repo.write("c", b"text\nagain\n")
    repo.commit()
    return [b"a", b"b", b"c", b"d"]
