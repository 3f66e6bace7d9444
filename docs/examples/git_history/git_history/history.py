"""The aggregates of a repository."""

from uuid import UUID, uuid5

from interlock.application import Application

from git_history.domain import (
    CommitEvent,
    CommitRef,
    HistoryError,
    ImportProgress,
    PathHistory,
    TrackedFile,
)
from git_history.git import GitError, GitRepository

NAMESPACE = UUID("b2f0c9f6-6c0b-4f0e-9c0b-6a3c1d6f2f5e")


def path_text(path: bytes) -> str:
    """Return a path as text; what isn't UTF-8 is escaped so that no two paths look alike."""
    return path.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


class History:
    """The aggregates of a repository, which is known by the root commit of its HEAD."""

    def __init__(self, app: Application, repository: GitRepository) -> None:
        self.app = app
        self.repository = repository
        self.head = self.locate("HEAD")
        root = repository.ancestor(self.head.id, self.head.position - 1)
        self.id = uuid5(NAMESPACE, root)

    def locate(self, name: str) -> CommitRef:
        """Return the commit that a name stands for."""
        commit = self.repository.commit(name)
        return CommitRef(id=commit, position=self.repository.position(commit))

    def path_id(self, path: bytes) -> UUID:
        return uuid5(self.id, f"path {path_text(path)}")

    def file_id(self, path: bytes, birth: str) -> UUID:
        """Return the id of the file that the commit `birth` created at `path`."""
        return uuid5(self.id, f"file {birth} {path_text(path)}")

    async def progress(self) -> ImportProgress:
        return await self.app.load(ImportProgress, self.id)

    async def occupant(self, path: bytes, position: int) -> UUID | None:
        """Return the id of the file that was at `path` right after the commit at `position`."""
        history = await self.app.load(PathHistory, self.path_id(path))
        return history.occupant(position)

    async def file_at(self, path: bytes, position: int) -> TrackedFile | None:
        """Return the file at `path` as it was right after the commit at `position`."""
        file_id = await self.occupant(path, position)
        if file_id is None:
            return None
        file = await self.app.load(TrackedFile, file_id)
        if file.position <= position:
            return file
        version = 0
        async for recorded in self.app.events(TrackedFile, file_id):
            if (
                isinstance(recorded.event, CommitEvent)
                and recorded.event.commit.position > position
            ):
                break
            version = recorded.version
        return await self.app.load(TrackedFile, file_id, version=version)

    async def require_imported(self, commit: CommitRef) -> None:
        """Raise HistoryError unless everything up to `commit` is recorded."""
        progress = await self.progress()
        if progress.target is not None:
            self.require_one_line(commit, progress.target)
        if progress.reached is None or progress.reached.position < commit.position:
            raise HistoryError(
                f"commit {commit.id} isn't imported; run: "
                f"python -m git_history import {self.repository.path}"
            )

    def require_one_line(self, commit: CommitRef, other: CommitRef) -> None:
        """Raise HistoryError unless one commit is reached from the other by first parents."""
        older, younger = sorted((commit, other), key=lambda ref: ref.position)
        try:
            ancestor = self.repository.ancestor(younger.id, younger.position - older.position)
        except GitError:  # the repository doesn't have the commit any more
            ancestor = None
        if ancestor != older.id:
            raise HistoryError(
                f"commit {commit.id} of {self.repository.path} isn't on the line of first parents "
                f"that was imported up to {other.id}: it was rewritten, or this is another "
                "branch; check out the imported one, or set GIT_HISTORY_DB to a new database"
            )
