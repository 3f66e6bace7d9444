"""Makes diskcache store text keys and bytes, in the database only."""

from typing import NoReturn

from diskcache import Disk  # type: ignore[import-untyped] # it ships no types
from diskcache.core import MODE_RAW  # type: ignore[import-untyped] # as above

from interlock.backends import RecordUnusableError


class RecordDisk(Disk):  # type: ignore[misc] # as above
    """Accepts one form of entries only: no pickle is read or written (CVE-2025-69872).

    No entry has a file. diskcache would read, and on replacing and eviction delete, whatever path
    a row names.
    """

    def put(self, key: object) -> tuple[str, bool]:
        if type(key) is not str:
            raise TypeError(f"a key is a {type(key).__name__}; wanted text")
        return key, True

    def get(self, key: object, raw: object) -> str:
        if not raw or type(key) is not str:
            _refuse("its key isn't text")
        return key

    def store(
        self, value: object, read: object, key: object = None
    ) -> tuple[int, int, str | None, bytes]:
        if read or type(value) is not bytes:
            raise TypeError(f"the value of {key!r} is a {type(value).__name__}; wanted bytes")
        return 0, MODE_RAW, None, value

    def fetch(self, mode: object, filename: object, value: object, read: object) -> bytes:
        if mode != MODE_RAW or filename is not None or read or type(value) is not bytes:
            _refuse("its value isn't bytes in the database")
        return value

    def remove(self, file_path: object) -> None:
        # A file that a row names isn't ours.
        pass


def _refuse(why: str) -> NoReturn:
    raise RecordUnusableError(f"another program's entry: {why}")
