"""A test that fails when a revision changed, so that nobody invalidates snapshots unawares."""

from os import PathLike
from pathlib import Path

from interlock._app.application import Application
from interlock._app.revision_lock import changes, found_in, read


def assert_revisions(application: Application, lock_file: str | PathLike[str]) -> None:
    """Assert that the revision of each registered aggregate is the one in the lock file.

    The file is that of `interlock revisions --write FILE`. Where the application's snapshots would
    not be used any more after a deploy, `AssertionError` names the code that changed. The
    application needn't be started. Raises `ConfigurationError` if the file isn't there.
    """
    path = Path(lock_file)
    found = found_in(application)
    differences = [*changes(read(path), found.lock, found.reads)]
    if differences:
        lines = "".join(f"\n- {each.type}: {each.message}" for each in differences)
        raise AssertionError(
            f"revisions differ from {path}:{lines}\n"
            f"If that is right: interlock revisions --write {path}"
        )
