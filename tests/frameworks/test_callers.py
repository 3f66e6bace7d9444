"""What the pages show for a Celery task, a notebook and cron does what they say."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from interlock.cli.new_app import write_service
from pages import ROOT, Block, blocks

EXAMPLE = ROOT / "docs/examples/django_bank"
ANNA = "00000000-0000-0000-0000-000000000001"
_PATIENCE = 60  # seconds

# Folders in the place of a broker, which nobody has to run.
_ON_FOLDERS = """
from tasks import deposit, queue

queue.conf.update(
    broker_url="filesystem://",
    broker_transport_options={
        "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "queue/control"
    },
    result_backend="file://results",
)
"""
_CLIENT = f"""
from on_folders import deposit

sent = [deposit.delay("{ANNA}", 1) for _ in range(20)]
assert sorted(each.get(timeout={_PATIENCE}) for each in sent) == [*range(1, 21)]
"""
_DEPOSITS = f"""
import asyncio
from uuid import UUID

from bank_accounts.accounts import Account, Deposit, OpenAccount
from bank_accounts.main import make_application

async def main():
    async with make_application() as app:
        anna = UUID("{ANNA}")
        await app.dispatch(OpenAccount(aggregate_id=anna, owner="anna"))
        for _ in range(8):
            await app.dispatch(Deposit(aggregate_id=anna, amount=1))
            await app.rebuild_snapshots(Account, [anna])

asyncio.run(main())
"""


def run(folder: Path, code: str, **settings: str) -> str:
    """What the code prints, run by an interpreter of its own in the folder."""
    done = subprocess.run(  # noqa: S603 our own code
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * _PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def block_of(page: str, title: str) -> Block:
    (found,) = [each for each in blocks(ROOT / "docs/how-to" / page) if each.title == title]
    return found


def test_tasks_of_several_worker_processes_are_right(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    shutil.copytree(EXAMPLE, folder)
    for name in ("queue", "queue/control", "results"):
        (folder / name).mkdir()
    (folder / "on_folders.py").write_text(_ON_FOLDERS)
    command = ["celery", "--app", "on_folders:queue", "worker", "--concurrency", "2"]
    worker = subprocess.Popen(  # noqa: S603 our own command
        [sys.executable, "-m", *command], cwd=folder, start_new_session=True
    )
    try:
        run(folder, _CLIENT)
        worker.terminate()
        assert worker.wait(_PATIENCE) == 0
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(_PATIENCE)


def test_a_notebook_awaits_the_application(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    shutil.copytree(EXAMPLE, folder)
    cells = [
        nbformat.v4.new_code_cell(block_of("call-without-async.md", title).text)
        for title in ("the first cell", "another cell", "the last cell")
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(
        notebook,
        timeout=_PATIENCE,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    (shown,) = notebook.cells[1].outputs
    assert shown["data"]["text/plain"] == "7"


@pytest.mark.parametrize("script", ["nightly.py", "nightly_sync.py"])
def test_a_script_for_cron_removes_snapshots(tmp_path: Path, script: str) -> None:
    folder = tmp_path / "bank"
    write_service("bank-accounts", folder)
    settings = folder / "interlock.toml"
    few = settings.read_text()
    store = 'backend = "sqlalchemy-snapshots"\n'
    settings.write_text(few.replace(store, f"{store}keep = 5\n"))
    run(folder, _DEPOSITS, PYTHONPATH="src")
    assert snapshots(folder) == 5

    settings.write_text(few)  # one is the default
    code = block_of("serve-over-http.md", script).text
    assert run(folder, code, PYTHONPATH="src") == "4 snapshots removed\n"
    assert snapshots(folder) == 1


def snapshots(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "bank-accounts.db")) as database:
        found: int = database.execute("select count(*) from interlock_snapshots").fetchone()[0]
        return found
