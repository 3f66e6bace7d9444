"""A backend with one connection for all calls: no pool, and nobody waits before he asks."""

import asyncio
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from interlock_conformance import CacheConformance
from interlock_conformance.gallery.line_server import LineServer
from interlock_conformance.gallery.over_network import Cache, Connection, _answer
from interlock_conformance.outcomes import Outcome, make_check
from interlock_conformance.selftest import all_checks


class OneConnection(Cache):
    """Answers come in the order of the questions, so each is for whoever has asked first."""

    async def open(self) -> None:
        await super().open()
        self.connection: Connection = self._client._idle.pop()
        self.waiting: deque[asyncio.Future[Any]] = deque()
        self.listening = asyncio.create_task(self.listen())
        self._client.ask = self.ask  # type: ignore[method-assign] # the one thing that differs

    async def close(self) -> None:
        self.listening.cancel()
        await asyncio.wait([self.listening])
        self.connection.abort()
        await super().close()

    async def listen(self) -> None:
        while True:
            line = await self.connection.told()
            self.waiting.popleft().set_result(line)

    async def ask(self, call: str, *args: object) -> Any:
        answer = asyncio.get_running_loop().create_future()
        self.waiting.append(answer)
        self.connection._writer.write(self._client.question(call, *args))
        return _answer(await asyncio.shield(answer))


@pytest.fixture
def server() -> Iterator[LineServer]:
    server = LineServer()
    yield server
    server.stop()


@pytest.mark.parametrize("has_turns", [False, True])
def test_calls_that_share_a_connection_hold_each_other_up_only_if_they_wait_to_ask(
    server: LineServer, *, has_turns: bool
) -> None:
    class InTurn(OneConnection):
        async def ask(self, call: str, *args: object) -> Any:
            async with vars(self).setdefault("turn", asyncio.Lock()):
                return await super().ask(call, *args)

    class Suite(CacheConformance):
        url = f"line://127.0.0.1:{server.port}"

        def backend(self, url: str | None = None) -> object:
            made = InTurn if has_turns else OneConnection
            return made(url or self.url, timedelta(seconds=1))

    suite: Any = Suite()  # Any: to mypy a method is no attribute, as the protocol has it
    result = make_check(all_checks()["CACHE-092"], suite)
    wanted = Outcome.FAILED if has_turns else Outcome.PASSED
    assert result.outcome is wanted, result.reason
