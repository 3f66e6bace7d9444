"""Processes that append to the same aggregates in one SQLite file."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from bank_process import ACCOUNTS, Account, application

_COMMANDS = 150


def test_every_accepted_command_is_in_the_stream_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bank.db'}"
    asyncio.run(_create(url))
    script = Path(__file__).with_name("bank_process.py")
    processes = [
        subprocess.Popen(  # noqa: S603 our own script
            [sys.executable, str(script), url, str(_COMMANDS), str(seed)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    results = [json.loads(output) for output in outputs]
    accepted = Counter(command for result in results for command in result["accepted"])
    assert set(accepted.values()) == {1}
    assert sum(result["conflicts"] for result in results) > 0, "the processes never met"
    stored = asyncio.run(_stored_commands(url))
    assert stored == accepted


async def _create(url: str) -> None:
    async with application(url):
        pass


async def _stored_commands(url: str) -> Counter[str]:
    commands: Counter[str] = Counter()
    async with application(url) as app:
        for account_id in ACCOUNTS:
            versions = []
            async for recorded in app.events(Account, account_id):
                versions.append(recorded.version)
                commands[recorded.metadata["command_id"]] += 1
            assert versions == list(range(1, len(versions) + 1))
            account = await app.load(Account, account_id)
            assert account.version == len(versions)
            assert account.balance >= 0
    return commands


