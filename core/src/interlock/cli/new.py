"""A new plugin's repository, rendered from the templates in this package."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from interlock._plugins.entry_points import OURS, own_names
from interlock._plugins.specs import BackendKind
from interlock.cli.screen import tell
from interlock.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 32  # so that the formatter leaves every line of the templates as it is
_TAKEN = ("conformance", "sqlalchemy", "record-cache", "record-snapshot")  # by packages, by classes
_FILES = {
    ".github/workflows/ci.yml": "ci.yml",
    ".gitignore": "gitignore",
    "LICENSE": "LICENSE",
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    "src/$package/__init__.py": "__init__.py",
    "src/$package/backend.py": "$kind/backend.py",
    "src/$package/config.py": "$kind/config.py",
    "src/$package/plugin.py": "plugin.py",
    "src/$package/py.typed": "py.typed",
    "tests/test_conformance.py": "test_conformance.py",
    "tox.ini": "tox.ini",
}


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a template that differ between the kinds."""

    summary: str
    suite: str
    table: str
    promises: str


_WORDS = {
    BackendKind.CACHE: _Words(
        summary="A cache for Interlock",
        suite="CacheConformance",
        table="cache_backends.main",
        promises="DURABLE, SHARED, BOUNDED, READ_MANY",
    ),
    BackendKind.SNAPSHOTS: _Words(
        summary="Snapshots for Interlock",
        suite="SnapshotConformance",
        table="snapshot_backends.main",
        promises="DURABLE, SHARED, READ_MANY",
    ),
    BackendKind.EVENTS: _Words(
        summary="Streams of events for Interlock",
        suite="EventStoreConformance",
        table="event_store",
        promises="DURABLE, SHARED",
    ),
}


def new(
    name: Annotated[str, typer.Argument(help="The backend's, as in redis-cache.")],
    kind: Annotated[BackendKind, typer.Option(help="What it keeps.")],
    into: Annotated[
        Path | None, typer.Option(help="A new or empty folder; interlock-NAME by default.")
    ] = None,
) -> None:
    """Write the repository of a new plugin.

    It passes the suite, on a store in memory.
    """
    folder = into or Path(f"interlock-{name}")
    for path in write_repository(name, kind, folder):
        typer.echo(path)
    tell(f"Next: run tox in {folder}, then replace what is marked REPLACE in backend.py")


def write_repository(name: str, kind: BackendKind, folder: Path) -> Sequence[Path]:
    """Write the repository of a plugin into a folder that is new or empty; the files.

    Raises `ConfigurationError` if the name doesn't do or the folder holds something; nothing is
    overwritten.
    """
    _check_name(name)
    values = _values(name, kind)
    sources = {target: _filled(source, values) for target, source in _FILES.items()}
    return write_files(folder, sources, values)


def write_files(
    folder: Path, sources: Mapping[str, str], values: Mapping[str, str]
) -> Sequence[Path]:
    """Write templates, by the paths of the files, into a folder that is new or empty; the files.

    Raises `ConfigurationError` if the folder holds something, or can't be written to.
    """
    templates = files("interlock.cli") / "templates"
    texts = {
        folder / _filled(target, values): _filled(
            (templates / f"{source}.tmpl").read_text("utf-8"), values
        )
        for target, source in sources.items()
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if found := sorted(path.name for path in folder.iterdir()):
            raise ConfigurationError(
                f"{folder} isn't empty, it holds {found[0]!r}; name a new folder: --into FOLDER"
            )
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        raise ConfigurationError(f"it can't be written to {folder}: {error}") from error
    return list(texts)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").removeprefix("interlock-")
        is_better = _NAME.fullmatch(plain) and len(plain) <= _LONGEST
        raise ConfigurationError(
            f"{name!r} is no name for a backend; wanted at most {_LONGEST} lower-case letters and "
            "digits, from a letter on, with single hyphens between words, as in 'redis-cache'"
            + (f"; did you mean {plain!r}?" if is_better else "")
        )
    if name.startswith("interlock-"):
        raise ConfigurationError(
            f"the distribution of {name!r} would be 'interlock-{name}'; name the backend alone: "
            f"{name.removeprefix('interlock-')!r}"
        )
    ours = [each for names in OURS.values() for each in names]
    if name in {*own_names(), *ours, *_TAKEN}:
        raise ConfigurationError(f"{name!r} is one of Interlock's own names; choose another")


def _values(name: str, kind: BackendKind) -> Mapping[str, str]:
    words = _WORDS[kind]
    camel = "".join(word.capitalize() for word in name.split("-"))
    return {
        "name": name,
        "package": f"interlock_{name.replace('-', '_')}",
        "backend": f"{camel}Backend",
        "config": f"{camel}Config",
        "kind": kind.value,
        "member": kind.name,
        "summary": words.summary,
        "suite": words.suite,
        "suites": ", ".join(sorted((words.suite, "PackagingConformance"))),
        "table": words.table,
        "promises": words.promises,
        "core": version("interlock"),
        "year": str(datetime.now(UTC).year),
    }


def _filled(text: str, values: Mapping[str, str]) -> str:
    return Template(text).substitute(values)
