"""Processes that share accounts; what each was told is held against the streams."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hot_caches import table
from interlock.application.aggregates import FastForward, Replay
from sql_rig import Place
from teller import Account, Deposited, Told, Withdrawn, account_ids, application

_PATIENCE = 600.0  # seconds


@dataclass(frozen=True)
class State:
    """What plain replay gives for one version of an account."""

    balance: int
    is_closed: bool


@dataclass(frozen=True)
class Tellers:
    """Processes at the accounts of one configuration; with a folder, its hand-written cache."""

    config: Path
    accounts: int
    folder: Path | None = None

    @property
    def _more(self) -> list[str]:
        return [] if self.folder is None else [str(self.folder)]

    async def work(self, processes: int, commands: int) -> list[Told]:
        """Let each handle its commands; what each tells."""
        script = Path(__file__).with_name("teller.py")
        words = [str(script), str(self.config), str(commands), str(self.accounts), str(processes)]
        started = await asyncio.create_subprocess_exec(
            sys.executable, *words, *self._more, stdout=PIPE, start_new_session=True
        )
        try:
            async with asyncio.timeout(_PATIENCE):
                output, _ = await started.communicate()
        finally:
            if started.returncode is None:
                os.killpg(started.pid, signal.SIGKILL)  # with those that it forked
                await started.wait()
        assert started.returncode == 0
        results: list[Told] = json.loads(output)
        return results

    async def check(self, results: Sequence[Told]) -> Counter[str]:
        """Assert that every outcome is that of plain replay; what the tellers counted.

        No wrong refusal, no lost update, no overdraft, no command twice, and each state that was
        seen is one that the stream had.
        """
        streams, commands = await self._stored()
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
        return sum((Counter(each["counts"] | each["counters"]) for each in results), Counter())

    async def create(self) -> None:
        """Make the tables."""
        async with application(str(self.config), *self._more).build():
            pass

    async def _stored(self) -> tuple[dict[str, list[State]], Counter[str]]:
        """The states that each stream had, by version, and how many events each command has."""
        streams: dict[str, list[State]] = {}
        commands: Counter[str] = Counter()
        async with application(str(self.config), *self._more).build() as app:
            for account_id in account_ids(self.accounts):
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


def configuration(events: Mapping[str, str], snapshots: Mapping[str, str], cache: str) -> str:
    """The TOML of a bank: the options of both SQL backends, and the tables of the cache `hot`."""
    return f"""
schema = 1

[event_store]
backend = "sqlalchemy-events"
create_schema = true
{_options(events)}

[snapshot_backends.main]
backend = "sqlalchemy-snapshots"
create_schema = true
{_options(snapshots)}

[aggregates.Account]
snapshot_strategy = {{ use = "after-n", n = 20 }}
snapshot_backend = "main"
cache_strategy = "always"
cache_backend = "hot"

{cache}
"""


def bank_on(place: Place, folder: Path, *, url: str | None = None) -> Path:
    """The TOML file of a bank whose events and snapshots are in the place."""
    events, snapshots = (
        {"url": url or place.url, "table": place.table(name)}
        for name in ("interlock_events", "interlock_snapshots")
    )
    config = folder / "interlock.toml"
    config.write_text(configuration(events, snapshots, table("hot", backend="memory-cache")))
    return config


def _options(options: Mapping[str, str]) -> str:
    return "\n".join(f"{name} = {json.dumps(value)}" for name, value in options.items())


def _after(state: State, event: object) -> State:
    match event:
        case Deposited():
            return State(state.balance + event.amount, state.is_closed)
        case Withdrawn():
            return State(state.balance - event.amount, state.is_closed)
    return State(state.balance, is_closed=True)
