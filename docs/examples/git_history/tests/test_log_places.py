"""What decides nothing: settings, attributes, where and how the repository is kept."""

import os
import subprocess
import tracemalloc
from pathlib import Path

import pytest

from git_history.git import GitError, open_repository
from git_history.log import (
    Changed,
    Edit,
    read_commits,
)
from log_reading import Counts, assert_adds_up, fold, read
from sandbox import Sandbox, fast_import, long_history, numbered


def test_attributes_decide_nothing(repo: Sandbox) -> None:
    repo.write("text", b"one\n")
    repo.write("data", b"\0one\n")
    repo.commit()
    rules = b"text -diff\ndata diff\n*.up diff=upper\n"
    repo.write(".gitattributes", rules)
    repo.file(".git/info/attributes").write_bytes(rules)
    repo.git("config", "diff.upper.textconv", "tr a-z A-Z < /dev/null; echo")
    repo.git("config", "diff.upper.binary", "true")
    repo.write("text", b"one\ntwo\n")
    repo.write("data", b"\0one\ntwo\n")
    repo.write("some.up", b"lower\ncase\n")
    repo.commit()
    assert_adds_up(repo)


HOSTILE_SETTINGS = {
    "diff.renames": "copies",
    "diff.renameLimit": "1",
    "diff.noprefix": "true",
    "diff.relative": "true",
    "diff.external": "false",
    "diff.orderFile": "/nowhere",
    "diff.ignoreSubmodules": "all",
    "core.quotePath": "true",
    "core.bigFileThreshold": "1",
    "log.showRoot": "false",
    "log.diffMerges": "off",
    "log.showSignature": "true",
    "log.follow": "true",
    "format.pretty": "fuller",
    "color.ui": "always",
    "i18n.logOutputEncoding": "UTF-16",
}


def test_the_users_configuration_decides_nothing(
    repo: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        repo.write(f"old {number}", numbered(number * 100, number * 100 + 20))
    repo.commit()
    for number in range(4):
        repo.move(f"old {number}", f"new {number}")
        repo.write(f"new {number}", numbered(number * 100, number * 100 + 21))
    repo.commit()
    expected = read(repo)
    assert expected[-1].changes == tuple(
        Changed(b"old %d" % number, b"new %d" % number, Edit(1, 0)) for number in range(4)
    )

    home = tmp_path / "home"
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/attributes").write_text("* -diff\n")
    for name, value in HOSTILE_SETTINGS.items():
        for config in (home / ".gitconfig", repo.file(".git/config")):
            subprocess.run(("git", "config", "--file", config, name, value), check=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert read(repo) == expected


def test_replaced_and_grafted_commits_are_read_as_they_were_made(repo: Sandbox) -> None:
    ids = []
    for number in range(4):
        repo.write("a", numbered(0, number))
        ids.append(repo.commit())
    expected = read(repo)
    repo.git("replace", ids[3], ids[0])
    repo.file(".git/info/grafts").write_text(f"{ids[2]}\n")
    assert read(repo) == expected
    assert [commit.id for commit in expected] == ids


def test_only_commits_after_the_given_one_are_read(repo: Sandbox) -> None:
    for number in range(5):
        repo.write("a", numbered(0, number))
        repo.commit()
    everything = read(repo)
    assert read(repo, after=everything[1].id, position=2) == everything[2:]
    assert read(repo, after=everything[4].id, position=5) == []


def test_a_long_history_is_streamed(repo: Sandbox) -> None:
    fast_import(repo, long_history(10_500))
    with open_repository(repo.path) as repository:
        head = repository.commit("HEAD")
        tracemalloc.start()
        counts: Counts = {}
        for commit in read_commits(repository, after=None, position=0, until=head):
            counts = fold(counts, commit)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert commit.position == 10_500
    assert counts == repo.line_counts(head)
    assert peak < 2**20


def test_a_shallow_clone_starts_where_it_was_cut(repo: Sandbox, tmp_path: Path) -> None:
    for number in range(5):
        repo.write("a", numbered(0, number))
        repo.commit()
    clone = Sandbox(tmp_path / "shallow")
    clone.git("fetch", "--quiet", "--depth=2", f"file://{repo.path}", "main")
    clone.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    assert len(read(clone)) == 2
    assert_adds_up(clone)


def test_bare_repositories_worktrees_and_alternates_are_read_alike(
    repo: Sandbox, tmp_path: Path
) -> None:
    repo.write("a", b"one\n")
    repo.commit()
    repo.git("worktree", "add", "--quiet", str(tmp_path / "worktree"))
    repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    repo.git("clone", "--quiet", "--shared", ".", str(tmp_path / "shared"))
    for name in ("worktree", "bare", "shared"):
        with open_repository(tmp_path / name) as other:
            head = other.commit("HEAD")
            commits = list(read_commits(other, after=None, position=0, until=head))
        assert commits == read(repo)


def test_repositories_of_sha256_objects_are_read(tmp_path: Path) -> None:
    repo = Sandbox(tmp_path / "repo", "--object-format=sha256")
    repo.write("a", b"one\n")
    repo.commit()
    assert_adds_up(repo)


def test_the_files_of_a_commit_are_those_of_a_fresh_checkout(repo: Sandbox) -> None:
    repo.write("a\nb", b"one\n")
    repo.link("link", "nowhere")
    repo.commit()
    expected = repo.git("ls-files", "-s", "-z")
    repo.write("staged", b"")
    repo.git("add", "staged")
    with open_repository(repo.path) as repository:
        entries = list(repository.files(repository.commit("HEAD")))
    listed = b"".join(b"%s %s 0\t%s\0" % (entry.mode, entry.blob, entry.path) for entry in entries)
    assert listed == expected


def test_reading_leaves_the_repository_as_it_was(repo: Sandbox) -> None:
    repo.write("a", b"one\n")
    repo.commit()

    def snapshot() -> set[tuple[str, int]]:
        found = (Path(at, name) for at, _, names in os.walk(repo.path) for name in names)
        return {(str(path), path.stat().st_mtime_ns) for path in found}

    before = snapshot()
    assert_adds_up(repo)
    with open_repository(repo.path) as repository:
        list(repository.files(repository.commit("HEAD")))
    assert snapshot() == before


def test_positions_and_ancestors_count_first_parents(repo: Sandbox) -> None:
    ids = [repo.commit(f"{number}") for number in range(4)]
    with open_repository(repo.path) as repository:
        assert [repository.position(commit) for commit in ids] == [1, 2, 3, 4]
        assert repository.ancestor(ids[3], 2) == ids[1]
        assert repository.commit("main~1") == ids[2]


@pytest.mark.parametrize("name", ["nowhere", "-h", "--since=yesterday", "HEAD^{tree}"])
def test_a_name_that_is_no_commit_is_an_error(repo: Sandbox, name: str) -> None:
    repo.write("a", b"one\n")
    repo.commit()
    with open_repository(repo.path) as repository, pytest.raises(GitError, match="rev-parse"):
        repository.commit(name)


def test_a_path_without_repository_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"), open_repository(tmp_path):
        pass


def test_a_missing_blob_is_an_error_and_not_the_end(repo: Sandbox) -> None:
    repo.write("a", b"one\n")
    repo.commit()
    repo.write("a", b"two\n")
    repo.commit()
    blob = repo.git("rev-parse", "HEAD:a").decode().strip()
    repo.file(f".git/objects/{blob[:2]}/{blob[2:]}").unlink()
    with pytest.raises(GitError, match=f"git log.*{blob}"):
        read(repo)
