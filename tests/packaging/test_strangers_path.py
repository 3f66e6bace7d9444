"""A stranger's path: from `interlock plugins new` to a backend that an application uses by name."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from environments import Environment, built, output

pytestmark = pytest.mark.xdist_group("workshop")  # made once

KINDS = ("cache", "snapshots", "events")

_METHODS = '''\
    async def open(self) -> None:
        """Connect, and make the table."""
        with translated(sqlite3.Error, where=self._file):
            self._connection = sqlite3.connect(self._file, timeout=5, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute(_TABLE)

    async def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        with translated(sqlite3.Error, where=self._file):
            return self._found(key)

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        with translated(sqlite3.Error, where=self._file), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            if replaces(usable(self._found, key), record, supersedes):
                values = (key.text(), record.to_bytes(), time.time() + self._ttl)
                self._connection.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", values)

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        with translated(sqlite3.Error, where=self._file), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            found = None if stamp is None else usable(self._found, key)
            if stamp is None or (found is not None and found.stamp == stamp):
                self._connection.execute("DELETE FROM entries WHERE key = ?", (key.text(),))

    def _found(self, key: RecordKey) -> AggregateRecord | None:
        statement = "SELECT record FROM entries WHERE key = ? AND ends > ?"
        row = self._connection.execute(statement, (key.text(), time.time())).fetchone()
        return None if row is None else AggregateRecord.from_bytes(row[0], key=key)
'''
_TABLE = """\
_TABLE = "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, record BLOB, ends REAL)"


"""
_APPLICATION = """
import asyncio
from uuid import UUID
from pydantic import BaseModel
from interlock.application import ApplicationBuilder, OnLoad
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command

class Deposit(Command[None]):
    amount: int

class Deposited(BaseModel):
    amount: int

class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> None:
        self.emit(Deposited(amount=command.amount))

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount

async def main() -> None:
    reports = []
    builder = ApplicationBuilder.from_config("interlock.toml")
    builder.register_observer(OnLoad(reports.append))
    async with builder.register_aggregate(Account).build() as app:
        await app.dispatch(Deposit(aggregate_id=UUID(int=1), amount=5))
        account = await app.load(Account, UUID(int=1))
        print(account.balance, reports[-1].baseline.value)

asyncio.run(main())
"""
_CONFIGURATION = """
schema = 1
[cache_backends.main]
backend = "sqlite-cache"
file = "entries.db"
[aggregates.Account]
cache_strategy = "always"
cache_backend = "main"
"""


def _new(workshop: Environment, name: str, kind: str, folder: Path) -> Path:
    workshop.run("-m", "interlock", "plugins", "new", name, "--kind", kind, folder=folder)
    return folder / f"interlock-{name}"


@pytest.fixture(scope="module")
def repositories(
    workshop: Environment, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """A new plugin of each kind, installed as it is."""
    folder = tmp_path_factory.mktemp("new")
    made = {kind: _new(workshop, f"two-words-{kind}", kind, folder) for kind in KINDS}
    workshop.install(*map(built, made.values()))
    workshop.check()
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_its_own_tests_at_once(
    workshop: Environment, repositories: dict[str, Path], kind: str
) -> None:
    said = workshop.run("-m", "pytest", folder=repositories[kind])
    assert "TestBackend: conformant" in said
    assert "TestDistribution: conformant" in said


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_is_clean_to_ruff_and_mypy(
    repositories: dict[str, Path], kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, python = repositories[kind], (sys.executable, "-m")
    output(*python, "ruff", "check", "--no-cache", folder=folder)
    output(*python, "ruff", "format", "--check", "--no-cache", folder=folder)
    cache = str(tmp_path_factory.getbasetemp() / "mypy")
    output(*python, "mypy", "src", "tests", folder=folder, MYPYPATH="src", MYPY_CACHE_DIR=cache)


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_name_needs_no_other_line_breaks(
    workshop: Environment, kind: str, tmp_path: Path
) -> None:
    folder = _new(workshop, "a" * 32, kind, tmp_path)
    output(sys.executable, "-m", "ruff", "check", "--no-cache", folder=folder)
    output(sys.executable, "-m", "ruff", "format", "--check", "--no-cache", folder=folder)


def test_a_stranger_replaces_what_is_marked_and_is_conformant(
    workshop: Environment, tmp_path: Path
) -> None:
    repository = _new(workshop, "sqlite-cache", "cache", tmp_path)
    package = repository / "src/interlock_sqlite_cache"
    _edit(package / "backend.py", _on_sqlite)
    _edit(package / "config.py", lambda text: _marked(text, "    file: str\n"))
    _edit(
        package / "plugin.py",
        lambda text: _promising(text, "Capability.DURABLE, Capability.SHARED"),
    )
    workshop.install(built(repository))

    (tmp_path / "interlock.toml").write_text(_CONFIGURATION)
    (tmp_path / "application.py").write_text(_APPLICATION)
    assert workshop.run("application.py", folder=tmp_path) == "5 cache\n"

    (tmp_path / "options.toml").write_text('file = "{tmp}/entries.db"')
    arguments = ("sqlite-cache", "--options", "options.toml", "--report", "report.json")
    said = workshop.run("-m", "interlock", "plugins", "verify", *arguments, folder=tmp_path)
    assert "sqlite-cache: conformant" in said
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["verdict"] == "conformant"
    outcomes = {check["id"]: check["outcome"] for check in report["suites"][0]["checks"]}
    assert outcomes["CACHE-026"] == outcomes["CACHE-031"] == "passed"  # with other processes


def _edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def _on_sqlite(text: str) -> str:
    """The backend with what is marked replaced, and what that needs to import."""
    before, _, rest = text.partition("    # REPLACE: connect")
    assert re.findall(r"async def (\w+)", rest) == ["open", "close", "read", "put", "remove"]
    before = _marked(before, "        self._file = config.file\n")
    before = before.replace("import math\n", "import math\nimport sqlite3\n")
    before = before.replace("    usable,", "    translated,\n    usable,", 1)
    before = before.replace("class SqliteCacheBackend", f"{_TABLE}class SqliteCacheBackend")
    changed = f"{before}{_METHODS}"
    assert "# REPLACE" not in changed
    return changed


def _marked(text: str, lines: str) -> str:
    """The text with the one marked line, and the one below it, replaced."""
    changed, count = re.subn(r" +# REPLACE: [^\n]+\n[^\n]*\n", lines, text)
    assert count == 1
    return changed


def _promising(text: str, capabilities: str) -> str:
    assert text.count("frozenset(),") == 1
    promised = text.replace("frozenset(),", f"frozenset({{{capabilities}}}),")
    return promised.replace("BackendSpec, hookimpl", "BackendSpec, Capability, hookimpl")
