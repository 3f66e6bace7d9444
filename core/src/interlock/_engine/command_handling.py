"""The handling of commands for one aggregate type: load, handler, append, snapshot, put."""

import asyncio
import inspect
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import from_json, to_json

from interlock._engine.cache import AggregateCache
from interlock._engine.command_queue import CommandQueue, holding
from interlock._engine.context import TypeContext
from interlock._engine.fold import Fold
from interlock._engine.guard import to_the_end
from interlock._engine.load_context import LoadedState, LoadRequest
from interlock._engine.loading import Loader
from interlock._engine.reading import StateReader
from interlock._engine.state_records import StateRecords
from interlock._engine.write_back import WriteBack
from interlock._model.aggregate import Aggregate, pending_of, set_pending
from interlock._model.command import Command
from interlock._model.routes import Handler
from interlock._model.strategies import FastForward, Replay
from interlock._storage.records import Stamp, StoredEvent, new_tuple
from interlock.errors import ConcurrencyError

Metadata = Mapping[str, Any]  # Any: JSON values


class Decision(NamedTuple):
    """A handler's return value or exception on a loaded state, and the events to append."""

    loaded: LoadedState
    value: Any  # Any: whatever the handler returns
    error: Exception | None
    events: list[StoredEvent]

    def answer(self) -> Any:  # Any: the handler's own answer
        """Return the value, or raise the handler's exception."""
        if self.error is not None:
            raise self.error
        return self.value


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
                if not decision.events:
                    return decision.answer()
                try:
                    if self._is_local:
                        await to_the_end(self._commit(decision.loaded, decision.events))
                    else:
                        await self._commit_in_task(decision.loaded, decision.events)
                except ConcurrencyError as error:
                    conflict = error
                    context.reporting.count("append.conflict")
                    entry = decision.loaded.trace.cache_entry
                    if entry is not None:
                        await self._cache.drop(aggregate_id, entry.stamp)
                    request = request._replace(skips_cache=True)
                else:
                    return decision.value
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
            loaded = await self._reader.read(command.aggregate_id, request)
            decision = await self._run(command, handler, metadata, loaded)
            if decision.events:
                return decision
            if await self._is_head(loaded):
                if not loaded.is_spent:
                    await self._loader.keep(loaded, request)
                return decision
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

    async def _run(
        self, command: Command[Any], handler: Handler, metadata: bytes, loaded: LoadedState
    ) -> Decision:
        """Run the handler on an object of its own."""
        copy = None if self._write_back.is_idle else self._records.copy(loaded)
        loaded.is_spent = copy is None
        scratch = loaded.state if copy is None else copy
        if self._fidelity.cached:
            self._fidelity.drop_cached(scratch)
        set_pending(scratch, None)
        with holding(type(command).__name__, self._name, command.aggregate_id):
            try:
                value = handler.function(scratch, command)
                if value is not None and inspect.isawaitable(value):
                    value = await value
            except Exception as error:  # noqa: BLE001 it is the caller's, once it is proven
                return Decision(loaded, None, error, [])
        events = self._stored(loaded, scratch, metadata)
        return new_tuple(Decision, (loaded, value, None, events))

    def _stored(
        self, loaded: LoadedState, scratch: Aggregate, metadata: bytes
    ) -> list[StoredEvent]:
        """The events that were emitted, as they are to be stored behind the loaded state."""
        pending = pending_of(scratch)
        if not pending:
            return []
        now, version = self._context.clock(), loaded.version
        name, aggregate_id = self._name, loaded.aggregate_id
        events = []
        for event_id, event_type, schema_version, payload in pending:
            version += 1
            events.append(
                new_tuple(
                    StoredEvent,
                    (
                        name,
                        aggregate_id,
                        version,
                        event_id,
                        event_type,
                        schema_version,
                        now,
                        metadata,
                        payload,
                    ),
                )
            )
        return events

    async def _is_head(self, loaded: LoadedState) -> bool:
        """Whether the state that the handler saw is the stream's head; known, or read now."""
        if loaded.is_current:
            return True
        version, last_event_id = loaded.version, loaded.last_event_id
        ids = await self._context.stream.ids(loaded.aggregate_id, version, version + 1)
        self._context.reporting.count("decision.verified")
        if last_event_id is not None and ids == {version: last_event_id.bytes}:
            since = loaded.trace.forget_count
            self._context.heads.raise_to(loaded.aggregate_id, (version, last_event_id), since=since)
            return True
        self._context.reporting.count("decision.stale")
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
        noted = context.heads.head(aggregate_id)
        await context.stream.append(events, loaded.head, is_proven=loaded.is_current)
        last = events[-1]
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
        try:
            committed = self._folded(loaded, events)
        except Exception as error:  # noqa: BLE001 the command is committed, whatever comes after
            context.reporting.failed("commit.fold_failed", error, aggregate_id)
            await self._write_back.remove(aggregate_id, answered)
            return
        await self._write_back.after_commit(
            committed,
            version_before=loaded.version,
            event_names=tuple([event.type for event in events]),
            supersedes=_superseded(loaded),
            now=last.recorded_at,
            answered=answered,
        )

    def _folded(self, loaded: LoadedState, events: list[StoredEvent]) -> LoadedState:
        """The fold of the stored bytes onto the baseline, never the handler's own object."""
        fold = Fold(self._registration.routes, loaded.state)
        fold.extend([event.row() for event in events])
        last, committed = events[-1], loaded.advanced()
        committed.version = fold.version
        committed.last_event_id = last.event_id
        committed.last_event_at = committed.verified_at = last.recorded_at
        committed.anchor_at = loaded.anchor_at or last.recorded_at
        return committed


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
    if not (trace.refuted or trace.unproven):
        return []
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
