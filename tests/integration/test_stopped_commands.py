"""Long commands that get Ctrl-C, a real signal to a real process, say how they go on, and do."""

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pages import FORKS

STOPPING = Path(__file__).with_name("stopping.py")
STREAMS = 12
LONG = "00000000-0000-0000-0000-000000000001"
AGAIN = "stopped; the same command goes on where it was\n"
ANEW = "stopped; nothing was changed; the same command begins anew\n"
EVENTS = "interlock_sqlalchemy_events.backend:SQLAlchemyEventStore"
SNAPSHOTS = "interlock_sqlalchemy_snapshots.backend:SQLAlchemySnapshotBackend"
ORDERING = """
from uuid import UUID

from pydantic import BaseModel

from interlock.application import ApplicationBuilder
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command


class Paid(BaseModel):
    amount: int


class Pay(Command[None]):
    parts: int


class Order(Aggregate):
    revision = "2"
    total: int = 0

    @handles_command
    def pay(self, command: Pay) -> None:
        for _ in range(command.parts):
            self.emit(Paid(amount=1))

    @applies_event
    def paid(self, event: Paid) -> None:
        self.total += event.amount


def application() -> ApplicationBuilder:
    return ApplicationBuilder.from_config().register_aggregate(Order)


async def fill() -> None:
    async with application().build() as app:
        for number in range(1, 13):
            parts = 1_200 if number == 1 else 20
            await app.dispatch(Pay(aggregate_id=UUID(int=number), parts=parts))
"""
CONFIG = """
schema = 1
app = "ordering:application"

[event_store]
backend = "sqlalchemy-events"
url = "sqlite:///{name}.db"
create_schema = true

[snapshot_backends.main]
backend = "sqlalchemy-snapshots"
url = "sqlite:///{name}.db"
create_schema = true

[aggregates.Order]
snapshot_strategy = {{ use = "after-n", n = 100_000 }}
snapshot_backend = "main"
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an application whose streams are filled."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "ordering.py").write_text(ORDERING)
    (folder / "interlock.toml").write_text(CONFIG.format(name="shop"))
    (folder / "target.toml").write_text(CONFIG.format(name="target"))
    code = "import asyncio, ordering; asyncio.run(ordering.fill())"
    assert FORKS.run(("python", "-c", code), folder, {}).returncode == 0
    return folder


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "shop"))


def _stopped(folder: Path, where: str, call: int, *command: str) -> str:
    """What the command says that gets Ctrl-C there: one line, behind what it printed."""
    done = FORKS.run(("python", str(STOPPING), where, str(call), *command), folder, {})
    assert done.returncode == 130, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    return done.stderr


def _done(folder: Path, *command: str) -> CompletedProcess[str]:
    done = FORKS.run(("interlock", *command), folder, {})
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done


def _after(said: str) -> list[str]:
    """The option that it says to go on with."""
    found = re.fullmatch(r"stopped; go on with (--\S+) (\S+)\n", said)
    assert found is not None, said
    return [*found.groups()]


def _count(folder: Path, table: str, database: str = "shop") -> int:
    with closing(sqlite3.connect(folder / f"{database}.db")) as file:
        (count,) = file.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 # our own
    return int(count)


@pytest.mark.parametrize("at_once", ["1", "4"])
def test_a_rebuild_goes_on_behind_what_is_done(folder: Path, at_once: str) -> None:
    command = ("snapshots", "rebuild", "Order", "--all", "--concurrency", at_once)
    option, last = _after(_stopped(folder, f"{SNAPSHOTS}.put", 5, *command))
    stored = _count(folder, "interlock_snapshots")
    assert 5 <= stored < STREAMS
    assert int(last[-12:], 16) == stored  # none before it is missing, none behind it is there
    done = _done(folder, *command, option, last)
    assert done.stdout == f"{STREAMS - stored} snapshots stored\n"
    assert _count(folder, "interlock_snapshots") == STREAMS


def test_snapshots_are_all_compared_in_two_runs(folder: Path) -> None:
    _done(folder, "snapshots", "rebuild", "Order", "--all")
    command = ("snapshots", "verify", "Order", "--concurrency", "1")
    option, last = _after(_stopped(folder, f"{SNAPSHOTS}.revisions", 6, *command))
    assert int(last[-12:], 16) == 6
    assert _done(folder, *command, option, last).stdout == "6 compared, 0 of no use\n"


def test_what_was_found_until_then_is_told(folder: Path) -> None:
    _done(folder, "snapshots", "rebuild", "Order", "--all")
    with closing(sqlite3.connect(folder / "shop.db")) as file, file:
        file.execute(
            "UPDATE interlock_snapshots SET payload = 'x' WHERE aggregate_id = ?",
            ((2).to_bytes(16, "big"),),
        )
    command = ("snapshots", "verify", "Order", "--concurrency", "1")
    words = ("python", str(STOPPING), f"{SNAPSHOTS}.revisions", "6", *command)
    done = FORKS.run(words, folder, {})
    assert (done.returncode, done.stdout.count("version 20 of 2")) == (130, 1)
    assert done.stdout.startswith("00000000-0000-0000-0000-000000000002 version ")


def test_a_purge_goes_on(folder: Path) -> None:
    _done(folder, "snapshots", "rebuild", "Order", "--all")
    code = (folder / "ordering.py").read_text().replace('revision = "2"', 'revision = "3"')
    (folder / "ordering.py").write_text(code)
    command = ("snapshots", "purge", "Order", "--older-revisions")
    option, last = _after(_stopped(folder, f"{SNAPSHOTS}.remove", 4, *command))
    assert 4 <= STREAMS - _count(folder, "interlock_snapshots") < STREAMS
    _done(folder, *command, option, last)
    assert _count(folder, "interlock_snapshots") == 0


def test_a_list_goes_on(folder: Path) -> None:
    where = "interlock._app.tools:Tools.version"
    words = ("python", str(STOPPING), where, "5", "streams", "list", "Order")
    done = FORKS.run(words, folder, {})
    rest = _done(folder, "streams", "list", "Order", *_after(done.stderr)).stdout
    assert done.stdout + rest == _done(folder, "streams", "list", "Order").stdout
    assert len(rest.splitlines()) in (STREAMS - 4, STREAMS - 5)


def test_a_history_goes_on(folder: Path) -> None:
    where = "interlock.cli.history:_tell_event"
    words = ("python", str(STOPPING), where, "7", "history", "Order", LONG)
    done = FORKS.run(words, folder, {})
    assert 7 <= done.stdout.count("\n") < 1_200
    rest = _done(folder, "history", "Order", LONG, *_after(done.stderr)).stdout
    assert done.stdout + rest == _done(folder, "history", "Order", LONG).stdout


def test_a_copy_goes_on(folder: Path) -> None:
    command = ("copy", "target.toml", "--concurrency", "2")
    assert _stopped(folder, f"{EVENTS}.append", 5, *command) == AGAIN
    copied = _count(folder, "interlock_events", "target")
    total = _count(folder, "interlock_events")
    assert 0 < copied < total
    rest = f"{total - copied:,} events copied; 12 streams compared, 0 differ"
    assert _done(folder, *command).stdout == f"Order: {rest}\n"


def test_a_cut_over_that_is_stopped_leaves_the_source_as_it_was(folder: Path) -> None:
    command = ("copy", "target.toml", "--cut-over")
    assert _stopped(folder, "interlock.cli.copying:Copying.complete", 3, *command) == AGAIN
    assert _done(folder, "namespace", "show").stdout == "takes changes\n"
    assert "read-only" in _done(folder, *command).stdout


def test_an_import_goes_on(folder: Path) -> None:
    (folder / "source.py").write_text(
        """
from datetime import UTC, datetime
from uuid import UUID, uuid5

from interlock.backends import StoredEvent

AT = datetime(2026, 1, 1, tzinfo=UTC)


def events():
    for version in range(1, 101):
        for number in range(50, 70):
            yield StoredEvent(
                "Order", UUID(int=number), version, uuid5(UUID(int=number), str(version)), "Paid",
                1, AT, b"{}", b'{"amount": 1}',
            )
"""
    )
    before = _count(folder, "interlock_events")
    command = ("import", "source:events", "--concurrency", "4")
    assert _stopped(folder, f"{EVENTS}.append", 30, *command) == AGAIN
    stored = _count(folder, "interlock_events") - before
    assert 0 < stored < 2_000
    done = _done(folder, *command)
    assert done.stdout == f"{2_000 - stored:,} events imported, {stored:,} were there\n"


def test_an_archive_goes_on(folder: Path) -> None:
    _done(folder, "snapshots", "take", "Order", LONG)
    command = ("archive", "Order", LONG, "--below", "1000", "--to", "archive")
    assert _stopped(folder, f"{EVENTS}.delete", 1, *command) == AGAIN
    assert "events moved to" in _done(folder, *command).stdout


@pytest.mark.parametrize(
    ("where", "call", "command", "said"),
    [
        (f"{EVENTS}.head", 5, ("streams", "stats"), ANEW),
        (f"{EVENTS}.head", 5, ("plugins", "doctor", "--types"), ANEW),
        (f"{EVENTS}.head", 5, ("advise",), ANEW),
        (f"{SNAPSHOTS}.prune", 1, ("snapshots", "prune", "Order"), AGAIN),
        (f"{SNAPSHOTS}.put", 1, ("snapshots", "take", "Order", LONG), AGAIN),
        ("interlock._app.tools:Tools.explain", 1, ("explain", "Order", LONG), "UNCHANGED"),
    ],
    ids=["stats", "doctor", "advise", "prune", "take", "explain"],
)
def test_what_has_no_place_to_go_on_from_says_so(
    folder: Path, where: str, call: int, command: tuple[str, ...], said: str
) -> None:
    wanted = said.replace("UNCHANGED", "stopped; nothing was changed\n")
    assert _stopped(folder, where, call, *command) == wanted
    _done(folder, *command)


def test_json_says_what_was_done_until_then(folder: Path) -> None:
    command = ("snapshots", "rebuild", "Order", "--all", "--concurrency", "1", "--json")
    words = ("python", str(STOPPING), f"{SNAPSHOTS}.put", "3", *command)
    told = FORKS.run(words, folder, {}).stdout
    assert '"stored": 3' in told
    assert '"stopped": "go on with --after 00000000-0000-0000-0000-000000000003"' in told
