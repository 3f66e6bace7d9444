"""The changes read from a repository add up to what git holds, at every commit."""

import os
import subprocess
import tracemalloc
from pathlib import Path

import pytest

from git_history.git import GitError, open_repository
from git_history.log import (
    Change,
    Changed,
    Commit,
    Content,
    Created,
    Deleted,
    Edit,
    read_commits,
)
from sandbox import Sandbox, fast_import, long_history, numbered

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


def test_created_edited_and_deleted_files_add_up(repo: Sandbox) -> None:
    repo.write("a", numbered(1, 10))
    repo.commit()
    repo.write("a", numbered(4, 30))
    repo.write("deep/er/b", b"one\n")
    repo.commit()
    repo.remove("a")
    repo.commit()
    repo.write("a", b"again\n")
    repo.commit()
    assert_adds_up(repo)


def test_a_last_line_without_newline_counts(repo: Sandbox) -> None:
    for content in (b"one\ntwo", b"one\ntwo\n", b"one\ntwo\nthree", b"", b"\n", b"x", b"\r\r"):
        repo.write("a", content)
        repo.commit()
    assert_adds_up(repo)


def test_empty_files_are_texts_without_lines(repo: Sandbox) -> None:
    repo.write("empty", b"")
    repo.commit()
    assert changes(repo) == {Created(b"empty", Content(0))}


def test_rename_with_edit_is_one_change(repo: Sandbox) -> None:
    repo.write("old", numbered(1, 20))
    repo.commit()
    repo.move("old", "new")
    repo.write("new", numbered(1, 22))
    repo.commit()
    assert changes(repo) == {Changed(b"old", b"new", Edit(2, 0))}
    assert_adds_up(repo)


def test_swapped_files_are_two_edits(repo: Sandbox) -> None:
    repo.write("a", numbered(1, 20))
    repo.write("b", numbered(101, 130))
    repo.commit()
    repo.move("a", "c")
    repo.move("b", "a")
    repo.move("c", "b")
    repo.commit()
    assert changes(repo) == {
        Changed(b"a", b"a", Edit(30, 20)),
        Changed(b"b", b"b", Edit(20, 30)),
    }
    assert_adds_up(repo)


def test_renames_through_a_freed_name_add_up(repo: Sandbox) -> None:
    repo.write("a/x", numbered(1, 20))
    repo.write("b/x", numbered(101, 130))
    repo.commit()
    repo.move("b/x", "c/x")
    repo.move("a/x", "b/x")
    repo.commit()
    assert_adds_up(repo)


def test_one_file_renamed_to_two_names_adds_up(repo: Sandbox) -> None:
    repo.write("a", numbered(1, 20))
    repo.commit()
    repo.remove("a")
    repo.write("b", numbered(1, 20))
    repo.write("c", numbered(1, 21))
    repo.commit()
    assert_adds_up(repo)


def test_merges_are_read_as_what_they_brought_to_the_first_parent(repo: Sandbox) -> None:
    repo.write("a", numbered(1, 20))
    repo.commit()
    repo.git("checkout", "--quiet", "-b", "side")
    repo.write("a", numbered(0, 20))
    repo.write("b", b"from the side\n")
    repo.commit()
    repo.git("checkout", "--quiet", "main")
    repo.write("a", numbered(1, 25))
    repo.commit()
    repo.git("merge", "--quiet", "--no-commit", "side")
    repo.write("c", b"only in the merge\n")
    repo.commit()
    assert changes(repo) == {
        Changed(b"a", b"a", Edit(1, 0)),
        Created(b"b", Content(1)),
        Created(b"c", Content(1)),
    }
    assert_adds_up(repo)


def test_a_merged_unrelated_history_adds_up(repo: Sandbox) -> None:
    repo.write("a", b"a\n")
    repo.commit()
    repo.git("checkout", "--quiet", "--orphan", "other")
    repo.git("rm", "-r", "--quiet", "--force", ".")
    repo.write("b", b"b\n")
    repo.commit()
    repo.git("checkout", "--quiet", "main")
    repo.git("merge", "--quiet", "--allow-unrelated-histories", "--no-edit", "other")
    assert_adds_up(repo)


def test_text_and_binary_turn_into_each_other(repo: Sandbox) -> None:
    for content in (b"one\n", b"\0", b"\0\0", b"one\ntwo", b"one\n", b"\0" + numbered(1, 9)):
        repo.write("a", content)
        repo.commit()
    assert_adds_up(repo)


def test_text_and_binary_turn_into_each_other_while_renamed(repo: Sandbox) -> None:
    text = numbered(1, 600)
    for name, content in enumerate((text, b"\0" + text, text + b"more", b"\0" + text)):
        repo.write(f"{name}", content)
        repo.commit()
        repo.remove(f"{name}")
    repo.write("last", b"\0" + text)
    repo.commit()
    assert all(
        isinstance(change, Changed) for commit in read(repo)[1:] for change in commit.changes
    )
    assert_adds_up(repo)


def test_a_nul_past_gits_window_leaves_a_text(repo: Sandbox) -> None:
    contents = {"inside": b"x\n" * 3999 + b"x\0\n", "outside": b"x\n" * 4000 + b"\0\n"}
    for name, content in contents.items():
        repo.write(name, content)
    repo.commit()
    for name in contents:
        repo.link(name, "nowhere")
    repo.commit()
    for name, content in contents.items():  # numstat told at first, now the blob reader
        repo.remove(name)
        repo.write(name, content)
    repo.commit()
    assert_adds_up(repo)


def test_files_of_many_chunks_are_read_whole(repo: Sandbox) -> None:
    text = numbered(1, 10_000) + b"the end"
    for name in ("text", "binary"):  # the blob reader is asked only where git compares with a link
        repo.link(name, "nowhere")
    repo.commit()
    for name, content in (("text", text), ("binary", b"\0" + text)):
        repo.remove(name)
        repo.write(name, content)
    repo.commit()
    assert changes(repo) == {
        Created(b"text", Content(10_001)),
        Created(b"binary", Content(None)),
    }


UNUSUAL = (
    b"two words",
    b" leading and trailing ",
    b'"quoted"',
    b"it's",
    b"line\nbreak",
    b"\nleading line break",
    b"tab\tand\ttab",
    b"back\\slash",
    "żółć/日本語 🎉".encode(),
    b"latin-\xe9",
    b"\xff\xfe",
    b"commit 0123",
    b":100644 100644 a b M",
    b"1\t1\tname",
    b"-dash",
    b"a => b",
    b"{a => b}/c",
    b"$HOME;*?[x]",
    b"\x01\x7f",
)


def test_unusual_names_come_through_unchanged(repo: Sandbox) -> None:
    for name in UNUSUAL:
        repo.write(name, numbered(1, 5) + name)
    repo.commit()
    assert {change.path for change in changes(repo)} == set(UNUSUAL)
    for name in UNUSUAL:
        repo.move(name, b"moved " + name)
    repo.commit()
    assert changes(repo) == {Changed(name, b"moved " + name, Edit(0, 0)) for name in UNUSUAL}
    assert_adds_up(repo)


def test_mode_changes_change_no_line(repo: Sandbox) -> None:
    repo.write("text", b"x\n")
    repo.write("binary", b"\0")
    repo.commit()
    for name in ("text", "binary"):
        repo.file(name).chmod(0o755)
    repo.commit()
    assert changes(repo) == {
        Changed(b"text", b"text", Edit(0, 0)),
        Changed(b"binary", b"binary", Edit(0, 0)),
    }
    assert_adds_up(repo)


def test_a_file_turned_symlink_is_deleted_and_turned_back_is_created(repo: Sandbox) -> None:
    repo.write("a", b"one\ntwo\nnowhere")
    repo.commit()
    repo.link("a", "nowhere")
    repo.commit()
    assert changes(repo) == {Deleted(b"a")}
    repo.remove("a")
    repo.write("a", b"one\ntwo\nnowhere")
    repo.commit()
    assert changes(repo) == {Created(b"a", Content(3))}
    assert_adds_up(repo)


def test_symlinks_are_no_files_even_when_renamed(repo: Sandbox) -> None:
    repo.link("a", "some/long/target")
    repo.commit()
    repo.move("a", "b")
    repo.commit()
    assert [commit.changes for commit in read(repo)] == [(), ()]


def test_submodules_are_no_files(repo: Sandbox, tmp_path: Path) -> None:
    library = Sandbox(tmp_path / "library")
    library.write("x", b"x\n")
    library.commit()
    add = ("submodule", "--quiet", "add", str(library.path), "vendored")
    repo.write("vendored", b"a file first\n")
    repo.commit()
    repo.remove("vendored")
    repo.git("rm", "--quiet", "--cached", "vendored")
    repo.git("-c", "protocol.file.allow=always", *add)
    repo.commit()
    assert changes(repo) == {Deleted(b"vendored"), Created(b".gitmodules", Content(3))}
    repo.git("rm", "--quiet", "-f", "vendored")
    repo.write("vendored", b"a file\nagain\n")
    repo.commit()
    assert_adds_up(repo)


def test_a_file_replaced_by_a_directory_and_back_adds_up(repo: Sandbox) -> None:
    repo.write("a", numbered(1, 20))
    repo.commit()
    repo.move("a", "b")
    repo.move("b", "a/b")
    repo.commit()
    assert changes(repo) == {Changed(b"a", b"a/b", Edit(0, 0))}
    repo.move("a/b", "b")
    repo.file("a/x").parent.rmdir()
    repo.write("a", b"other\n")
    repo.commit()
    assert_adds_up(repo)


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
