"""The three commands, as they are typed."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from git_history.__main__ import build_application, main
from git_history.domain import CommitRef, EditFile
from git_history.git import open_repository
from git_history.history import History
from sandbox import Sandbox, numbered

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "history.db"
    monkeypatch.setenv("GIT_HISTORY_DB", str(path))
    return path


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    return capsys


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def test_lines_of_a_file_at_head_and_before(
    repo: Sandbox, output: pytest.CaptureFixture[str]
) -> None:
    commits = []
    for size in (3, 5, 4):
        repo.write("a", numbered(1, size))
        commits.append(repo.commit())
    assert run("import", repo.path) == 0
    assert output.readouterr().out == f"3 commits imported, up to {commits[-1]}\n"
    assert run("lines", repo.path, "a") == 0
    assert run("lines", repo.path, "a", "--at", commits[0]) == 0
    assert run("lines", repo.path, "a", "--at", "HEAD~1") == 0
    assert output.readouterr().out == "4\n3\n5\n"


def test_lines_of_a_name_that_is_not_utf_8(
    repo: Sandbox, output: pytest.CaptureFixture[str]
) -> None:
    repo.write(b"\xff\n", numbered(1, 7))
    repo.write(rb"\xff" + b"\n", numbered(1, 9))
    repo.commit()
    run("import", repo.path)
    output.readouterr()
    assert run("lines", repo.path, os.fsdecode(b"\xff\n")) == 0
    assert run("lines", repo.path, r"\xff" + "\n") == 0
    assert output.readouterr().out == "7\n9\n"


def test_lines_follow_the_path_and_not_the_file(
    repo: Sandbox, output: pytest.CaptureFixture[str]
) -> None:
    repo.write("a", numbered(1, 20))
    repo.commit()
    repo.move("a", "b")
    repo.commit()
    run("import", repo.path)
    output.readouterr()
    assert run("lines", repo.path, "a") == 1
    assert run("lines", repo.path, "b", "--at", "HEAD~1") == 1
    assert output.readouterr().err.count("no regular file") == 2
    assert run("lines", repo.path, "a", "--at", "HEAD~1") == 0
    assert run("lines", repo.path, "b") == 0
    assert output.readouterr().out == "20\n20\n"


def test_lines_that_cannot_be_told_say_why(
    repo: Sandbox, output: pytest.CaptureFixture[str]
) -> None:
    repo.write("binary", b"\0")
    repo.commit()
    assert run("lines", repo.path, "binary") == 1
    assert "run: python -m git_history import" in output.readouterr().err
    run("import", repo.path)
    repo.git("checkout", "--quiet", "-b", "side")
    repo.write("side", b"")
    repo.commit()
    side = repo.head()
    repo.git("checkout", "--quiet", "main")
    repo.write("main", b"")
    repo.commit()
    repo.git("merge", "--quiet", "--no-edit", "side")
    run("import", repo.path)
    for arguments, problem in (
        (("binary",), "is binary"),
        (("nowhere",), "no regular file"),
        (("side", "--at", side), "isn't on the line of first parents"),
        (("side", "--at", "nowhere"), "nowhere"),
    ):
        output.readouterr()
        assert run("lines", repo.path, *arguments) == 1
        assert problem in output.readouterr().err


def test_verify_compares_every_text_file(repo: Sandbox, output: pytest.CaptureFixture[str]) -> None:
    repo.write("text", b"1\n2")
    repo.write("empty", b"")
    repo.write("binary", b"\0")
    repo.link("link", "text")
    repo.commit()
    run("import", repo.path)
    output.readouterr()
    assert run("verify", repo.path) == 0
    assert output.readouterr().out == (
        "left out: 1 binaries, 1 symlinks, 0 submodules\n2 files checked, 0 differ\n"
    )


def test_verify_fails_on_one_line_too_many(
    repo: Sandbox, output: pytest.CaptureFixture[str]
) -> None:
    repo.write("a", b"1\n2")
    repo.write("b", b"1\n")
    repo.commit()
    repo.commit("nothing")
    run("import", repo.path)

    async def tamper() -> None:
        with open_repository(repo.path) as repository:
            async with build_application() as app:
                history = History(app, repository)
                file = await history.occupant(b"a", 2)
                assert file is not None
                commit = CommitRef(id="f" * 40, position=2)
                await app.dispatch(
                    EditFile(aggregate_id=file, commit=commit, path="a", added=1, deleted=0)
                )

    asyncio.run(tamper())
    output.readouterr()
    assert run("verify", repo.path) == 1
    out = output.readouterr().out
    assert "differs: 'a': 2 lines in git, 3 lines recorded\n" in out
    assert out.endswith("2 files checked, 1 differ\n")


def test_verify_of_nothing_fails(repo: Sandbox, output: pytest.CaptureFixture[str]) -> None:
    repo.write("binary", b"\0")
    repo.commit()
    run("import", repo.path)
    assert run("verify", repo.path) == 1
    assert output.readouterr().out.endswith("0 files checked, 0 differ\n")


def test_verify_before_the_import_fails(repo: Sandbox, output: pytest.CaptureFixture[str]) -> None:
    repo.write("a", b"1\n")
    repo.commit()
    run("import", repo.path)
    repo.commit("one more")
    assert run("verify", repo.path) == 1
    assert "isn't imported" in output.readouterr().err


@pytest.mark.parametrize("command", ["import", "verify"])
def test_a_repository_without_commits_is_an_error(
    repo: Sandbox, output: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(command, repo.path) == 1
    assert output.readouterr().err.startswith("git_history: git ")


def test_the_module_runs_from_its_folder_without_a_terminal(repo: Sandbox) -> None:
    repo.write("a", b"1\n2")
    repo.commit()
    done = subprocess.run(
        (sys.executable, "-m", "git_history", "import", repo.path),
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert done.stdout.startswith(b"1 commits imported")
    assert done.stderr == b""
