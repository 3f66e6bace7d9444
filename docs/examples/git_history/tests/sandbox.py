"""Repositories made for one test, and what plain git says that they hold."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ISOLATION = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "author",
    "GIT_AUTHOR_EMAIL": "author@example.org",
    "GIT_COMMITTER_NAME": "committer",
    "GIT_COMMITTER_EMAIL": "committer@example.org",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
}


def numbered(first: int, last: int) -> bytes:
    """Return lines unlike one another, so that git recognises the file when it is renamed."""
    return b"".join(b"line number %d of a text\n" % number for number in range(first, last + 1))


def count_lines(content: bytes) -> int | None:
    """Count as the reader must, None for binary, written down a second time."""
    if b"\0" in content[:8000]:
        return None
    return content.count(b"\n") + (1 if content and not content.endswith(b"\n") else 0)


class Sandbox:
    """A repository with a working tree."""

    def __init__(self, path: Path, *init_options: str) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *init_options)

    def git(self, *arguments: str | bytes, stdin: bytes = b"") -> bytes:
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return subprocess.run(
            ("git", *arguments),
            cwd=self.path,
            env={**env, **ISOLATION},
            input=stdin,
            capture_output=True,
            check=True,
        ).stdout

    def file(self, name: str | bytes) -> Path:
        path = self.path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name: str | bytes, content: bytes) -> None:
        self.file(name).write_bytes(content)

    def remove(self, name: str | bytes) -> None:
        self.file(name).unlink()

    def move(self, old: str | bytes, new: str | bytes) -> None:
        self.file(old).rename(self.file(new))

    def link(self, name: str | bytes, target: str) -> None:
        self.file(name).unlink(missing_ok=True)
        self.file(name).symlink_to(target)

    def commit(self, message: str = "change") -> str:
        """Record the working tree as it stands and return the new commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").decode().strip()

    def first_parents(self) -> list[str]:
        return self.git("rev-list", "--first-parent", "--reverse", "HEAD").decode().split()

    def line_counts(self, commit: str) -> dict[bytes, int | None]:
        """Return the lines of each regular file of `commit`, None for the binary ones."""
        files = dict(self._regular_files(commit))
        asked = "".join(f"{blob}\n" for blob in files.values()).encode()
        answers = self.git("cat-file", "--batch", stdin=asked)
        counts: dict[bytes, int | None] = {}
        for path in files:
            header, answers = answers.split(b"\n", 1)
            size = int(header.split()[2])
            counts[path] = count_lines(answers[:size])
            answers = answers[size + 1 :]
        return counts

    def _regular_files(self, commit: str) -> Iterator[tuple[bytes, str]]:
        for entry in self.git("ls-tree", "-r", "-z", commit).split(b"\0")[:-1]:
            description, path = entry.split(b"\t", 1)
            mode, _type, blob = description.decode().split()
            if mode.startswith("100"):
                yield path, blob


def fast_import(repo: Sandbox, commits: Iterable[bytes]) -> None:
    """Make a line of commits from the file commands of git fast-import, and check it out."""
    identity = b"committer test <test@example.org> %d +0000\n"
    stream = bytearray()
    for number, commands in enumerate(commits, start=1):
        stream += b"commit refs/heads/main\nmark :%d\n" % number
        stream += identity % number + b"data 0\n" + commands + b"\n"
    repo.git("fast-import", "--quiet", stdin=bytes(stream))


def set_file(path: bytes, content: bytes, mode: bytes = b"100644") -> bytes:
    return b"M %s inline %s\ndata %d\n%s\n" % (mode, path, len(content), content)


def long_history(commits: int) -> Iterator[bytes]:
    """Yield the file commands of a history in which files are edited, renamed and deleted."""
    files = 40
    for number in range(commits):
        file, turn = number % files, number // files
        path = b"dir%d/file" % file
        size = 10 + (turn * 7 + file) % 13
        match turn % 9:
            case 0:
                yield set_file(path, numbered(file * 100, file * 100 + size))
            case 7:
                yield b"R %s %s.moved\n" % (path, path)
            case 8:
                yield b"D %s.moved\n" % path
            case 4 if file % 10 == 0:
                yield set_file(path, b"\0" * size)
            case _:
                yield set_file(path, numbered(file * 100, file * 100 + size))
