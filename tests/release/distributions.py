"""The distributions as they are released: built, read back, and what each of them needs."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement

from suite_runs import ROOT


@dataclass(frozen=True)
class Distribution:
    """A distribution and its files."""

    name: str
    version: str
    wheel: Path
    sdist: Path
    requires: Sequence[Requirement]
    extras: Sequence[str]

    @property
    def package(self) -> str:
        """What is imported."""
        return self.name.replace("-", "_")

    def ours(self) -> Iterator[str]:
        """The names of our own that it needs."""
        return (needed.name for needed in self.requires if needed.name.startswith("interlock"))

    def lowest(self) -> Iterator[str]:
        """What it needs of others, also for its extras, as requirements of their own.

        So that their lowest versions are taken, which is done for what is asked for directly.
        """
        for needed in self.requires:
            settings = [{"extra": extra} for extra in ("", *self.extras)]
            applies = needed.marker is None or any(map(needed.marker.evaluate, settings))
            if applies and not needed.name.startswith("interlock"):
                extras = f"[{','.join(sorted(needed.extras))}]" if needed.extras else ""
                yield f"{needed.name}{extras}{needed.specifier}"


def build(folder: Path) -> Mapping[str, Distribution]:
    """Build all of them into an empty folder, the wheels from the sdists; by name."""
    for path in sorted(ROOT.glob("*/pyproject.toml")) + sorted(ROOT.glob("*/*/pyproject.toml")):
        uv("build", "--quiet", "--out-dir", str(folder), str(path.parent))
    found = [_read(wheel) for wheel in sorted(folder.glob("*.whl"))]
    return {distribution.name: distribution for distribution in found}


def with_needed(among: Mapping[str, Distribution], *names: str) -> Sequence[Distribution]:
    """Those of the names, and those of ours that they need, directly or not."""
    found: dict[str, Distribution] = {}
    open_names = [*names]
    while open_names:
        one = among[open_names.pop()]
        found[one.name] = one
        open_names += [name for name in one.ours() if name not in found]
    return list(found.values())


def uv(*arguments: str) -> None:
    """Run uv, loudly if it fails."""
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True)  # noqa: S603 # our own


def _read(wheel: Path) -> Distribution:
    metadata = _metadata(wheel)
    name, version = metadata["Name"], metadata["Version"]
    sdist = wheel.parent / f"{name.replace('-', '_')}-{version}.tar.gz"
    requires = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    extras = metadata.get_all("Provides-Extra", [])
    return Distribution(name, version, wheel, sdist, requires, extras)


def _metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())
