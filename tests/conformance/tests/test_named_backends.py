"""What is installed beside the suite, by name."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

import interlock_conformance.cases  # noqa: F401 the checks that it brings
from interlock_conformance.checks import checks_of

SUITES = ("--pyargs", "interlock_conformance.suites", "-q")
SQLITE = 'url = "sqlite:///{tmp}/conformance.db"\ncreate_schema = true\n'
needs_sql = pytest.mark.skipif(
    any(find_spec(f"interlock_sqlalchemy_{kind}") is None for kind in ("events", "snapshots")),
    reason="interlock-sqlalchemy-events or interlock-sqlalchemy-snapshots isn't installed",
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("memory-cache", "CACHE"),
        ("null-cache", "CACHE"),
        ("memory-snapshots", "SNAP"),
        ("null-snapshots", "SNAP"),
        ("memory-events", "EVENTS"),
    ],
)
def test_the_forms_of_the_core_are_conformant(
    run_pytest: Callable[..., Any], name: str, kind: str
) -> None:
    run = run_pytest(*SUITES, "--interlock-backend", name)
    assert run.report["verdict"] == "conformant", run.text
    assert run.code == 0
    assert f"{name}: conformant" in run.text
    assert [suite["suite"] for suite in run.report["suites"]] == [name]
    assert set(run.outcomes(name)) == {check.id for check in checks_of(kind)}
    assert run.outcomes(name)[f"{kind}-001"] == "passed"


@needs_sql
def test_processes_share_snapshots_in_sqlite(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest(
        *(*SUITES, "-k", "SNAP-026 or SNAP-031"),
        *("--interlock-backend", "sqlalchemy-snapshots", "--interlock-options", "options.toml"),
        options=SQLITE,
    )
    suite = run.suite("sqlalchemy-snapshots")
    assert suite["versions"]["sqlalchemy"].startswith("2.")
    outcomes = run.outcomes("sqlalchemy-snapshots")
    assert (outcomes["SNAP-026"], outcomes["SNAP-031"]) == ("passed", "passed"), run.text


@needs_sql
def test_an_event_store_reads_from_the_snapshot_store_that_its_options_name(
    run_pytest: Callable[..., Any],
) -> None:
    url = "sqlite:///{tmp}/conformance.db"
    beside = f'{{ backend = "sqlalchemy-snapshots", url = "{url}", create_schema = true }}'
    run = run_pytest(
        *(*SUITES, "-k", "EVENTS-059 or EVENTS-067"),
        *("--interlock-backend", "sqlalchemy-events", "--interlock-options", "options.toml"),
        options=f"{SQLITE}[conformance]\nsnapshots = {beside}\n",
    )
    outcomes = run.outcomes("sqlalchemy-events")
    assert (outcomes["EVENTS-059"], outcomes["EVENTS-067"]) == ("passed", "passed"), run.text


@needs_sql
def test_changed_bytes_in_sqlite_are_unusable(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest(
        "-q",
        "-k",
        "SNAP-032 or SNAP-033 or SNAP-034 or SNAP-035 or SNAP-055",
        test_sqlite="""
import sqlite3
from interlock.application import backend
from interlock_conformance import SnapshotConformance

class TestSqlite(SnapshotConformance):
    def backend(self):
        return backend("sqlalchemy-snapshots", url="sqlite:///s.db", create_schema=True)

    async def tamper(self, store, key, change):
        with sqlite3.connect("s.db") as connection:
            (payload,) = connection.execute(
                "select payload from interlock_snapshots where aggregate_id = ?",
                (key.aggregate_id.bytes,),
            ).fetchone()
            connection.execute(
                "update interlock_snapshots set payload = ? where aggregate_id = ?",
                (change(payload), key.aggregate_id.bytes),
            )
        connection.close()
""",
    )
    assert run.code == 0, run.text
    assert run.suite("TestSqlite")["backend"] == "sqlalchemy-snapshots"
    assert "sqlalchemy" in run.suite("TestSqlite")["versions"]
    outcomes = run.outcomes("TestSqlite")
    tampered = ("SNAP-032", "SNAP-033", "SNAP-034", "SNAP-035", "SNAP-055")
    assert [outcomes[check_id] for check_id in tampered] == ["passed"] * 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--interlock-backend", "memory-cash"), "did you mean 'memory-cache'?"),
        (("--interlock-backend", "memory-cache", "--contract", "0.9"), "no contract '0.9'"),
        (("--interlock-backend", "memory-cache", "--interlock-options", "no.toml"), "no.toml"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(
    run_pytest: Callable[..., Any], arguments: tuple[str, ...], message: str
) -> None:
    run = run_pytest(*SUITES, *arguments)
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert message in run.text
    assert run.report == {}


def test_the_suites_want_a_name(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest(*SUITES)
    assert run.code != 0
    assert "which backend? --interlock-backend NAME" in run.text


def test_options_that_do_not_fit_are_told(run_pytest: Callable[..., Any]) -> None:
    run = run_pytest(
        *SUITES,
        *("--interlock-backend", "memory-cache", "--interlock-options", "options.toml"),
        options="siz = 3\n",
    )
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "siz: no such option; did you mean 'size'?" in run.text
