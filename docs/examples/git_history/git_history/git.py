"""Read a git repository's objects so that nobody's configuration changes the answer."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

BINARY_WINDOW = 8000  # git calls a blob binary if a NUL stands in its first 8000 bytes,
BIG_FILE = 512 * 2**20  # or if it is larger than the default of core.bigFileThreshold
CHUNK = 2**16


class GitError(Exception):
    """Git can't answer; the message holds what was asked and what git said."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One path of a commit, as `git ls-files -s` prints it."""

    mode: bytes
    blob: bytes
    path: bytes


class GitRepository:
    """The commits and blobs of one repository, along the first parents."""

    def __init__(self, path: Path, outside: Mapping[str, str], inside: Mapping[str, str]) -> None:
        self.path = path
        self._outside = outside
        self._inside = inside

    def commit(self, name: str) -> str:
        """Return the id of the commit that `name` (branch, tag, `HEAD~3`, ...) stands for."""
        wanted = ("rev-parse", "--verify", f"{name}^{{commit}}")
        return _run(("-C", str(self.path), *wanted), self._outside).decode().strip()

    def position(self, commit: str) -> int:
        """Return how many commits the first-parent line has up to `commit`, from 1 at its root."""
        return int(self._git("rev-list", "--first-parent", "--count", commit, "--"))

    def ancestor(self, commit: str, generations: int) -> str:
        """Return the commit that many first parents before `commit`."""
        return self._git("rev-parse", "--verify", f"{commit}~{generations}").decode().strip()

    def files(self, commit: str) -> Iterator[IndexEntry]:
        """Yield what `git ls-files -s` prints right after a checkout of `commit`."""
        self._git("read-tree", commit)
        for entry in self.stream("ls-files", "-s", "-z"):
            description, path = entry.split(b"\t", 1)
            mode, blob, _stage = description.split(b" ")
            yield IndexEntry(mode, blob, path)

    @contextmanager
    def blobs(self) -> Iterator["BlobReader"]:
        """Answer questions about blobs by one `git cat-file --batch` process."""
        with subprocess.Popen(
            ("git", "cat-file", "--batch"),
            env=self._inside,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            try:
                yield BlobReader(_pipe(process.stdin), _pipe(process.stdout))
            finally:
                process.kill()

    def stream(self, *arguments: str) -> Iterator[bytes]:
        """Yield the NUL-terminated tokens that a git command prints, as it prints them.

        Raises GitError in place of the end if the command fails: tokens that end are all of them.
        """
        with (
            tempfile.TemporaryFile() as complaints,
            subprocess.Popen(
                ("git", *arguments),
                env=self._inside,
                stdout=subprocess.PIPE,
                stderr=complaints,
            ) as process,
        ):
            try:
                yield from _tokens(_pipe(process.stdout))
                if process.wait() != 0:
                    complaints.seek(0)
                    raise _failure(arguments, complaints.read())
            finally:
                process.kill()

    def _git(self, *arguments: str) -> bytes:
        return _run(arguments, self._inside)


class BlobReader:
    """The contents of blobs, a chunk at a time."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers

    def count_lines(self, blob: bytes) -> int | None:
        """Return the number of lines, a last one without newline included; None if binary."""
        self._requests.write(blob + b"\n")
        self._requests.flush()
        _blob, *kind_and_size = self._answers.readline().split()
        if kind_and_size[:1] != [b"blob"]:
            raise GitError(f"the blob {blob.decode()} can't be read: fetch it, or run git fsck")
        size = int(kind_and_size[1])
        lines, head, last = 0, b"", b"\n"
        for chunk in self._chunks(size):
            head = head or chunk[:BINARY_WINDOW]
            lines += chunk.count(b"\n")
            last = chunk[-1:]
        self._answers.read(1)
        if size > BIG_FILE or b"\0" in head:
            return None
        return lines if last == b"\n" else lines + 1

    def _chunks(self, size: int) -> Iterator[bytes]:
        while size:
            chunk = self._answers.read(min(size, CHUNK))
            if not chunk:
                raise GitError("git cat-file ended in the middle of a blob")
            size -= len(chunk)
            yield chunk


@contextmanager
def open_repository(path: Path) -> Iterator[GitRepository]:
    """Open the repository at `path` for reading.

    Its objects are read through an empty repository of our own: configuration, attributes, grafts
    and replacements belong to a repository or a user, so none of them applies there.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    trust = {name: value for name, value in os.environ.items() if name.startswith("GIT_CONFIG")}
    outside = {**clean, **trust, "GIT_NO_REPLACE_OBJECTS": "1"}

    def ask(*arguments: str) -> str:
        answer = _run(("-C", str(path), "rev-parse", "--path-format=absolute", *arguments), outside)
        return os.fsdecode(answer.removesuffix(b"\n"))

    with tempfile.TemporaryDirectory(prefix="git-history-") as folder:
        inside = {
            **clean,
            "HOME": folder,
            "XDG_CONFIG_HOME": folder,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
        }
        object_format = f"--object-format={ask('--show-object-format')}"
        _run(("init", "--quiet", "--bare", "--template=", object_format, folder), inside)
        inside |= {"GIT_DIR": folder, "GIT_OBJECT_DIRECTORY": ask("--git-path", "objects")}
        shallow = Path(ask("--git-path", "shallow"))
        if shallow.exists():
            shutil.copy(shallow, Path(folder, "shallow"))
        yield GitRepository(path, outside, inside)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    return cast("IO[bytes]", stream)  # None only where no pipe was asked for


def _tokens(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole


def _run(arguments: Sequence[str], env: Mapping[str, str]) -> bytes:
    done = subprocess.run(("git", *arguments), env=env, capture_output=True, check=False)
    if done.returncode != 0:
        raise _failure(arguments, done.stderr)
    return done.stdout


def _failure(arguments: Sequence[str], complaints: bytes) -> GitError:
    said = complaints.decode(errors="replace").strip()
    return GitError(f"git {' '.join(arguments)}: {said}")
