"""Which patches a change concerns: those whose target, whose test, or which themselves differ."""

import io
import runpy
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from interlock_conformance.mutation import EditError, Files, code_of
from patch import Patch
from sources import code_of_test, folder_of, texts

_LISTS = "tests/sabotage"


def concerned(patches: Sequence[Patch], root: Path, base: str) -> list[Patch]:
    """The patches that the changes since a commit, also those not committed yet, concern.

    Code is compared without layout, comments and docstrings, wherever it stood. Of tests the named
    function is compared, and not what it calls. Raises `SystemExit` if git doesn't know the commit.
    """
    with tempfile.TemporaryDirectory(prefix="sabotage-base-") as folder:
        _export(root, base, Path(folder))
        before, now = _Sources(Path(folder)), _Sources(root)
        old = {patch.name: patch for patch in _patches(Path(folder))}
        return [
            patch
            for patch in patches
            if old.get(patch.name) != patch
            or any(before.code(patch, name) != now.code(patch, name) for name in patch.edit.targets)
            or before.test(patch.killed_by) != now.test(patch.killed_by)
        ]


def default_base(root: Path) -> str:
    """The commit at which this branch left main; on main itself, the one before."""
    head = _git(root, "rev-parse", "HEAD").strip().decode()
    left = _git(root, "merge-base", "HEAD", "main").strip().decode()
    branch = _git(root, "rev-parse", "--abbrev-ref", "HEAD").strip().decode()
    return f"{head}^" if left == head and branch in ("main", "HEAD") else left


@dataclass
class _Sources:
    root: Path

    @cached_property
    def _files(self) -> dict[str, Files]:
        return {}

    def code(self, patch: Patch, target: str) -> str | None:
        """The code of a patch's target; None if it isn't there."""
        try:
            if patch.package not in self._files:
                self._files[patch.package] = texts(folder_of(self.root, patch.package))
            return code_of(self._files[patch.package], target)
        except EditError:
            return None

    def test(self, node: str) -> str | None:
        """The code of a test; None if it isn't there."""
        try:
            return code_of_test(self.root, node)
        except (OSError, EditError):
            return None


def _patches(root: Path) -> list[Patch]:
    """The patches of another checkout; none of a list that is written otherwise than ours."""
    found: list[Patch] = []
    for path in sorted((root / _LISTS).glob("*.py")):
        is_test = path.name.startswith("test_")
        if not is_test and "\nPATCHES = [" in path.read_text("utf-8"):
            try:
                found += runpy.run_path(str(path))["PATCHES"]
            except (ImportError, TypeError):
                continue
    return found


def _export(root: Path, commit: str, folder: Path) -> None:
    archive = _git(root, "archive", "--format=tar", commit)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)  # noqa: S603, S607 our own arguments
    if done.returncode:
        raise SystemExit(
            f"--changed needs a commit to compare with, and `git {' '.join(arguments)}` says: "
            f"{done.stderr.decode().strip()}; name another: --changed COMMIT"
        )
    return done.stdout
