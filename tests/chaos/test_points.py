"""Processes that end, or stop for a while, at every point at which they talk to a backend."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID, uuid4

import pytest

import memcached_rig
import operations
import redis_rig
from chaos_log import CallLog
from chaos_site import Client, Site
from clients import FORKS, PATIENCE
from history import End
from sql_rig import Place, dropped, made

_DATABASES = ("sqlite", "postgresql", "mariadb")
_ON_DATABASES = ("append and put", "prune", "forget", "rebuild", "create")
_ON_CACHES = ("append and put", "forget")


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


@pytest.fixture
def cached(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    if request.param == "redis":
        server = redis_rig.Server()
        yield Site(url, tmp_path, cache=("redis-cache", {"url": server.url}))
        server.end()
    else:
        memcached = memcached_rig.Server()
        yield Site(url, tmp_path, cache=("memcached-cache", {"servers": [memcached.name]}))
        memcached.kill()


@pytest.mark.parametrize("then", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
@pytest.mark.parametrize("operation", _ON_DATABASES)
@pytest.mark.parametrize("place", _DATABASES, indirect=True)
async def test_a_database_is_whole_wherever_a_process_ends_or_stops(
    place: Place, operation: str, then: signal.Signals, tmp_path: Path
) -> None:
    await _everywhere(Site(place.url, tmp_path, place.prefix), operation, then)


@pytest.mark.parametrize("then", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
@pytest.mark.parametrize("operation", _ON_CACHES)
@pytest.mark.parametrize("cached", ["redis", "memcached"], indirect=True)
async def test_a_cache_changes_no_answer_wherever_a_process_ends_or_stops(
    cached: Site, operation: str, then: signal.Signals
) -> None:
    await _everywhere(cached, operation, then)


async def _everywhere(site: Site, operation: str, then: signal.Signals) -> None:
    """Let one process after the other do it, and end each at another point."""
    async with AsyncExitStack() as stack:
        client = None
        if operation != "create":
            client = Client(site.application(), CallLog(site.folder / "own.log", 0))
            await stack.enter_async_context(client.application)
        names = await _once(_Try(site, operation, then, 0, None), client)
        assert names, "the process never talks to the backend"
        for at, name in enumerate(names):
            where = f"{operation}, {then.name} at point {at} of {len(names)}: {name}"
            print(where)  # noqa: T201 pytest shows them with -rP
            reached = await _once(_Try(site, operation, then, at + 1, at), client)
            assert len(reached) > at, f"never reached: {where}"


@dataclass(frozen=True)
class _Try:
    """An operation of a process that ends or stops at a point; None: it comes to its end."""

    site: Site
    operation: str
    then: signal.Signals
    number: int
    at: int | None


async def _once(trying: _Try, client: Client | None) -> list[str]:
    """The points that a process reached, after whose end everything was looked at."""
    site, at, then = trying.site, trying.at, trying.then
    aggregate_id, noted = uuid4(), site.folder / f"{trying.number}.points"
    if client is None:
        site = replace(site, suffix=f"_{trying.number}", timeout="10s")
    doing = operations.Doing(trying.operation, 1 + trying.number, aggregate_id, noted, at, then)
    process = FORKS.Process(target=operations.run, args=(site, doing))
    if client is not None:
        await _raced(client, process, trying, aggregate_id)
        await client.check(site, aggregate_id)
    else:
        await _hit(process, trying)
        await _ended(process, trying)
        client = Client(site.application(), CallLog(site.folder / f"{trying.number}.own.log", 0))
        async with client.application:
            assert await client.move(aggregate_id, 5) is End.ACKNOWLEDGED
            await client.check(site, aggregate_id)
    return noted.read_text().splitlines()


async def _raced(client: Client, process: BaseProcess, trying: _Try, aggregate_id: UUID) -> None:
    """Let the process do it, and somebody else append before it ends and after."""
    for amounts in ((11, 5), (7, 11, 5)):
        assert await client.move(aggregate_id, *amounts) is End.ACKNOWLEDGED
    await _hit(process, trying)
    await client.move(aggregate_id, 11)  # it may fail as long as the other holds a lock
    await _ended(process, trying)
    assert await client.move(aggregate_id, 5) is End.ACKNOWLEDGED


async def _hit(process: BaseProcess, trying: _Try) -> None:
    process.start()
    if trying.at is not None:
        await _until_hit(process, trying.then)


async def _ended(process: BaseProcess, trying: _Try) -> None:
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, signal.SIGCONT)
    await asyncio.to_thread(process.join, PATIENCE)
    is_killed = trying.at is not None and trying.then is signal.SIGKILL
    assert process.exitcode == (-signal.SIGKILL if is_killed else 0)


async def _until_hit(process: BaseProcess, then: signal.Signals) -> None:
    async with asyncio.timeout(PATIENCE):
        is_stop = then is signal.SIGSTOP
        # Nothing tells of it: the process is the fork server's.
        while process.is_alive() and not (is_stop and _is_stopped(process)):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def _is_stopped(process: BaseProcess) -> bool:
    try:
        return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except FileNotFoundError:
        return False
