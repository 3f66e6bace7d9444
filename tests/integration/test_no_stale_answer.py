"""Processes on hot accounts, with cache entries made stale, evicted and flushed all the time.

Whatever the cache: no wrong refusal, no lost update, no overdraft, and each state that was seen is
one that the stream had.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hot_caches import BY_NAME, hot_cache, table
from interlock.application.aggregates import FastForward, Replay
from teller import ACCOUNTS, Account, Deposited, Withdrawn, application

PROCESSES = 4
COMMANDS = int(os.environ.get("INTERLOCK_COMMANDS", "1000"))  # of each process


@dataclass(frozen=True)
class State:
    """What plain replay gives for one version of an account."""

    balance: int
    is_closed: bool


@pytest.fixture(params=["hand-written", *BY_NAME])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The cache's tables in the TOML, and more arguments for the tellers."""
    if request.param == "hand-written":
        folder = tmp_path / "cache"
        folder.mkdir()
        yield table("hot", backend="null-cache"), [str(folder)]
        return
    with hot_cache(request.param, tmp_path) as tables:
        yield tables, []


def test_every_outcome_is_that_of_plain_replay(
    cache: tuple[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables, arguments = cache
    config = tmp_path / "interlock.toml"
    config.write_text(_configuration(tmp_path / "bank.db", tables))
    results = _run(config, arguments)
    streams, commands = asyncio.run(_stored(str(config), *arguments))

    accepted = Counter(command for result in results for command in result["accepted"])
    assert accepted == commands
    assert set(commands.values()) == {1}
    assert all(state.balance >= 0 for states in streams.values() for state in states)
    for result in results:
        for account_id, reason, amount, version, head in result["refused"]:
            state = streams[account_id][version]
            assert version >= head, f"{account_id}: decided on {version}, the head was {head}"
            assert state.is_closed if reason == "closed" else state.balance < amount
        for account_id, version, balance, is_closed in result["seen"]:
            assert streams[account_id][version] == State(balance, is_closed)
    counts = sum((Counter(result["counts"] | result["counters"]) for result in results), Counter())
    with capsys.disabled():
        sys.stdout.write(f"\n{dict(counts)}\n")
    assert counts["append.conflict"] > 0, "the processes never met"
    assert counts["stale hits"] >= PROCESSES * COMMANDS // 400


def _configuration(database: Path, tables: str) -> str:
    return f"""
schema = 1

[event_store]
backend = "sqlalchemy-events"
url = "sqlite:///{database}"
create_schema = true
synchronous = "NORMAL"

[snapshot_backends.main]
backend = "sqlalchemy-snapshots"
url = "sqlite:///{database}"
create_schema = true
synchronous = "NORMAL"

[aggregates.Account]
snapshot_strategy = {{ use = "after-n", n = 20 }}
snapshot_backend = "main"
cache_strategy = "always"
cache_backend = "hot"

{tables}
"""


def _run(config: Path, arguments: list[str]) -> list[dict[str, Any]]:
    script = Path(__file__).with_name("teller.py")
    asyncio.run(_create(str(config)))
    processes = [
        subprocess.Popen(  # noqa: S603 our own script
            [sys.executable, str(script), str(config), str(COMMANDS), str(seed), *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(PROCESSES)
    ]
    outputs = [process.communicate(timeout=600)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES
    return [json.loads(output) for output in outputs]


async def _create(config: str) -> None:
    async with application(config).build():
        pass


async def _stored(
    config: str, folder: str | None = None
) -> tuple[dict[str, list[State]], Counter[str]]:
    """The states that each stream had, by version, and how many events each command has."""
    streams: dict[str, list[State]] = {}
    commands: Counter[str] = Counter()
    async with application(config, folder).build() as app:
        for account_id in ACCOUNTS:
            states = streams[str(account_id)] = [State(0, is_closed=False)]
            async for recorded in app.events(Account, account_id):
                assert recorded.version == len(states)
                commands[recorded.metadata["command_id"]] += 1
                states.append(_after(states[-1], recorded.event))
            for freshness in (FastForward(), Replay()):
                account = await app.load(Account, account_id, freshness=freshness)
                assert account.version == len(states) - 1
                assert State(account.balance, account.is_closed) == states[-1]
    return streams, commands


def _after(state: State, event: object) -> State:
    match event:
        case Deposited():
            return State(state.balance + event.amount, state.is_closed)
        case Withdrawn():
            return State(state.balance - event.amount, state.is_closed)
    return State(state.balance, is_closed=True)
