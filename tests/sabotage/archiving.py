"""Protections of archives: an event leaves its stream only once it stands elsewhere, proven."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_FILE = "tests/core/test_archiving.py::"

PATCHES = [
    Patch(
        "events are deleted without a proven snapshot",
        "a snapshot that all events give covers what is archived",
        CodeEdit(
            "Archiving.archive",
            "await self._inspection.prove_snapshot(aggregate_id, below, file)",
            "",
        ),
        f"{_FILE}TestRefused::test_with_a_snapshot_that_the_events_do_not_give",
    ),
    Patch(
        "an older snapshot counts",
        "a snapshot below the archived versions proves nothing",
        CodeEdit(
            "Inspection.prove_snapshot",
            "if record is None or record.version < below:",
            "if record is None:",
        ),
        f"{_FILE}TestRefused::test_with_an_older_snapshot_only",
    ),
    Patch(
        "a computed revision counts",
        "a type whose revision may change by itself isn't archived",
        CodeEdit("Archiving.archive", "self._check_revision()", ""),
        f"{_FILE}TestRefused::test_with_a_computed_revision",
    ),
    Patch(
        "what was written is believed",
        "the file is compared with the stream before events are deleted",
        CodeEdit("Archiving.archive", "await self._compare(file, following)", ""),
        f"{_FILE}TestBrokenOff::test_what_was_written_wrong_deletes_nothing",
    ),
    Patch(
        "a line's checksum isn't looked at",
        "a line that was changed is no answer",
        CodeEdit(
            "_checked_line",
            "if line[-_TAIL:-34] != _SUM or told != _sum_of(before, body):",
            "if False:",
        ),
        f"{_FILE}test_a_file_that_was_changed_is_no_answer[changed]",
    ),
    Patch(
        "a line's checksum covers itself only",
        "a line that was lost is noticed",
        CodeEdit(
            "_sum_of",
            "before + body",
            "body",
        ),
        f"{_FILE}test_a_file_that_was_changed_is_no_answer[lost]",
    ),
    Patch(
        "the archive of an earlier stream is read",
        "a file and a stream are one by an event that both know",
        CodeEdit(
            "_check_archived",
            "if await asyncio.to_thread(_id_of, file, version) != event_id:",
            "if False:",
        ),
        f"{_FILE}TestForgotten::test_the_archive_of_an_earlier_stream_is_none_of_a_later_one",
    ),
    Patch(
        "two write an archive at once",
        "one archives streams of a type at a time",
        CodeEdit("alone", "if is_alone:", "if True:"),
        f"{_FILE}TestRefused::test_while_somebody_else_does",
    ),
    Patch(
        "an archive outlives its aggregate",
        "what is forgotten with its events is forgotten in the archive",
        CodeEdit("Forgetting._steps", "if self._context.archive is not None:", "if False:"),
        f"{_FILE}TestForgotten::test_its_archive_goes",
    ),
    Patch(
        "an archive may end anywhere",
        "a file whose last line is missing is no answer",
        CodeEdit("ArchiveFile.lines", 'raise ValueError("its last line is missing")', "return"),
        f"{_FILE}test_a_file_that_was_changed_is_no_answer[end]",
    ),
]
