"""What `interlock new app` writes: checked, tested, served, and stopped under load."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped] # the driver has no types
import pytest

from interlock.cli.new_app import write_service
from redis_rig import Server as Redis
from service import ANNA, Depositors, call, free_port, served
from sql_rig import needed, url_of

UVICORN = ["uvicorn", "bank_accounts.main:api", "--timeout-graceful-shutdown", "15"]
GUNICORN = ["gunicorn", "bank_accounts.main:api", "--worker-class"]
GUNICORN += ["uvicorn_worker.UvicornWorker", "--workers", "2", "--graceful-timeout", "15"]


def at(port: int, command: Sequence[str]) -> list[str]:
    if command[0] == "gunicorn":
        return [*command, "--bind", f"127.0.0.1:{port}"]
    return [*command, "--port", str(port)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_service("bank-accounts", tmp_path / "bank")
    return tmp_path / "bank"


@pytest.mark.parametrize(
    "command",
    [
        ["pytest", "-q", "-p", "no:cacheprovider"],
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy", "--strict", "src", "tests"],
        ["interlock", "config", "check"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_it_is_right_as_it_is_written(folder: Path, command: Sequence[str]) -> None:
    urls = {"DATABASE_URL": "postgresql+asyncpg://a@b/c", "REDIS_URL": "redis://cache"}
    done = subprocess.run(  # noqa: S603 our own commands
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, **urls, "MYPYPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [UVICORN, [*UVICORN, "--workers", "2"], GUNICORN],
    ids=["uvicorn", "uvicorn-workers", "gunicorn"],
)
def test_a_server_that_is_stopped_under_load_loses_no_acknowledged_command(
    folder: Path, command: Sequence[str]
) -> None:
    port = free_port()
    with served(folder, at(port, command), port) as server:
        assert call(port, "PUT", ANNA, {"owner": "anna"})[0] == 201
        clients = Depositors(port, 6)
        assert clients.are_busy.wait(60)
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) in (0, -signal.SIGTERM)
        clients.join()
    assert set(clients.others) <= {503}

    with served(folder, at(port, command), port):
        before = balance(port)
        assert len(clients.acknowledged) <= before <= len(clients.begun)
        for key in clients.acknowledged[-6:]:  # sent again, they change nothing
            assert call(port, "POST", f"{ANNA}/deposits", {"amount": 1}, key)[0] == 200
        assert balance(port) == before


def test_a_changed_file_is_served_after_a_reload(folder: Path) -> None:
    port = free_port()
    with served(folder, at(port, [*UVICORN, "--reload", "--reload-dir", "src"]), port):
        assert call(port, "PUT", ANNA, {"owner": "anna"})[0] == 201
        main = folder / "src" / "bank_accounts" / "main.py"
        main.write_text(main.read_text().replace("there is no account", "nobody has account"))
        nobody = ANNA.replace("1", "9")
        while "nobody has" not in str(answer(port, nobody)):
            pass
        assert balance(port) == 0


def answer(port: int, path: str) -> dict[str, Any]:  # Any: JSON values
    try:
        return call(port, "GET", path)[1]
    except OSError:  # while it restarts
        return {}


def balance(port: int) -> int:
    found = call(port, "GET", f"{ANNA}?at_least=1")[1]["balance"]
    assert isinstance(found, int)
    return found


def test_with_the_profile_of_production_it_is_on_postgresql_and_redis(folder: Path) -> None:
    port, redis = free_port(), Redis()
    with own_database() as url:
        settings = {"INTERLOCK_PROFILE": "prod", "DATABASE_URL": url, "REDIS_URL": redis.url}
        try:
            make_tables(folder, settings)
            with served(folder, at(port, UVICORN), port, settings):
                assert call(port, "PUT", ANNA, {"owner": "anna"})[0] == 201
                assert call(port, "POST", f"{ANNA}/deposits", {"amount": 7})[0] == 200
            with served(folder, at(port, UVICORN), port, settings):
                assert balance(port) == 7
        finally:
            redis.end()
    assert not list(folder.glob("*.db")), "nothing of it is in SQLite"


@contextmanager
def own_database() -> Iterator[str]:
    """The URL of a database for one test."""
    needed("postgresql")
    server, name = url_of("postgresql").rpartition("/")[0], f"t_{uuid4().hex}"
    execute(f"{server}/test", f"CREATE DATABASE {name}")
    try:
        yield f"{server}/{name}"
    finally:
        execute(f"{server}/test", f"DROP DATABASE {name} WITH (FORCE)")


def make_tables(folder: Path, settings: Mapping[str, str]) -> None:
    """Run what the command prints that the service's README names."""
    done = subprocess.run(
        [sys.executable, "-m", "interlock", "sql", "ddl"],
        cwd=folder,
        env={**os.environ, **settings, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=True,
    )
    execute(settings["DATABASE_URL"], done.stdout)


def execute(url: str, statements: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    asyncio.run(execute())
