"""A backend whose server is spoken to through a proxy of ours, and the server's bad days."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from interlock.backends import BackendUnavailableError
from interlock_conformance.checks import CannotTell, CheckFailed, expect
from interlock_conformance.proxy import Proxy
from interlock_conformance.waiting import is_hasty

T = TypeVar("T")

_TURNS = 10

TIMEOUT_SECONDS = 1.0
"""The time limit of calls that get no answer, for backends that take one."""

AMPLE_SECONDS = 10.0
"""The time limit of all other calls: what is late because this machine is busy is no outage."""

GRACE_SECONDS = 6.0
"""How much later than its time limit a call may end: this machine may be busy."""

HELD_SECONDS = 4.0
"""For how long a reply is held back from a backend that waits for nothing else meanwhile."""

PATIENCE_SECONDS = 10.0
"""How long a backend may take to find its server again."""

_HASTY_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Server:
    """The one server of a backend's options. `option` is the one that names it."""

    option: str
    host: str
    port: int | None
    text: str

    def through(self, port: int) -> Mapping[str, object]:
        """The option with 127.0.0.1 and this port in the place of the server's."""
        if self.option == "host":
            return {"host": "127.0.0.1", "port": port}
        if self.option == "servers":
            return {"servers": [f"127.0.0.1:{port}"]}
        parts = urlsplit(self.text)
        account, at, _ = parts.netloc.rpartition("@")
        return {self.option: parts._replace(netloc=f"{account}{at}127.0.0.1:{port}").geturl()}


def server_of(options: Mapping[str, object]) -> Server | None:
    """The server that options name, if it is one and is spoken to by TCP.

    It stands in `servers`, in `url`, in `host` and `port`, or in any other option that is a URL;
    one with a port comes first, since a `url` may name a bucket.
    """
    servers, host, port = (options.get(name) for name in ("servers", "host", "port"))
    if isinstance(servers, list | tuple):
        return _server("servers", f"//{servers[0]}" if len(servers) == 1 else "")
    if isinstance(host, str) and isinstance(port, int):
        return Server("host", host, port, host)
    by_option = sorted(options, key=lambda name: name != "url")
    named = [_server(option, _text(options[option])) for option in by_option]
    found = [server for server in named if server is not None]
    return next((server for server in found if server.port is not None), next(iter(found), None))


def _server(option: str, url: str) -> Server | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # several servers, for one
        return None
    return None if host is None else Server(option, host, port, url)


def _text(value: object) -> str:
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value)


@dataclass(frozen=True, slots=True)
class Network:
    """A proxy before the server, and the options with which a backend goes through it."""

    proxy: Proxy
    options: Mapping[str, object]


def network_to(server: Server | None) -> Network:
    """Raises `CannotTell` where there is no server to stand before."""
    if server is None or server.port is None:
        raise CannotTell(
            "the server's address isn't known: write one host and its port into `url` or "
            "`servers`, in the options, as a default of their model, or as the default of a "
            "parameter of `backend`"
        )
    proxy = Proxy(server.host, server.port)
    return Network(proxy, server.through(proxy.port))


async def expect_passage(net: Network, call: Awaitable[object]) -> None:
    """Raise `CannotTell` if the call goes past the proxy."""
    before = net.proxy.requests
    await call
    if net.proxy.requests == before:
        raise CannotTell(
            "calls don't go where `url` or `servers` says, but where the server there sends them: "
            "name all the servers, then what needs a proxy isn't asked"
        )


async def outcome(store: Any, call: Awaitable[T]) -> T | Exception:  # Any: it has a `timeout`
    """The call's result or error, bounded as the core bounds it.

    `CheckFailed` if it ends much later than that.
    """
    loop = asyncio.get_running_loop()
    seconds = None if store.timeout is None else store.timeout.total_seconds()
    began, limit = loop.time(), asyncio.timeout(seconds)
    result: T | Exception
    try:
        async with limit:
            result = await call
    except Exception as error:  # noqa: BLE001 it is what is asked about
        result = error
        if limit.expired():
            result = BackendUnavailableError(f"no answer within {seconds} s")
    took = loop.time() - began
    if took > (TIMEOUT_SECONDS if seconds is None else seconds) + GRACE_SECONDS:
        bound = "`timeout` says how long" if seconds is None else f"it ends after {seconds:g} s"
        raise CheckFailed(
            f"a call that gets no answer is given up: {bound}", f"it took {took:.1f} s"
        )
    return result


def patience() -> float:
    """The seconds that what has to happen may take: less of a backend that is broken on purpose."""
    return _HASTY_SECONDS if is_hasty() else PATIENCE_SECONDS


async def answered(store: Any, call: Callable[[], Awaitable[T]], what: str) -> T:  # Any: as above
    """The call's result once the server is well; a backend may need some calls to notice."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience()
    while isinstance(result := await outcome(store, call()), BackendUnavailableError):
        if loop.time() > deadline:
            raise CheckFailed(f"{what}, as soon as the server is well again", told_outcome(result))
        await asyncio.sleep(0.01)
    if isinstance(result, Exception):
        raise CheckFailed(what, told_outcome(result)) from result
    return result


def told_outcome(result: object) -> str:
    """A short description of a call's outcome, for messages."""
    if isinstance(result, Exception):
        return f"{type(result).__name__}: {result}"
    return f"the answer {result!r}" if result is not None else "it returned None"


async def expect_turns(net: Network, call: Awaitable[object]) -> None:
    """Expect that the loop turns while the call's reply is held back."""
    net.proxy.hold_reply(seconds=HELD_SECONDS)
    calling, turns = asyncio.ensure_future(call), 0
    while not calling.done() and turns < _TURNS:
        turns += net.proxy.is_holding
        await asyncio.sleep(0.001)  # the proxy has a thread, which needs its turn as well
    net.proxy.release()
    await calling
    expect(
        turns == _TURNS,
        "the loop turns while the reply is held back",
        f"it turned {turns} times",
    )


async def made_beside(
    net: Network, slow: "asyncio.Future[Any]", call: Awaitable[T]
) -> tuple[T, bool]:  # Any: whatever that call gives
    """The result of a call beside one whose reply is held back, and whether it waited for that.

    It doesn't if it is answered meanwhile. Where both share a connection the held reply keeps the
    other from passing, so there it counts that the question was asked.
    """
    second = asyncio.ensure_future(call)
    asked = net.proxy.until(lambda: net.proxy.overtaking > 0 or not net.proxy.is_holding)
    asking = asyncio.ensure_future(asked)
    await asyncio.wait([second, asking], return_when=asyncio.FIRST_COMPLETED)
    is_beside = (second.done() or net.proxy.overtaking > 0) and not slow.done()
    net.proxy.release()
    await asyncio.wait([second, slow, asking])
    return second.result(), is_beside
