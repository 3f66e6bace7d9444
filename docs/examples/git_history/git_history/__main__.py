"""The command line: import a repository, ask for a file's lines, compare with git."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from interlock import ApplicationBuilder
from interlock.application import Application
from interlock.errors import InterlockError
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from git_history.domain import HistoryError, ImportProgress, PathHistory, TrackedFile
from git_history.git import GitError, open_repository
from git_history.history import History
from git_history.importer import import_history
from git_history.verify import verify

CONFIG = Path(__file__).parent.parent / "interlock.toml"


def build_application() -> Application:
    """Build the application; stores, snapshots and caches are chosen in interlock.toml."""
    return (
        ApplicationBuilder.from_config(CONFIG)
        .register_aggregate(TrackedFile)
        .register_aggregate(PathHistory)
        .register_aggregate(ImportProgress)
        .build()
    )


async def run_import(history: History, _arguments: argparse.Namespace) -> int:
    with progress_bar("importing commits") as report:
        imported = await import_history(history, report)
    print(f"{imported} commits imported, up to {history.head.id}")
    return 0


async def run_lines(history: History, arguments: argparse.Namespace) -> int:
    commit = history.locate(arguments.at)
    await history.require_imported(commit)
    file = await history.file_at(os.fsencode(arguments.path), commit.position)
    if file is None:
        raise HistoryError(
            f"no regular file {arguments.path!r} at {commit.id}; paths are as git ls-files prints "
            "them in the top folder"
        )
    if file.lines is None:
        raise HistoryError(f"{arguments.path!r} is binary at {commit.id}: it has no lines")
    print(file.lines)
    return 0


async def run_verify(history: History, _arguments: argparse.Namespace) -> int:
    with progress_bar("comparing files") as report:
        verdict = await verify(history, report)
    for difference in verdict.differences:
        print(f"differs: {difference}")
    left_out = ", ".join(f"{count} {kind}" for kind, count in verdict.left_out.items())
    print(f"left out: {left_out}")
    print(f"{verdict.checked} files checked, {len(verdict.differences)} differ")
    return 0 if verdict.is_good else 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="git_history", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, run, summary in (
        ("import", run_import, "record the commits that aren't recorded yet"),
        ("lines", run_lines, "print how many lines a file has, or had"),
        ("verify", run_verify, "compare every text file at HEAD with git's own content"),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(run=run)
        command.add_argument("repo", type=Path, metavar="REPO")
        if name == "lines":
            command.add_argument("path", metavar="PATH")
            command.add_argument("--at", default="HEAD", metavar="COMMIT")
    return parser.parse_args(arguments)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (done, total) that draws a bar, on a terminal only."""
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


async def run(arguments: argparse.Namespace) -> int:
    with open_repository(arguments.repo) as repository:
        async with build_application() as app:
            result: int = await arguments.run(History(app, repository), arguments)
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        return asyncio.run(run(parse(arguments)))
    except (GitError, HistoryError, InterlockError) as error:
        print(f"git_history: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("git_history: interrupted; the same command goes on from here", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
