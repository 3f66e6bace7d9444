"""Processes that end, or stop for a while, at every point at which they talk to a backend."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID, uuid4

import pytest

import memcached_rig
import operations
import redis_rig
from chaos_log import CallLog
from chaos_site import ACCOUNT, Client, Site
from clients import FORKS, PATIENCE
from history import End
from interlock.application import Application
from interlock.application.aggregates import NeverSnapshot
from sql_rig import Place, dropped, made

_DATABASES = ("sqlite", "postgresql", "mariadb")
_ON_DATABASES = ("append and put", "prune", "forget", "rebuild", "create")
_ON_CACHES = ("append and put", "forget")
_TIMEOUT = "30s"  # longer than anything takes: what is slow isn't what fails here
_LONGER_THAN_A_MOVE = 0.3  # seconds


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
    site = replace(site, timeout=_TIMEOUT)
    tried = partial(_Try, site, operation, then)
    if operation == "create":
        await _at_each_point(_once_made, tried)
    else:
        # All snapshots that processes find are made by hand, so that their points are the same.
        other = replace(site, keep=100, snapshots=NeverSnapshot()).application()
        async with other:
            await other.forget(ACCOUNT, uuid4())  # a script that Redis is sent but once
            await _at_each_point(partial(_once_raced, other), tried)


async def _at_each_point(
    once: Callable[["_Try"], Awaitable[Sequence[str]]], tried: Callable[[str | None], "_Try"]
) -> None:
    """Let one process after the other do it, and end each at another point."""
    whole = tried(None)
    points = await once(whole)
    assert points, "the process never talks to the backend"
    for point in points:
        print(f"{whole.operation}: {whole.then.name} {point}")  # noqa: T201 for `pytest -rP`
        assert point in await once(tried(point)), f"never reached: {point}"


@dataclass(frozen=True)
class _Try:
    """An operation of a process that ends or stops at a point; None: it comes to its end."""

    where: Site
    operation: str
    then: signal.Signals
    point: str | None
    aggregate_id: UUID = field(default_factory=uuid4)

    @cached_property
    def site(self) -> Site:
        """The site with a folder of its own."""
        folder = self.where.folder / self.aggregate_id.hex
        folder.mkdir()
        return replace(self.where, folder=folder)

    def client(self, application: Application) -> Client:
        """Somebody else than the process."""
        return Client(application, CallLog(self.site.folder / "own.log", 0))

    @asynccontextmanager
    async def process(self, site: Site) -> AsyncIterator[None]:
        """The process is at the point, and ends thereafter; or it has ended."""
        doing = operations.Doing(
            self.operation, 1, self.aggregate_id, self._noted, self.point, self.then
        )
        process = FORKS.Process(target=operations.run, args=(site, doing))
        process.start()
        if self.point is None:
            await _ended(process, self)
        else:
            await _until_hit(process, self.then)
        yield
        await _ended(process, self)

    def reached(self) -> list[str]:
        """The points at which the process was."""
        return self._noted.read_text().splitlines()

    @property
    def _noted(self) -> Path:
        return self.site.folder / "points"


async def _once_made(trying: _Try) -> list[str]:
    """The points of a process that makes the tables; after it they are of use to others."""
    site = trying.site
    if site.url.startswith("sqlite"):
        site = replace(site, url=f"sqlite:///{site.folder / 'test.db'}")
    else:
        site = replace(site, suffix=f"_{trying.aggregate_id.hex[:8]}")
    async with trying.process(site):
        pass
    client = trying.client(site.application())
    async with client.application:
        assert await client.move(trying.aggregate_id, 5) is End.ACKNOWLEDGED
        await client.check(site, trying.aggregate_id)
    return trying.reached()


async def _once_raced(other: Application, trying: _Try) -> list[str]:
    """The points of a process, while somebody else appends before it ends and after."""
    aggregate_id, client = trying.aggregate_id, trying.client(other)
    assert await client.move(aggregate_id, 11, 5, 7) is End.ACKNOWLEDGED
    assert await other.rebuild_snapshots(ACCOUNT, [aggregate_id], every=1) == 3
    assert await client.move(aggregate_id, 11, 5) is End.ACKNOWLEDGED
    async with trying.process(trying.site):
        moving = asyncio.create_task(client.move(aggregate_id, 11))
        await asyncio.wait({moving}, timeout=_LONGER_THAN_A_MOVE)  # there may be a lock
    await moving
    assert await client.move(aggregate_id, 5) is End.ACKNOWLEDGED
    await client.check(trying.site, aggregate_id)
    await other.forget(ACCOUNT, aggregate_id, events=True)  # no try finds what another left
    return trying.reached()


async def _ended(process: BaseProcess, trying: _Try) -> None:
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, signal.SIGCONT)
    await asyncio.to_thread(process.join, PATIENCE)
    is_killed = trying.point is not None and trying.then is signal.SIGKILL
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
