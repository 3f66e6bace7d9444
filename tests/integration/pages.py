"""The documentation's pages as sessions: what they show is written, run and checked in order."""

import os
import re
import shlex
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from markdown_it import MarkdownIt

from forked import Forks

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "core/*.md", "plugins/*/*.md", "tests/*/*.md", "docs/**/*.md")
    for path in ROOT.glob(pattern)
    if not {".tox", "node_modules"} & set(path.relative_to(ROOT).parts)
)
FORKS = Forks(
    *("interlock.cli.commands", "interlock.application", "interlock_diskcache_cache.backend"),
    *("interlock_sqlalchemy_events.backend", "interlock_sqlalchemy_snapshots.backend"),
    *("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.asyncpg", "asyncpg"),
    *("sqlalchemy.ext.asyncio", "rich.live", "rich.markdown", "rich.progress"),
    flags=["-W", "error"],
)
"""Warnings are errors."""
_FOR_A_SHELL = re.compile(r"[^\w\s./:=-]")  # more than words
_PORTS = {"postgresql": 5432, "mariadb": 3306, "redis": 6379}
_OUR_TABLES = {
    *("schema", "app", "extensions", "application", "event_store", "snapshot_backends"),
    *("cache_backends", "aggregates", "profiles"),
}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, and the line of the page on which its text begins.

    A comment right above it may say more: `<!-- not run: REASON -->`, `<!-- numbers differ -->` for
    what is printed, `<!-- from: PATH -->` for what stands in that file, word for word; or the first
    line of the block itself names the example that it is from.
    """

    line: int
    language: str
    title: str
    text: str
    not_run: str
    source: str
    numbers_differ: bool

    @property
    def is_configuration(self) -> bool:
        """Whether it is TOML that the application reads."""
        return self.language == "toml" and self.title in ("", "interlock.toml")

    @property
    def file_name(self) -> str:
        """The file that it is shown as, if it is one."""
        is_whole = self.is_configuration and re.search(r"^schema = ", self.text, re.MULTILINE)
        return self.title or ("interlock.toml" if is_whole else "")


@dataclass(frozen=True, slots=True)
class Command:
    """A line of a console block after its prompt, and what the page shows below it."""

    block: Block
    line: str
    shown: str

    @property
    def words(self) -> list[str]:
        words = shlex.split(self.line, comments=True)
        return list(dropwhile(lambda word: re.match(r"[A-Z_]+=", word), words))

    @property
    def is_ours(self) -> bool:
        """Whether it runs our code, rather than installs something or starts a server."""
        return self.words[0] in ("interlock", "python") and "pip" not in self.words

    @property
    def installs(self) -> Iterator[tuple[str, set[str]]]:
        """Our distributions that it installs, with their extras."""
        for word in self.words if "pip" in self.words else ():
            found = re.fullmatch(r"(interlock[\w-]*)(?:\[([\w,]+)\])?", word)
            if found is not None:
                yield found[1], set(filter(None, (found[2] or "").split(",")))


def name_of(page: Path) -> str:
    """As the tests' ids name it."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order, but for those that are generated."""
    found = []
    above = ""
    is_generated = False
    for token in MarkdownIt().parse(page.read_text()):
        if token.type == "html_block" and "<!-- generated: " in token.content:
            is_generated = True
        if token.type == "html_block" and "<!-- end of generated -->" in token.content:
            is_generated = False
        if token.type == "fence" and not is_generated:
            said = dict(re.findall(r"<!-- (not run|from): (.+?) -->", above, re.DOTALL))
            title = re.search(r'title="([^"]+)"', token.info)
            quoted = re.match(r"# (docs/examples/\S+)\n", token.content)
            if quoted is not None:
                said = {"not run": "it stands in the example", "from": quoted[1]}
            found.append(
                Block(
                    line=(token.map or [0])[0] + 2,
                    language=token.info.split(" ")[0],
                    title=title[1] if title else "",
                    text=_included(token.content[quoted.end() :] if quoted else token.content),
                    not_run=said.get("not run", ""),
                    source=said.get("from", ""),
                    numbers_differ="<!-- numbers differ -->" in above,
                )
            )
        above = token.content if token.type == "html_block" else ""
    return found


def _included(text: str) -> str:
    """The text with the files of `docs/examples` that it includes, as the site shows it."""

    def content(found: re.Match[str]) -> str:
        return (ROOT / "docs/examples" / found[1]).read_text()

    return re.sub(r"^--8<--\n(.+)\n--8<--\n", content, text, flags=re.MULTILINE)


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block; a line that ends with a backslash goes on."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, shown = re.split(r"(?<!\\)\n", part, maxsplit=1)
        yield Command(block, line.replace("\\\n", ""), shown)


def need_servers(page: Path) -> None:
    """Skip the test, or fail it, unless the servers run that `<!-- needs: NAME -->` names."""
    required = os.environ.get("INTERLOCK_REQUIRE", "").split(",")
    for name in re.findall(r"<!-- needs: (\w+) -->", page.read_text()):
        with socket.socket() as connection:
            status = connection.connect_ex(("127.0.0.1", _PORTS[name]))
        if status != 0:
            refuse = pytest.fail if name in required else pytest.skip
            refuse(f"needs {name}: nobody answers on port {_PORTS[name]}")


class Session:
    """A page that is followed in an empty folder.

    With a `python` its commands are run by that interpreter and what is installed beside it, each
    in a process of its own.
    """

    def __init__(self, folder: Path, python: Path | None = None) -> None:
        self._folder = folder
        self._python = python

    def follow(self, page: Path) -> None:
        """Write the files that it shows and run its commands, in order; then its program.

        A block with a title is a file of that name, a whole configuration is `interlock.toml`.
        Python blocks without a title are one program, each at its own line of the page, so that a
        traceback names it.
        """
        program = ""
        for block in blocks(page):
            if block.not_run:
                continue
            if block.file_name:
                path = self._folder / block.file_name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
            elif block.language == "python":
                program += "\n" * (block.line - 1 - program.count("\n")) + block.text
            elif block.language == "console":
                for command in filter(lambda each: each.is_ours, commands(block)):
                    self._run_command(command)
        if program:
            self._run_program(program, page.read_text())

    def _run_command(self, command: Command) -> None:
        """It prints what is shown; if nothing is, it succeeds."""
        done = self._run(command.line)
        printed = re.sub(r"[ \t]+$", "", done.stdout + done.stderr, flags=re.MULTILINE)
        said = (
            f"line {command.block.line}: $ {command.line}\n"
            f"the page shows:\n{command.shown}\nit printed:\n{printed}"
        )
        if not command.shown.strip():
            assert done.returncode == 0, said
            return
        wanted = re.escape(command.shown.strip())
        wanted = wanted.replace("\\\n\\.\\.\\.", "(?:\n.*)?").replace(r"\.\.\.", ".*?")
        if command.block.numbers_differ:
            wanted = re.sub(r"[\d.,\\]*\d", r"[\\d.,]+", wanted)
        assert re.fullmatch(wanted, printed.strip(), re.DOTALL), said

    def _run_program(self, program: str, page: str) -> None:
        (self._folder / "shown.py").write_text(program)
        done = self._run("python shown.py")
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        printed = done.stdout.strip()
        assert not printed or f"It prints `{printed}`." in page, f"it printed {printed}"

    def _run(self, line: str) -> CompletedProcess[str]:
        """Run it in the folder, with the interpreter and what is installed beside it."""
        python = self._python or Path(sys.executable)
        path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
        settings = {"PATH": path, "PYTHONWARNINGS": "error", "COLUMNS": "80", "NO_COLOR": "1"}
        if self._python is None and not _FOR_A_SHELL.search(line):
            return FORKS.run(shlex.split(line), self._folder, settings)
        return subprocess.run(  # noqa: S602 our own pages
            line,
            shell=True,
            cwd=self._folder,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def configurations(page: Path) -> Iterator[tuple[Block, str]]:
    """The blocks that show a configuration, each as a whole file: the schema is added."""
    for block in blocks(page):
        if block.is_configuration and not block.not_run:
            table = tomllib.loads(block.text)
            foreign = set(table) - _OUR_TABLES
            assert not foreign, (
                f"line {block.line}: a configuration with {foreign}; give the block a title or say "
                "why it isn't run"
            )
            yield block, block.text if "schema" in table else f"schema = 1\n{block.text}"


def variables(text: str) -> dict[str, str]:
    """Values for the environment variables that a configuration asks for."""
    return dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "example")


def distributions() -> Mapping[str, Any]:  # Any: TOML values
    """The `[project]` tables of our distributions, by name."""
    found = {}
    for pattern in ("core", "plugins/*", "tests/conformance"):
        for path in ROOT.glob(f"{pattern}/pyproject.toml"):
            project = tomllib.loads(path.read_text())["project"]
            found[project["name"]] = project
    return found
