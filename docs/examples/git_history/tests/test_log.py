"""The changes read from a repository add up to what git holds, at every commit."""

from pathlib import Path

from git_history.log import (
    Changed,
    Content,
    Created,
    Deleted,
    Edit,
)
from log_reading import assert_adds_up, changes, read
from sandbox import Sandbox, numbered


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
