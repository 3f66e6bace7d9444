"""Clients on real servers, while processes, servers and networks fail: every rule holds."""

import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import make_url

import memcached_rig
import redis_rig
from chaos_log import CallLog
from chaos_site import Client, Site
from clients import LONGER_THAN_A_CALL, Clients
from history import End
from interlock_conformance.proxy import Proxy
from sql_servers import OwnMariaDB, OwnPostgreSQL, own_mariadb, own_postgresql

SECONDS = float(os.environ.get("INTERLOCK_CHAOS_SECONDS", "20"))
_IDS = [UUID(int=number) for number in range(1, 13)]
_CLIENTS = 3
_OWN = 0

_OWN_SERVERS: dict[str, Callable[[], AbstractContextManager[OwnPostgreSQL | OwnMariaDB]]] = {
    "postgresql": own_postgresql,
    "mariadb": own_mariadb,
}

Disturb = Callable[[], Awaitable[object] | None]


class Rig:
    """A site, and by name what can be done to it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.disturbances: dict[str, Disturb] = {}
        self._stack = stack
        self._folder = folder
        self._healers: list[Callable[[], object]] = []

    def site(self, kind: str, cache: str) -> tuple[Site, Site]:
        """The site as clients see it, and as it is looked at in the end: past the proxies."""
        url = f"sqlite:///{self._folder / 'test.db'}"
        own_url = url
        if kind != "sqlite":
            server = self._stack.enter_context(_OWN_SERVERS[kind]())
            own_url = server.url
            target = make_url(own_url)
            assert target.port is not None
            port = self._proxied("the database", target.port)
            url = target.set(port=port).render_as_string(hide_password=False)

            async def again(end: Callable[[], object]) -> None:
                await asyncio.to_thread(end)
                await asyncio.to_thread(server.start)

            self.disturbances["the database crashes"] = partial(again, server.crash)
            self.disturbances["the database is stopped"] = partial(again, server.stop)
        return (
            Site(url, self._folder, cache=self._cache(cache)),
            Site(own_url, self._folder, timeout="10s"),
        )

    def heal(self) -> None:
        """Let everything pass again."""
        for heal in self._healers:
            heal()

    def _cache(self, cache: str) -> tuple[str, dict[str, object]]:
        rig = redis_rig if cache == "redis" else memcached_rig
        server = rig.Server()
        self._stack.callback(server.end if cache == "redis" else server.kill)
        port = self._proxied("the cache", server.port)

        async def again() -> None:
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)

        async def hang() -> None:
            server.hang()
            await asyncio.sleep(LONGER_THAN_A_CALL)
            server.go_on()

        self.disturbances |= {"the cache is killed": again, "the cache hangs": hang}
        if cache == "redis":
            return "redis-cache", {"url": f"redis://127.0.0.1:{port}", "timeout": "500ms"}
        return "memcached-cache", {"servers": [f"127.0.0.1:{port}"], "timeout": "500ms"}

    def _proxied(self, what: str, port: int) -> int:
        proxy = Proxy("127.0.0.1", port)
        self._stack.callback(proxy.stop)
        self._healers.append(proxy.heal)

        async def refuse() -> None:
            proxy.refuse()
            await asyncio.sleep(0.5)
            proxy.heal()

        faults: dict[str, Disturb] = {
            "a request lost": proxy.lose_request,
            "half a request passed": proxy.cut_request,
            "a reply lost": proxy.lose_reply,
            "half a reply passed": partial(proxy.cut_reply, share=0.5),
            "a reply delayed": partial(proxy.hold_reply, seconds=0.3),
            "a reply held for too long": partial(proxy.hold_reply, share=0.5, seconds=3),
            "all connections reset": proxy.reset,
            "everything swallowed": partial(proxy.silence, seconds=3),
            "connections refused": refuse,
        }
        self.disturbances |= {f"{what}: {name}": fault for name, fault in faults.items()}
        return proxy.port


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield Rig(tmp_path, stack)


@pytest.mark.parametrize(
    ("kind", "cache"),
    [("sqlite", "redis"), ("postgresql", "redis"), ("mariadb", "memcached")],
)
async def test_every_rule_holds_whatever_fails(
    rig: Rig, kind: str, cache: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site, own = rig.site(kind, cache)
    looking = Client(own.application(), CallLog(site.folder / "own.log", _OWN))
    async with looking.application:
        assert await looking.move(_IDS[0], 5) is End.ACKNOWLEDGED
    clients = Clients(site, _IDS, _CLIENTS)
    await clients.progress()
    chooser = random.Random(7)  # noqa: S311 no secret
    rig.disturbances["a client is killed"] = partial(clients.kill, chooser)
    rig.disturbances["a client is stopped for a while"] = partial(clients.pause, chooser)
    done = await _disturbed(rig.disturbances, clients, chooser)
    rig.heal()
    await clients.end()
    async with looking.application:
        ends = await looking.check(own, *_IDS)
    assert done.keys() == rig.disturbances.keys(), "in so short a time not everything was done"
    assert ends[End.ACKNOWLEDGED] > max(500, ends.total() / 4)
    with capsys.disabled():
        sys.stdout.write(f"\n{dict(done)}\n{ {end.name: n for end, n in ends.items()} }\n")


async def _disturbed(
    disturbances: dict[str, Disturb], clients: Clients, chooser: random.Random
) -> dict[str, int]:
    """Do one after the other, in any order, each as often as the others; how often.

    In between, clients get something done.
    """
    loop = asyncio.get_running_loop()
    end, done = loop.time() + SECONDS, dict[str, int]()
    while loop.time() < end or len(done) < len(disturbances):
        fewest = min(done.get(name, 0) for name in disturbances)
        name = chooser.choice([n for n in disturbances if done.get(n, 0) == fewest])
        done[name] = done.get(name, 0) + 1
        doing = disturbances[name]()
        if doing is not None:
            await doing
        await clients.progress()
    return done
