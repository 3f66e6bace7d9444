"""Loads of the same thing at the same time share one."""

import asyncio
import copy
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from interlock._engine.load_context import LoadedState, LoadRequest, LoadTrace

Read = Callable[[LoadTrace], Coroutine[None, None, LoadedState]]


class Flight:
    """One load that several callers may wait for."""

    __slots__ = ("task", "trace", "waiters")

    def __init__(self, trace: LoadTrace) -> None:
        self.trace = trace
        self.waiters = 0
        self.task: asyncio.Task[LoadedState]


class Flights:
    """The loads under way of one registered aggregate."""

    def __init__(self) -> None:
        self._flights: dict[UUID, dict[LoadRequest, Flight]] = {}
        self._under_way: set[asyncio.Future[Any]] = set()  # of any result

    async def share(
        self,
        aggregate_id: UUID,
        request: LoadRequest,
        read: Read,
        trace: LoadTrace,
        *,
        joins_running: bool,
    ) -> tuple[LoadedState, Flight]:
        """The result of a flight of the same id and request: one that is joined, or a new one.

        A flight that reads the stream already is joined only with `joins_running`. A new one starts
        a loop turn later, with this trace, so that callers of the same turn join. Cancelling a
        waiter cancels nobody else.
        """
        flights = self._flights.setdefault(aggregate_id, {})
        flight = flights.get(request)
        if flight is None or (flight.trace.is_reading_stream and not joins_running):
            flight = flights[request] = Flight(trace)
            flight.task = asyncio.create_task(self._fly(aggregate_id, request, flight, read))
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
    def unshared(self) -> Iterator[None]:
        """Within the block runs a load that nobody can join; `drain` waits for it."""
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
        request: LoadRequest,
        flight: Flight,
        read: Read,
    ) -> LoadedState:
        try:
            return await read(flight.trace)
        finally:
            flights = self._flights.get(aggregate_id)
            if flights is not None and flights.get(request) is flight:
                del flights[request]
                if not flights:
                    del self._flights[aggregate_id]

    def _landed(self, task: asyncio.Task[LoadedState]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # every waiter may have been cancelled: then nobody else asks for it


def _own(error: Exception) -> Exception:
    try:
        return copy.copy(error)
    except Exception:  # noqa: BLE001 an exception that can't be copied is shared
        return error
