"""Processes that work until they are told to end, or are killed."""

import asyncio
import logging
import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID

import pytest

from chaos_log import CallLog
from chaos_site import ACCOUNT, FRESHNESS, Client, Site
from history import End
from interlock._app.builder import utc_now
from interlock.errors import BackendUnavailableError

FORKS = multiprocessing.get_context("forkserver")
PATIENCE = 60.0  # seconds
LONGER_THAN_A_CALL = 3.0
"""Seconds that a process or server is stopped: calls of stores time out after two at most."""
_FEW = 20_000  # bytes of logs
_PAUSE = 0.02  # seconds, after what failed
_STEPS = (0.0, 0.0, 90.0, -90.0, 7200.0, -7200.0)  # seconds


def serve_forks() -> None:
    """Start the server whose forks are our processes, all imported; at most once."""
    FORKS.set_forkserver_preload(["__main__", "warm"])
    with pytest.MonkeyPatch.context() as patch:
        # It is told where this process looks for modules, and ignores it when it preloads.
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()


class Clock:
    """A clock that is stepped."""

    def __init__(self, chooser: random.Random) -> None:
        self._chooser = chooser
        self._is_off = timedelta()

    def now(self) -> datetime:
        """Tell the time."""
        return utc_now() + self._is_off

    def step(self) -> None:
        """Set it on, or back, or right."""
        self._is_off = timedelta(seconds=self._chooser.choice(_STEPS))


def stop_file(site: Site) -> Path:
    """The file that tells clients to end."""
    return site.folder / "stop"


def work(site: Site, number: int, ids: Sequence[UUID]) -> None:
    """Dispatch and load until the stop file is there."""
    logging.disable()
    chooser = random.Random(number)  # noqa: S311 no secret
    clock = Clock(chooser)
    log = CallLog(site.folder / f"{number}.log", number)
    asyncio.run(_work(Client(site.application(clock.now), log), site, chooser, clock, ids))


async def _work(
    client: Client, site: Site, chooser: random.Random, clock: Clock, ids: Sequence[UUID]
) -> None:
    await _started(client, site)
    while not stop_file(site).exists():
        if await _something(client, chooser, chooser.choice(ids)) is not End.ACKNOWLEDGED:
            await asyncio.sleep(_PAUSE)
        if chooser.random() < 0.02:
            clock.step()
    await client.application.close()


async def _started(client: Client, site: Site) -> None:
    """Start as soon as the database answers."""
    while not stop_file(site).exists():
        try:
            await client.application.start()
        except BackendUnavailableError:
            await asyncio.sleep(_PAUSE)
        else:
            return


async def _something(client: Client, chooser: random.Random, aggregate_id: UUID) -> End:
    choice = chooser.random()
    if choice < 0.5:
        amounts = chooser.choices((5, 7, 11, -3), k=chooser.choice((1, 1, 2)))
        return await client.move(aggregate_id, *amounts)
    if choice < 0.6:
        return await client.move(aggregate_id)
    if choice < 0.97:
        return await client.load(aggregate_id, chooser.choice(FRESHNESS))

    async def maintain() -> None:
        application = client.application
        if choice < 0.98:
            await application.prune(ACCOUNT)
        elif choice < 0.99:
            await application.rebuild_snapshots(ACCOUNT, [aggregate_id], every=5)
        else:
            await application.forget(ACCOUNT, aggregate_id)

    return await client.log.call(aggregate_id, maintain, sees=False)


class Clients:
    """The processes that work on a site; one that is killed gets a successor."""

    def __init__(self, site: Site, ids: Sequence[UUID], count: int) -> None:
        self._site = site
        self._ids = ids
        self._started = 0
        self._processes = [self._next() for _ in range(count)]

    async def kill(self, chooser: random.Random) -> None:
        """End one at once, and start another."""
        index = chooser.randrange(len(self._processes))
        self._processes[index].kill()
        await asyncio.to_thread(self._processes[index].join)
        self._processes[index] = self._next()

    async def pause(self, chooser: random.Random) -> None:
        """Stop one, for longer than a call may take, and wake it."""
        process = chooser.choice(self._processes)
        assert process.pid is not None, "it was started"
        os.kill(process.pid, signal.SIGSTOP)
        await asyncio.sleep(LONGER_THAN_A_CALL)
        os.kill(process.pid, signal.SIGCONT)

    async def progress(self) -> None:
        """Wait until a few calls more have ended."""
        before = self._logged()
        async with asyncio.timeout(PATIENCE):
            while self._logged() < before + _FEW:  # noqa: ASYNC110 nothing tells of it
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Let all end in their own time. Raises `AssertionError` if one fails."""
        stop_file(self._site).touch()
        for process in self._processes:
            await asyncio.to_thread(process.join, PATIENCE)
        assert [process.exitcode for process in self._processes] == [0] * len(self._processes)

    def _logged(self) -> int:
        return sum(path.stat().st_size for path in self._site.folder.glob("*.log"))

    def _next(self) -> BaseProcess:
        self._started += 1
        process = FORKS.Process(target=work, args=(self._site, self._started, self._ids))
        process.start()
        return process
