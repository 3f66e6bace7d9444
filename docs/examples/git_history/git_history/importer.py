"""Turn the commits that aren't recorded yet into commands."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

from git_history.domain import (
    BeginImport,
    CommitCommand,
    CommitRef,
    CreateFile,
    DeleteFile,
    EditFile,
    MisfitError,
    OccupyPath,
    ReachCommit,
    ReplaceFile,
    VacatePath,
)
from git_history.history import History, path_text
from git_history.log import Changed, Commit, Created, Deleted, Edit, read_commits

COMMITS_PER_CHECKPOINT = 100


async def import_history(history: History, report: Callable[[int, int], None]) -> int:
    """Record the commits up to HEAD that aren't recorded yet; return how many they were.

    Safe to kill, to repeat and to run twice at once: aggregates ignore the commands of commits that
    they have seen. `report` is called with the commits done and the commits wanted.
    """
    progress = await history.progress()
    if progress.target is not None:
        history.require_one_line(history.head, progress.target)
    after = progress.reached
    start = after.position if after else 0
    wanted = max(0, history.head.position - start)
    if wanted == 0:
        return 0
    # Before the first change, so that a history rewritten after a crash is seen and not mixed in.
    await history.app.dispatch(BeginImport(aggregate_id=history.id, commit=history.head))
    commits = read_commits(
        history.repository,
        after=after.id if after else None,
        position=start,
        until=history.head.id,
    )
    for done, commit in enumerate(commits, start=1):
        async for command in _commands(history, commit):
            await history.app.dispatch(command)
        if done % COMMITS_PER_CHECKPOINT == 0 or done == wanted:
            reached = CommitRef(id=commit.id, position=commit.position)
            await history.app.dispatch(ReachCommit(aggregate_id=history.id, commit=reached))
        report(done, wanted)
    return wanted


async def _commands(history: History, commit: Commit) -> AsyncIterator[CommitCommand]:
    at = CommitRef(id=commit.id, position=commit.position)
    for change in commit.changes:
        match change:
            case Created(path, content):
                file = history.file_id(path, commit.id)
                yield CreateFile(
                    aggregate_id=file, commit=at, path=path_text(path), lines=content.lines
                )
                yield OccupyPath(aggregate_id=history.path_id(path), commit=at, file=file)
            case Changed(source, path, content):
                file = await _file_before(history, source, at)
                new = path_text(path)
                if isinstance(content, Edit):
                    yield EditFile(
                        aggregate_id=file,
                        commit=at,
                        path=new,
                        added=content.added,
                        deleted=content.deleted,
                    )
                else:
                    yield ReplaceFile(aggregate_id=file, commit=at, path=new, lines=content.lines)
                if path != source:
                    yield VacatePath(aggregate_id=history.path_id(source), commit=at)
                    yield OccupyPath(aggregate_id=history.path_id(path), commit=at, file=file)
            case Deleted(path):
                file = await _file_before(history, path, at)
                yield DeleteFile(aggregate_id=file, commit=at)
                yield VacatePath(aggregate_id=history.path_id(path), commit=at)


async def _file_before(history: History, path: bytes, commit: CommitRef) -> UUID:
    file = await history.occupant(path, commit.position - 1)
    if file is None:
        raise MisfitError(commit, f"changes {path_text(path)!r}, where no file is recorded")
    return file
