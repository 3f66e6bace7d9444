"""The handling of commands for one aggregate type: load, handler, append, snapshot, put."""

import asyncio
import inspect
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json, to_json

from interlock._engine.calls import bounded
from interlock._engine.command_queue import Turns, holding
from interlock._engine.fold import Fold
from interlock._engine.known_heads import Floor
from interlock._engine.load_context import Ask, Loaded, Registration
from interlock._engine.loading import Loader
from interlock._engine.reports import Reporting
from interlock._engine.stream import append
from interlock._engine.write_back import Keeper
from interlock._model.aggregate import Aggregate, pending_of, set_pending
from interlock._model.command import Command
from interlock._model.routes import Handler
from interlock._model.strategies import FastForward, Replay
from interlock._storage.protocols import EventStore
from interlock._storage.records import StoredEvent
from interlock.errors import ConcurrencyError

Metadata = Mapping[str, Any]  # Any: JSON values


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a handler gave back; its own exception is an outcome too."""

    value: Any  # Any: whatever the handler returns
    error: Exception | None
    aggregate: Aggregate


class Saver:
    """Handles the commands of one registered aggregate."""

    def __init__(
        self,
        registration: Registration,
        *,
        events: EventStore,
        loader: Loader,
        keeper: Keeper,
        floor: Floor,
        reporting: Reporting,
        clock: Callable[[], datetime],
        max_attempts: int,
        queue_size: int,
    ) -> None:
        self._registration = registration
        self._events = events
        self._loader = loader
        self._keeper = keeper
        self._floor = floor
        self._reporting = reporting
        self._clock = clock
        self._max_attempts = max_attempts
        self._queue_size = queue_size
        self.begin()

    def begin(self) -> None:
        """Know nothing of an earlier life's commands."""
        self._turns = Turns(self._queue_size)

    async def handle(self, command: Command[Any], handler: Handler, metadata: bytes) -> Any:
        """The handler's answer, once its events stand or it is proven on the stream's head."""
        aggregate_id = command.aggregate_id
        freshness = self._registration.freshness
        if handler.is_once and not isinstance(freshness, Replay):
            freshness = FastForward()
        ask = Ask(None, freshness)
        attempts = 1 if handler.is_once else self._max_attempts
        async with self._turns.take(aggregate_id):
            while True:
                loaded = await self._loader.read(aggregate_id, ask)
                outcome = await self._run(command, handler, loaded)
                events = self._stored(loaded, outcome, metadata)
                if not events:
                    if await self._is_head(loaded):
                        if not loaded.is_spent:
                            await self._loader.keep(loaded, ask)
                        return _answer(outcome)
                    ask = Ask(None, FastForward())
                    continue
                try:
                    await self._uncancelled(self._commit(loaded, events))
                except ConcurrencyError as error:
                    attempts -= 1
                    self._reporting.count("append.conflict")
                    if loaded.trail.cache_stamp is not None:
                        await self._keeper.drop(aggregate_id, loaded.trail.cache_stamp)
                    if attempts == 0:
                        raise self._beaten(command, handler) from error
                    ask = ask._replace(skips_cache=True)
                else:
                    return _answer(outcome)
                finally:
                    self._keeper.go_on_behind()

    def _beaten(self, command: Command[Any], handler: Handler) -> ConcurrencyError:
        name, times = self._registration.tables.name, self._max_attempts
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
        return self._turns.take(aggregate_id)

    async def drain(self) -> None:
        """Wait until no command is handled or waits for its turn."""
        await self._turns.drain()

    async def _run(self, command: Command[Any], handler: Handler, loaded: Loaded) -> _Outcome:
        """Run the handler on an object of its own."""
        copy = None if self._keeper.is_idle else self._loader.copy(loaded)
        loaded.is_spent = copy is None
        scratch = loaded.state if copy is None else copy
        self._registration.mapper.fidelity.drop_cached(scratch)
        set_pending(scratch, None)
        what = (
            f"{type(command).__name__} on {self._registration.tables.name} {command.aggregate_id}"
        )
        with holding(what):
            try:
                value = handler.function(scratch, command)
                if inspect.isawaitable(value):
                    value = await value
            except Exception as error:  # noqa: BLE001 it is the caller's, once it is proven
                return _Outcome(None, error, scratch)
        return _Outcome(value, None, scratch)

    def _stored(self, loaded: Loaded, outcome: _Outcome, metadata: bytes) -> list[StoredEvent]:
        if outcome.error is not None:
            return []
        now = self._clock()
        return [
            StoredEvent(
                aggregate_type=self._registration.tables.name,
                aggregate_id=loaded.aggregate_id,
                version=version,
                event_id=event.event_id,
                type=event.type,
                schema_version=event.schema_version,
                recorded_at=now,
                metadata=metadata,
                payload=event.payload,
            )
            for version, event in enumerate(pending_of(outcome.aggregate), loaded.version + 1)
        ]

    async def _is_head(self, loaded: Loaded) -> bool:
        """Whether the state that the handler saw is the stream's head; known, or read now."""
        if loaded.is_current:
            return True
        ids: list[bytes] = []
        chunks = self._events.read(
            self._registration.tables.name,
            loaded.aggregate_id,
            first=loaded.version,
            last=loaded.version + 1,
        )
        timeout = self._events.timeout
        while (
            rows := await bounded("the event store's read", timeout, anext(chunks, None))
        ) is not None:
            ids.extend(row[1] for row in rows)
        self._reporting.count("decision.verified")
        if loaded.last_event_id is not None and ids == [loaded.last_event_id.bytes]:
            return True
        self._reporting.count("decision.stale")
        return False

    async def _commit(self, loaded: Loaded, events: list[StoredEvent]) -> None:
        """Append, then keep. What follows the append can't fail the command."""
        aggregate_id = loaded.aggregate_id
        noted = self._floor.head(aggregate_id)
        began = self._clock()
        await append(
            self._events, events, loaded.head, self._reporting, is_proven=loaded.is_current
        )
        last = events[-1]
        if noted is not None and noted[0] > loaded.version:
            # What was noted before the append began isn't in the stream: it was rolled back.
            self._floor.refute(aggregate_id, noted)
            self._reporting.count("stream.rolled_back")
        self._floor.raise_to(aggregate_id, (last.version, last.event_id))
        self._loader.flights.detach(aggregate_id)
        if self._keeper.is_idle:
            return
        if loaded.is_spent:
            await self._keeper.drop(aggregate_id)
            return
        try:
            committed = self._folded(loaded, events, began)
        except Exception as error:  # noqa: BLE001 the command is committed, whatever comes after
            self._reporting.failed("commit.fold_failed", error, (last.aggregate_type, aggregate_id))
            await self._keeper.drop(aggregate_id)
            return
        trail = loaded.trail
        await self._keeper.after_commit(
            committed,
            version_before=loaded.version,
            event_names=tuple(event.type for event in events),
            supersedes=[
                *trail.refuted,
                *(stamp for stamp in trail.unproven if stamp.version > loaded.version),
            ],
            now=self._clock(),
        )

    def _folded(self, loaded: Loaded, events: list[StoredEvent], began: datetime) -> Loaded:
        """The fold of the stored bytes onto the baseline, never the handler's own object."""
        fold = Fold(self._registration.tables, loaded.state)
        fold.extend([event.row() for event in events])
        last = events[-1]
        return Loaded(
            aggregate_id=loaded.aggregate_id,
            state=fold.state,
            trail=loaded.trail,
            version=fold.version,
            last_event_id=last.event_id,
            last_event_at=last.recorded_at,
            anchor_at=loaded.anchor_at or events[0].recorded_at,
            verified_at=began,
            is_current=True,
            events_folded=loaded.events_folded,
            baseline=loaded.baseline,
            baseline_version=loaded.baseline_version,
        )

    async def _uncancelled(self, commit: Any) -> None:  # Any: the coroutine of _commit
        """Run to the end even if the caller is cancelled; the cancellation is raised then."""
        task: asyncio.Task[None] = asyncio.create_task(commit)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            with _left_alone():
                while not task.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # the caller asked not to know
            raise


def _left_alone() -> AbstractContextManager[object]:
    """Within it anyio, which cancels a task anew in each turn of the loop, leaves it alone."""
    anyio = sys.modules.get("anyio")
    return nullcontext() if anyio is None else anyio.CancelScope(shield=True)


def encode_metadata(command: Command[Any], metadata: Metadata | None) -> bytes:
    """The metadata of a command's events, as JSON.

    Raises `TypeError` for what JSON can't hold, and for what could never be read again: NaN,
    infinities, integers of over 4,300 digits, more than 200 levels.
    """
    command_id = str(command.command_id)
    if not metadata:
        return to_json({"command_id": command_id})
    try:
        encoded = to_json({**metadata, "command_id": command_id}, inf_nan_mode="constants")
        from_json(encoded, allow_inf_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(
            "metadata is to be a mapping of JSON values, with finite numbers of at most 4,300 "
            f"digits and at most 200 levels; what was given is none ({type(error).__name__})"
        ) from None
    return encoded


def _answer(outcome: _Outcome) -> Any:  # Any: the handler's own answer
    if outcome.error is not None:
        raise outcome.error
    return outcome.value
