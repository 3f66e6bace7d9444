"""An import records every commit once, whatever interrupts it."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from git_history.domain import (
    CommitRef,
    DeleteFile,
    EditFile,
    HistoryError,
    ReachCommit,
    TrackedFile,
)
from git_history.importer import COMMITS_PER_CHECKPOINT, import_history
from git_history.verify import verify
from importing import (
    CrashError,
    eventful,
    everything,
    file_events,
    imported,
    is_verified,
    opened,
    silent,
    stream,
)
from sandbox import Sandbox, fast_import, long_history

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "history.db"
    monkeypatch.setenv("GIT_HISTORY_DB", str(path))
    return path


async def test_a_file_keeps_its_stream_through_renames(repo: Sandbox) -> None:
    eventful(repo)
    assert await imported(repo) == 5
    assert await file_events(repo, b"d") == [
        "FileCreated",
        "LinesChanged",
        "FileRenamed",
        "LinesChanged",
    ]
    assert await file_events(repo, b"b") == ["FileCreated", "LinesChanged"]


async def test_text_and_binary_are_recorded_as_such(repo: Sandbox) -> None:
    eventful(repo)
    await imported(repo)
    assert await file_events(repo, b"c") == ["FileCreated", "MadeBinary", "MadeText"]


async def test_a_path_created_again_is_a_new_aggregate(repo: Sandbox) -> None:
    eventful(repo)
    await imported(repo)
    async with opened(repo) as history:
        first = await history.occupant(b"c", 1)
        gone = await history.occupant(b"c", 2)
        second = await history.occupant(b"c", 3)
        assert first is not None
        assert gone is None
        assert second not in (first, None)
        events = await stream(history, TrackedFile, first)
    assert [type(event).__name__ for event in events] == ["FileCreated", "FileDeleted"]


async def test_files_without_a_change_of_lines_get_no_event(repo: Sandbox) -> None:
    repo.write("text", b"x\n")
    repo.write("binary", b"\0")
    repo.commit()
    repo.file("text").chmod(0o755)
    repo.write("binary", b"\0\0")
    repo.commit()
    await imported(repo)
    assert await file_events(repo, b"text") == ["FileCreated"]
    assert await file_events(repo, b"binary") == ["FileCreated"]


async def test_a_second_import_records_nothing(repo: Sandbox) -> None:
    paths = eventful(repo)
    await imported(repo)
    before = await everything(repo, paths)
    assert await imported(repo) == 0
    assert await everything(repo, paths) == before


async def test_an_import_takes_up_new_commits_only(repo: Sandbox) -> None:
    eventful(repo)
    await imported(repo)
    repo.write("d", b"short\n")
    repo.commit()
    repo.move("b", "e")
    repo.commit()
    assert await imported(repo) == 2
    assert await is_verified(repo)


async def test_an_import_killed_at_any_dispatch_is_completed_by_the_next(
    repo: Sandbox, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = eventful(repo)
    await imported(repo)
    whole = await everything(repo, paths)
    for dispatches in range(1000):
        monkeypatch.setenv("GIT_HISTORY_DB", f"{database}.{dispatches}")
        crashed = False
        async with opened(repo, crash_after=dispatches) as history:
            try:
                await import_history(history, silent)
            except CrashError:
                crashed = True
        await imported(repo)
        assert await everything(repo, paths) == whole
        if not crashed:
            break
    assert dispatches == len(whole) - 1  # one dispatch emits two events: a rename with an edit


KILLED_IMPORT = """
import asyncio, os, signal, sys
from pathlib import Path
from git_history.__main__ import build_application
from git_history.git import open_repository
from git_history.history import History
from git_history.importer import import_history

def report(done, wanted):
    if done == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    with open_repository(Path(sys.argv[1])) as repository:
        async with build_application() as app:
            await import_history(History(app, repository), report)

asyncio.run(main())
"""


def test_a_killed_process_leaves_a_database_that_the_next_import_completes(
    repo: Sandbox,
) -> None:
    commits = 2 * COMMITS_PER_CHECKPOINT + 50
    fast_import(repo, long_history(commits))
    at = COMMITS_PER_CHECKPOINT + 30
    done = subprocess.run(
        (sys.executable, "-c", KILLED_IMPORT, repo.path, str(at)),
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert asyncio.run(imported(repo)) == commits - COMMITS_PER_CHECKPOINT
    assert asyncio.run(is_verified(repo))


async def test_two_imports_at_once_record_every_commit_once(
    repo: Sandbox, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = eventful(repo)
    await imported(repo)
    whole = await everything(repo, paths)
    monkeypatch.setenv("GIT_HISTORY_DB", f"{database}.shared")
    await asyncio.gather(imported(repo), imported(repo))
    assert await everything(repo, paths) == whole


async def test_a_rewritten_history_is_refused(repo: Sandbox) -> None:
    eventful(repo)
    await imported(repo)
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    repo.write("other", b"other\n")
    repo.commit()
    with pytest.raises(HistoryError, match=r"rewritten.*new database"):
        await imported(repo)


async def test_a_history_rewritten_after_a_crash_is_refused(repo: Sandbox) -> None:
    eventful(repo)
    async with opened(repo, crash_after=8) as history:
        with pytest.raises(CrashError):
            await import_history(history, silent)
    repo.git("reset", "--quiet", "--hard", "HEAD~4")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")
    repo.write("other", b"other\n")
    repo.commit()
    with pytest.raises(HistoryError, match="rewritten"):
        await imported(repo)


async def test_an_older_head_on_the_imported_line_has_nothing_to_import(repo: Sandbox) -> None:
    eventful(repo)
    await imported(repo)
    repo.git("checkout", "--quiet", "HEAD~2")
    assert await imported(repo) == 0
    assert await is_verified(repo)


async def test_a_change_that_does_not_follow_from_the_stream_is_refused(repo: Sandbox) -> None:
    repo.write("a", b"1\n2\n")
    repo.commit()
    await imported(repo)
    async with opened(repo) as history:
        file = await history.occupant(b"a", 1)
        assert file is not None
        later = CommitRef(id="f" * 40, position=2)
        edit = EditFile(aggregate_id=file, commit=later, path="a", added=0, deleted=3)
        with pytest.raises(HistoryError, match="deletes 3 of the 2 lines"):
            await history.app.dispatch(edit)
        with pytest.raises(HistoryError, match="never created"):
            await history.app.dispatch(DeleteFile(aggregate_id=history.id, commit=later))
        await history.app.dispatch(DeleteFile(aggregate_id=file, commit=later))
        latest = CommitRef(id="e" * 40, position=3)
        with pytest.raises(HistoryError, match="'a', which is deleted"):
            await history.app.dispatch(DeleteFile(aggregate_id=file, commit=latest))


async def test_a_change_of_an_unrecorded_path_is_refused(repo: Sandbox) -> None:
    repo.write("a", b"1\n")
    first = repo.commit()
    repo.write("a", b"2\n")
    repo.commit()
    async with opened(repo) as history:  # a database that says that the first commit is recorded
        commit = CommitRef(id=first, position=1)
        await history.app.dispatch(ReachCommit(aggregate_id=history.id, commit=commit))
    with pytest.raises(HistoryError, match="no file is recorded"):
        await imported(repo)


async def test_ten_thousand_commits_are_recorded_and_verified(repo: Sandbox) -> None:
    fast_import(repo, long_history(10_500))
    assert await imported(repo) == 10_500
    async with opened(repo) as history:
        verdict = await verify(history, silent)
    assert verdict.is_good
    assert verdict.checked == len(repo.line_counts("HEAD"))
    assert await imported(repo) == 0
