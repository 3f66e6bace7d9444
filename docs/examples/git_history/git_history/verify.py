"""Compare what is recorded with what git holds at HEAD."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from git_history.domain import TrackedFile
from git_history.git import IndexEntry
from git_history.history import History, path_text
from git_history.log import is_regular

OTHER_MODES = {b"120000": "symlinks", b"160000": "submodules"}


@dataclass(slots=True)
class Verdict:
    """The result of a comparison; `left_out` counts files without lines, by kind."""

    checked: int = 0
    differences: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(
        default_factory=lambda: Counter({"binaries": 0, "symlinks": 0, "submodules": 0})
    )

    @property
    def is_good(self) -> bool:
        return self.checked > 0 and not self.differences


async def verify(history: History, report: Callable[[int, int], None]) -> Verdict:
    """Compare the line count of every regular text file at HEAD with git's own content."""
    await history.require_imported(history.head)
    verdict = Verdict()
    entries = list(history.repository.files(history.head.id))
    with history.repository.blobs() as blobs:
        for done, entry in enumerate(entries, start=1):
            if not is_regular(entry.mode):
                verdict.left_out[OTHER_MODES[entry.mode]] += 1
            elif (lines := blobs.count_lines(entry.blob)) is None:
                verdict.left_out["binaries"] += 1
            else:
                verdict.checked += 1
                file = await history.file_at(entry.path, history.head.position)
                if difference := _difference(entry, lines, file):
                    verdict.differences.append(difference)
            report(done, len(entries))
    return verdict


def _difference(entry: IndexEntry, lines: int, file: TrackedFile | None) -> str | None:
    if file is not None and file.lines == lines and not file.is_deleted:
        return None
    if file is None or file.is_deleted:
        recorded = "no file"
    else:
        recorded = "a binary file" if file.lines is None else f"{file.lines} lines"
    return f"{path_text(entry.path)!r}: {lines} lines in git, {recorded} recorded"
