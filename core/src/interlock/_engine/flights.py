"""Loads of the same thing at the same time share one."""

import asyncio
import copy
from collections.abc import Callable, Coroutine, Hashable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from interlock._engine.load_context import Loaded


class Flight:
    """One load under way. `has_begun` is set just before it reads the stream."""

    __slots__ = ("has_begun", "task", "waiters")

    def __init__(self) -> None:
        self.has_begun = False
        self.waiters = 0
        self.task: asyncio.Task[Loaded]


class Flights:
    """The loads under way of one registered aggregate."""

    def __init__(self) -> None:
        self._flights: dict[UUID, dict[Hashable, Flight]] = {}
        self._under_way: set[asyncio.Future[Any]] = set()  # of any result

    async def share(
        self,
        aggregate_id: UUID,
        what: Hashable,
        load: Callable[[Flight], Coroutine[None, None, Loaded]],
        *,
        joins_running: bool,
    ) -> tuple[Loaded, Flight]:
        """The result of a flight of the same id and `what`, joined or begun.

        A flight whose stream read has begun is only joined with `joins_running`. A new one begins a
        loop turn later, so that who comes in the same turn joins. Cancelling a waiter cancels
        nobody else.
        """
        flights = self._flights.setdefault(aggregate_id, {})
        flight = flights.get(what)
        if flight is None or (flight.has_begun and not joins_running):
            flight = flights[what] = Flight()
            flight.task = asyncio.create_task(self._fly(aggregate_id, what, flight, load))
            self._under_way.add(flight.task)
            flight.task.add_done_callback(self._landed)
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task), flight
        except Exception as error:
            if flight.waiters == 1:
                raise
            raise _own(error) from error.__cause__

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within the block a load that nobody can join is waited for by `drain`."""
        ended = asyncio.get_running_loop().create_future()
        self._under_way.add(ended)
        try:
            yield
        finally:
            self._under_way.discard(ended)
            ended.set_result(None)

    def detach(self, aggregate_id: UUID) -> None:
        """Let nobody join the flights of an id any more; they end for those who wait for them."""
        self._flights.pop(aggregate_id, None)

    async def drain(self) -> None:
        """Wait until no load is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _fly(
        self,
        aggregate_id: UUID,
        what: Hashable,
        flight: Flight,
        load: Callable[[Flight], Coroutine[None, None, Loaded]],
    ) -> Loaded:
        try:
            return await load(flight)
        finally:
            flights = self._flights.get(aggregate_id)
            if flights is not None and flights.get(what) is flight:
                del flights[what]
                if not flights:
                    del self._flights[aggregate_id]

    def _landed(self, task: asyncio.Task[Loaded]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # every waiter may have been cancelled: then nobody else asks for it


def _own(error: Exception) -> Exception:
    try:
        return copy.copy(error)
    except Exception:  # noqa: BLE001 an exception that can't be copied is shared
        return error
