"""Logs that are read in tests, and held against what git itself counts."""

from git_history.git import open_repository
from git_history.log import (
    Change,
    Changed,
    Commit,
    Content,
    Deleted,
    Edit,
    read_commits,
)
from sandbox import Sandbox

Counts = dict[bytes, int | None]


def read(repo: Sandbox, *, after: str | None = None, position: int = 0) -> list[Commit]:
    with open_repository(repo.path) as repository:
        head = repository.commit("HEAD")
        return list(read_commits(repository, after=after, position=position, until=head))


def changes(repo: Sandbox) -> set[Change]:
    return set(read(repo)[-1].changes)


def fold(before: Counts, commit: Commit) -> Counts:
    counts = dict(before)
    for change in commit.changes:
        if isinstance(change, Changed):
            del counts[change.source]
        elif isinstance(change, Deleted):
            del counts[change.path]
    for change in commit.changes:
        if isinstance(change, Deleted):
            continue
        assert change.path not in counts
        if isinstance(change.content, Content):
            counts[change.path] = change.content.lines
        else:
            assert isinstance(change, Changed)
            was = before[change.source]
            untouched = change.content == Edit(0, 0)
            assert was is not None or untouched
            counts[change.path] = (
                None if was is None else was + change.content.added - change.content.deleted
            )
    return counts


def assert_adds_up(repo: Sandbox) -> None:
    commits = read(repo)
    assert [commit.id for commit in commits] == repo.first_parents()
    assert [commit.position for commit in commits] == list(range(1, len(commits) + 1))
    counts: Counts = {}
    for commit in commits:
        counts = fold(counts, commit)
        assert counts == repo.line_counts(commit.id)
