"""Makes and checks a cache's directory, which is private to the user."""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from interlock.backends import ConfigurationError

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def prepare_directory(file: Path) -> None:
    """Make the database's directory and an empty file, both private, if they are missing.

    Whoever can write there can forge states, so that nobody else may; nor to a directory above it
    that is made here, or the cache could be moved away and another put in its place. Raises
    `ConfigurationError`, `OSError`.
    """
    for folder in (*reversed(file.parent.parents), file.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    _check(file.parent, "name another directory")
    # SQLite gives its log and index the permissions of the database.
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    for neighbour in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        with suppress(FileNotFoundError):  # whoever closes the database last deletes these two
            _check(neighbour, "delete it while no process uses it")


def _check(path: Path, otherwise: str) -> None:
    if sys.platform == "win32":
        return
    found = path.stat()
    user = os.geteuid()
    if found.st_uid not in (user, 0):
        raise ConfigurationError(
            f"{path} belongs to user {found.st_uid}, who could forge what user {user} caches "
            f"there: give it to user {user}, or {otherwise}"
        )
    if found.st_mode & _WRITABLE_BY_OTHERS:
        raise ConfigurationError(
            f"other users can write to {path} (its mode is {stat.S_IMODE(found.st_mode):04o}), and "
            f"could forge states: make it private (chmod go-w), or {otherwise}"
        )
