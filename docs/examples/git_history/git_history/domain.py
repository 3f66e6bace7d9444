"""The aggregates: a file, a path that files live at, and how far an import has come.

Every command and every event belongs to a commit. A handler ignores what it has seen: a command of
a commit at or below the position that its aggregate has reached. So a commit may be
dispatched again.
"""

from uuid import UUID

from interlock import Aggregate, Command, applies_event, handles_command
from pydantic import BaseModel, ConfigDict


class HistoryError(Exception):
    """The recorded history doesn't fit the request; the message says what to do."""


class CommitRef(BaseModel):
    """A commit and its place on the line of first parents, from 1 at the root."""

    model_config = ConfigDict(frozen=True)

    id: str
    position: int


class MisfitError(HistoryError):
    """A change that can't follow from what is recorded."""

    def __init__(self, commit: CommitRef, problem: str) -> None:
        super().__init__(
            f"commit {commit.id} {problem}: the database holds another history; set GIT_HISTORY_DB "
            "to a new one and import again"
        )


class CommitCommand(Command[None]):
    commit: CommitRef


class CommitEvent(BaseModel):
    model_config = ConfigDict(frozen=True)

    commit: CommitRef


class CreateFile(CommitCommand):
    path: str
    lines: int | None


class EditFile(CommitCommand):
    """A text stays a text, perhaps at a new path."""

    path: str
    added: int
    deleted: int


class ReplaceFile(CommitCommand):
    """A file becomes or stays binary, or becomes a text again, perhaps at a new path."""

    path: str
    lines: int | None


class DeleteFile(CommitCommand):
    pass


class FileCreated(CommitEvent):
    path: str
    lines: int | None


class FileRenamed(CommitEvent):
    path: str


class LinesChanged(CommitEvent):
    added: int
    deleted: int


class MadeBinary(CommitEvent):
    pass


class MadeText(CommitEvent):
    lines: int


class FileDeleted(CommitEvent):
    pass


class TrackedFile(Aggregate):
    """One regular file, from its creation to its deletion; a binary one has no lines."""

    revision = "1"  # written by hand, so that streams may be archived

    path: str = ""
    lines: int | None = None
    is_deleted: bool = False
    position: int = 0

    @handles_command
    def create(self, command: CreateFile) -> None:
        if self.position == 0:
            self.emit(FileCreated(commit=command.commit, path=command.path, lines=command.lines))

    @handles_command
    def edit(self, command: EditFile) -> None:
        if self._has_seen(command):
            return
        self._rename(command.commit, command.path)
        if command.added or command.deleted:
            if self.lines is None or command.deleted > self.lines:
                raise MisfitError(
                    command.commit,
                    f"deletes {command.deleted} of the {self.lines} lines of {self.path!r}",
                )
            self.emit(
                LinesChanged(commit=command.commit, added=command.added, deleted=command.deleted)
            )

    @handles_command
    def replace(self, command: ReplaceFile) -> None:
        if self._has_seen(command):
            return
        self._rename(command.commit, command.path)
        if command.lines is not None:
            self.emit(MadeText(commit=command.commit, lines=command.lines))
        elif self.lines is not None:
            self.emit(MadeBinary(commit=command.commit))

    @handles_command
    def delete(self, command: DeleteFile) -> None:
        if not self._has_seen(command):
            self.emit(FileDeleted(commit=command.commit))

    @applies_event
    def apply_created(self, event: FileCreated) -> None:
        self.path = event.path
        self.lines = event.lines
        self.position = event.commit.position

    @applies_event
    def apply_renamed(self, event: FileRenamed) -> None:
        self.path = event.path
        self.position = event.commit.position

    @applies_event
    def apply_lines_changed(self, event: LinesChanged) -> None:
        self.lines = (self.lines or 0) + event.added - event.deleted
        self.position = event.commit.position

    @applies_event
    def apply_made_binary(self, event: MadeBinary) -> None:
        self.lines = None
        self.position = event.commit.position

    @applies_event
    def apply_made_text(self, event: MadeText) -> None:
        self.lines = event.lines
        self.position = event.commit.position

    @applies_event
    def apply_deleted(self, event: FileDeleted) -> None:
        self.is_deleted = True
        self.position = event.commit.position

    def _has_seen(self, command: CommitCommand) -> bool:
        if command.commit.position <= self.position:
            return True
        if self.position == 0:
            raise MisfitError(command.commit, "changes a file that was never created")
        if self.is_deleted:
            raise MisfitError(command.commit, f"changes {self.path!r}, which is deleted")
        return False

    def _rename(self, commit: CommitRef, path: str) -> None:
        if path != self.path:
            self.emit(FileRenamed(commit=commit, path=path))


class OccupyPath(CommitCommand):
    file: UUID


class VacatePath(CommitCommand):
    pass


class PathOccupied(CommitEvent):
    file: UUID


class PathVacated(CommitEvent):
    pass


class Tenancy(BaseModel):
    """Who lives at a path from a commit on; None: nobody."""

    model_config = ConfigDict(frozen=True)

    position: int
    file: UUID | None


class PathHistory(Aggregate):
    """Which files lived at one path: how a file's id is found by its name."""

    tenancies: tuple[Tenancy, ...] = ()

    def occupant(self, position: int) -> UUID | None:
        """Return the id of the file that was there right after the commit at `position`."""
        for tenancy in reversed(self.tenancies):
            if tenancy.position <= position:
                return tenancy.file
        return None

    @handles_command
    def occupy(self, command: OccupyPath) -> None:
        if not self._has_seen(command):
            self.emit(PathOccupied(commit=command.commit, file=command.file))

    @handles_command
    def vacate(self, command: VacatePath) -> None:
        if not self._has_seen(command):
            self.emit(PathVacated(commit=command.commit))

    @applies_event
    def apply_occupied(self, event: PathOccupied) -> None:
        self.tenancies += (Tenancy(position=event.commit.position, file=event.file),)

    @applies_event
    def apply_vacated(self, event: PathVacated) -> None:
        self.tenancies += (Tenancy(position=event.commit.position, file=None),)

    def _has_seen(self, command: CommitCommand) -> bool:
        return bool(self.tenancies) and command.commit.position <= self.tenancies[-1].position


class BeginImport(CommitCommand):
    """Announce the commit that an import goes up to, before anything of it is recorded."""


class ReachCommit(CommitCommand):
    """Note that everything up to this commit is recorded."""


class ImportBegun(CommitEvent):
    pass


class CommitReached(CommitEvent):
    pass


class ImportProgress(Aggregate):
    """How far a repository is imported."""

    target: CommitRef | None = None
    reached: CommitRef | None = None

    @handles_command
    def begin(self, command: BeginImport) -> None:
        if self.target is None or command.commit.position > self.target.position:
            self.emit(ImportBegun(commit=command.commit))

    @handles_command
    def reach(self, command: ReachCommit) -> None:
        if self.reached is None or command.commit.position > self.reached.position:
            self.emit(CommitReached(commit=command.commit))

    @applies_event
    def apply_begun(self, event: ImportBegun) -> None:
        self.target = event.commit

    @applies_event
    def apply_reached(self, event: CommitReached) -> None:
        self.reached = event.commit
