"""The handling of commands for one aggregate type: load, handler, append, snapshot, put."""

import asyncio
import inspect
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from operator import itemgetter
from typing import Any
from uuid import UUID

from pydantic_core import from_json, to_json

from interlock._engine.cache import AggregateCache
from interlock._engine.command_queue import CommandQueue, begin_hold, end_hold
from interlock._engine.context import TypeContext
from interlock._engine.fold import fold_rows
from interlock._engine.guard import to_the_end
from interlock._engine.load_context import LoadedState, LoadRequest
from interlock._engine.loading import Loader
from interlock._engine.reading import StateReader
from interlock._engine.state_records import StateRecords
from interlock._engine.write_back import WriteBack
from interlock._model.aggregate import Aggregate, set_pending
from interlock._model.command import Command
from interlock._model.routes import Handler
from interlock._model.stamp import PendingEvent
from interlock._model.strategies import FastForward, Replay
from interlock._storage.records import Stamp, StoredEvent, new_tuple
from interlock.errors import ConcurrencyError

_row_fields = itemgetter(slice(2, None))
"""The fields of a `StoredEvent` behind its type and id, which are those of an `EventRow`."""
Metadata = Mapping[str, Any]  # Any: JSON values


Decision = tuple[LoadedState, Any, Exception | None, list[StoredEvent]]  # Any: whatever it returns
"""A handler's return value or exception on a loaded state, and the events to append."""


class CommandHandler:
    """Handles the commands of one registered aggregate."""

    def __init__(
        self,
        context: TypeContext,
        *,
        cache: AggregateCache,
        records: StateRecords,
        reader: StateReader,
        write_back: WriteBack,
        loader: Loader,
    ) -> None:
        self._context = context
        self._registration = context.registration
        self._cache = cache
        self._records = records
        self._reader = reader
        self._write_back = write_back
        self._loader = loader
        self._name = self._registration.name
        self._events = self._registration.routes.events
        self._fidelity = self._registration.mapper.fidelity
        freshness = self._registration.freshness
        self._request = LoadRequest(None, freshness, is_for_command=True)
        fresh = freshness if isinstance(freshness, Replay) else FastForward()
        self._once_request = LoadRequest(None, fresh, is_for_command=True)
        self.start()

    def start(self) -> None:
        """Forget the commands of an earlier life."""
        self._queue = CommandQueue(self._context.queue_size)
        self._is_local = self._context.is_local

    async def handle(self, command: Command[Any], handler: Handler, metadata: bytes) -> Any:
        """The handler's answer, once its events stand or it is proven on the stream's head."""
        context, aggregate_id, queue = self._context, command.aggregate_id, self._queue
        request = self._once_request if handler.is_once else self._request
        attempts = 1 if handler.is_once else context.max_attempts
        if not queue.take_at_once(aggregate_id):
            await queue.take(aggregate_id)
        try:
            for _ in range(attempts):
                decision = await self._decide(command, handler, metadata, request)
                loaded, value, error, events = decision
                if error is not None:
                    raise error
                if not events:
                    return value
                try:
                    if self._is_local:
                        await to_the_end(self._commit(loaded, events))
                    else:
                        await self._commit_in_task(loaded, events)
                except ConcurrencyError as lost:
                    conflict = lost
                    context.reporting.count("append.conflict")
                    entry = loaded.trace.cache_entry
                    if entry is not None:
                        await self._cache.drop(aggregate_id, entry.stamp)
                    request = request._replace(skips_cache=True)
                else:
                    return value
                finally:
                    self._write_back.start_behind()
            raise self._conflict(command, handler) from conflict
        finally:
            queue.leave(aggregate_id)

    async def _decide(
        self, command: Command[Any], handler: Handler, metadata: bytes, request: LoadRequest
    ) -> Decision:
        """The handler's decision on a state; without events that state is the stream's head."""
        while True:
            loaded = self._reader.hit(command.aggregate_id, request)
            if loaded is None:
                loaded = await self._reader.read(command.aggregate_id, request)
            scratch = self._scratch(loaded)
            pending: list[PendingEvent] = []
            set_pending(scratch, pending)
            hold = begin_hold(type(command), self._name, loaded.aggregate_id)
            value, failure = None, None
            try:
                value = handler.function(scratch, command)
                if value is not None and inspect.isawaitable(value):
                    value = await value
            except Exception as error:  # noqa: BLE001 it is the caller's, once it is proven
                failure = error
            finally:
                end_hold(hold)
            if pending and failure is None:
                return loaded, value, None, self._stored(loaded, pending, metadata)
            if await self._is_head(loaded):
                if not loaded.is_spent:
                    await self._loader.keep(loaded, request)
                return loaded, value, failure, []
            request = LoadRequest(None, FastForward(), is_for_command=True)

    def _conflict(self, command: Command[Any], handler: Handler) -> ConcurrencyError:
        name, times = self._registration.name, self._context.max_attempts
        advice = (
            "its handler is marked once=True and isn't run again"
            if handler.is_once
            else f"that {times} times in a row; dispatch it again, or raise max_attempts"
        )
        return ConcurrencyError(
            f"{type(command).__name__} on {name} {command.aggregate_id}: another event was "
            f"appended to what it was decided on; {advice}"
        )

    def turn(self, aggregate_id: UUID) -> AbstractAsyncContextManager[None]:
        """The id's turn among its commands. Raises `ConcurrencyError` if too many wait."""
        return self._queue.turn(aggregate_id)

    async def drain(self) -> None:
        """Wait until no command is handled or waits for its turn."""
        await self._queue.drain()

    def _scratch(self, loaded: LoadedState) -> Aggregate:
        """An object of its own for the handler; the state itself where nothing keeps it."""
        copy = None if self._write_back.is_idle else self._records.copy(loaded)
        loaded.is_spent = copy is None
        scratch = loaded.state if copy is None else copy
        if self._fidelity.cached:
            self._fidelity.drop_cached(scratch)
        return scratch

    def _stored(
        self, loaded: LoadedState, pending: list[PendingEvent], metadata: bytes
    ) -> list[StoredEvent]:
        """The events that were emitted, as they are to be stored behind the loaded state."""
        of, aggregate_id, now, version = (
            self._name,
            loaded.aggregate_id,
            self._context.clock(),
            loaded.version,
        )
        events = []
        for event_id, name, schema, payload in pending:
            version += 1
            fields = (of, aggregate_id, version, event_id, name, schema, now, metadata, payload)
            events.append(new_tuple(StoredEvent, fields))
        return events

    async def _is_head(self, loaded: LoadedState) -> bool:
        """Whether the state that the handler saw is the stream's head; known, or read now."""
        if loaded.is_current:
            return True
        context, head = self._context, loaded.head
        is_head = head is not None and await context.stream.is_head(loaded.aggregate_id, head)
        context.reporting.count("decision.verified")
        if head is not None and is_head:
            since = loaded.trace.forget_count
            context.heads.raise_to(loaded.aggregate_id, head, since=since)
            return True
        context.reporting.count("decision.stale")
        return False

    async def _commit_in_task(self, loaded: LoadedState, events: list[StoredEvent]) -> None:
        """Commit; what a shared cache is late with goes on behind."""
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._commit(loaded, events, answered))
        task.add_done_callback(partial(_answer, answered))
        await to_the_end(answered)

    async def _commit(
        self,
        loaded: LoadedState,
        events: list[StoredEvent],
        answered: asyncio.Future[None] | None = None,
    ) -> None:
        """Append, then keep. What follows the append can't fail the command."""
        context, aggregate_id = self._context, loaded.aggregate_id
        noted, last = context.heads.head(aggregate_id), events[-1]
        version_before, last_event_id = loaded.version, loaded.last_event_id
        after = None if last_event_id is None else (version_before, last_event_id)
        await context.stream.append(events, after, is_proven=loaded.is_current)
        if noted is not None and noted[0] > loaded.version:
            # What was noted before the append began isn't in the stream: it was rolled back.
            context.heads.refute(aggregate_id, noted)
            context.reporting.count("stream.rolled_back")
        context.heads.raise_to(aggregate_id, (last.version, last.event_id))
        self._loader.flights.detach(aggregate_id)
        if self._write_back.is_idle:
            return
        if loaded.is_spent:
            await self._write_back.remove(aggregate_id, answered)
            return
        trace = loaded.trace
        supersedes = _superseded(loaded) if trace.refuted or trace.unproven else ()
        try:
            self._fold(loaded, events)
        except Exception as error:  # noqa: BLE001 the command is committed, whatever comes after
            context.reporting.failed("commit.fold_failed", error, aggregate_id)
            await self._write_back.remove(aggregate_id, answered)
            return
        if not self._write_back.puts_at_once(loaded, supersedes, last.recorded_at):
            await self._write_back.after_commit(
                loaded,
                version_before=version_before,
                event_names=tuple([event.type for event in events]),
                supersedes=supersedes,
                now=last.recorded_at,
                answered=answered,
            )

    def _fold(self, loaded: LoadedState, events: list[StoredEvent]) -> None:
        """Fold the stored bytes onto the baseline, which never is the handler's own object."""
        rows, last = map(_row_fields, events), events[-1]
        loaded.version = fold_rows(self._events, loaded.state, loaded.version, rows)
        loaded.record = loaded.payload = None
        loaded.is_current = True
        loaded.last_event_id = last.event_id
        loaded.last_event_at = loaded.verified_at = last.recorded_at
        loaded.anchor_at = loaded.anchor_at or last.recorded_at


def _answer(answered: asyncio.Future[None], commit: asyncio.Task[None]) -> None:
    """Settle the future as the commit ended, unless it was settled before."""
    if answered.done():
        return
    if commit.cancelled():
        answered.cancel()
    elif (error := commit.exception()) is not None:
        answered.set_exception(error)
    else:
        answered.set_result(None)


def _superseded(loaded: LoadedState) -> list[Stamp]:
    """The stamps of records that the append has proven wrong.

    The events now stand up to the version of the append, so a record that no event stood for is
    wrong if it is above the state that the append followed; one at or below it may be right again.
    """
    trace = loaded.trace
    return [*trace.refuted, *(each for each in trace.unproven if each.version > loaded.version)]


def encode_metadata(command: Command[Any], metadata: Metadata | None) -> bytes:
    """The metadata of a command's events, as JSON.

    Raises `TypeError` for what JSON can't hold, and for what could never be read again: NaN,
    infinities, integers of over 4,300 digits, more than 200 levels.
    """
    if not metadata:
        return to_json({"command_id": command.command_id})
    try:
        encoded = to_json({**metadata, "command_id": command.command_id}, inf_nan_mode="constants")
        from_json(encoded, allow_inf_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(
            "metadata is to be a mapping of JSON values, with finite numbers of at most 4,300 "
            f"digits and at most 200 levels; what was given is none ({type(error).__name__})"
        ) from None
    return encoded
