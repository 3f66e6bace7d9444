"""What each commit of the first-parent line did to the regular files."""

from collections.abc import Iterator
from dataclasses import dataclass

from git_history.git import BlobReader, GitRepository

LOG = (
    "log",
    "--first-parent",
    "--diff-merges=first-parent",
    "--reverse",
    "--format=commit %H",
    "--raw",
    "--numstat",
    "--no-abbrev",
    "-M",
    "-l1000",  # git's default, which differed between its versions
    "-z",
)


@dataclass(frozen=True, slots=True)
class Edit:
    """A text stayed a text."""

    added: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Content:
    """All that a file holds now; `lines` is None for a binary file."""

    lines: int | None


@dataclass(frozen=True, slots=True)
class Created:
    path: bytes
    content: Content


@dataclass(frozen=True, slots=True)
class Changed:
    """The file at `source` is at `path` now: the same path unless it was renamed."""

    source: bytes
    path: bytes
    content: Edit | Content


@dataclass(frozen=True, slots=True)
class Deleted:
    path: bytes


Change = Created | Changed | Deleted


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of the first-parent line; `position` counts from 1 at its root."""

    id: str
    position: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _RawEntry:
    old_mode: bytes
    new_mode: bytes
    old_blob: bytes
    new_blob: bytes
    source: bytes
    path: bytes


_Counts = dict[bytes, Edit | None]


def is_regular(mode: bytes) -> bool:
    """Tell a file from a symlink, a submodule and nothing."""
    return mode.startswith(b"100")


def read_commits(
    repository: GitRepository, *, after: str | None, position: int, until: str
) -> Iterator[Commit]:
    """Yield the commits behind `after`, which stands at `position`, up to and including `until`.

    In one commit no path is left twice or taken twice, so the order of its changes has no meaning.
    """
    revisions = (until,) if after is None else (until, f"^{after}")
    with repository.blobs() as blobs:
        for commit, entries, counts in _parse(repository.stream(*LOG, *revisions, "--")):
            position += 1
            changes = (_change(entry, counts.get(entry.path), blobs) for entry in entries)
            yield Commit(commit, position, tuple(change for change in changes if change))


def _parse(tokens: Iterator[bytes]) -> Iterator[tuple[str, list[_RawEntry], _Counts]]:
    commit: str | None = None
    entries: list[_RawEntry] = []
    counts: _Counts = {}
    for untrimmed in tokens:
        token = untrimmed.lstrip(b"\n")  # git parts the header from the rest by an empty line
        if token.startswith(b"commit "):
            if commit is not None:
                yield commit, entries, counts
            commit, entries, counts = token.removeprefix(b"commit ").decode(), [], {}
        elif token.startswith(b":"):
            old_mode, new_mode, old_blob, new_blob, status = token[1:].split(b" ")
            source = next(tokens)
            path = next(tokens) if status.startswith((b"R", b"C")) else source
            entries.append(_RawEntry(old_mode, new_mode, old_blob, new_blob, source, path))
        else:
            added, deleted, path = token.split(b"\t", 2)
            if not path:  # a rename: two more tokens, its source and its target
                next(tokens)
                path = next(tokens)
            counts[path] = None if added == b"-" else Edit(int(added), int(deleted))
    if commit is not None:
        yield commit, entries, counts


def _change(entry: _RawEntry, edit: Edit | None, blobs: BlobReader) -> Change | None:
    was_file, is_file = is_regular(entry.old_mode), is_regular(entry.new_mode)
    if not is_file:
        return Deleted(entry.source) if was_file else None
    if was_file:
        return Changed(entry.source, entry.path, _new_content(entry, edit, blobs))
    if int(entry.old_mode) == 0:
        return Created(entry.path, Content(None if edit is None else edit.added))
    # git compared with a link's target or a submodule's commit, which were no lines of a file
    return Created(entry.path, Content(blobs.count_lines(entry.new_blob)))


def _new_content(entry: _RawEntry, edit: Edit | None, blobs: BlobReader) -> Edit | Content:
    if entry.old_blob == entry.new_blob:
        return Edit(0, 0)
    if edit is not None:
        return edit
    # one side is binary: only the blob tells whether the new one is
    return Content(blobs.count_lines(entry.new_blob))
