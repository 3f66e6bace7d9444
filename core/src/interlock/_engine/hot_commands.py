"""Commands whose state is in this process's cache, in one straight line.

`command_handling` does the same step by step, for every case. Here is the one where nothing has to
be waited for, told or asked of a strategy, with all that it needs in local variables: a command
costs what its bytecodes do, and calls and attributes are most of them. At whatever is unusual the
steps go on from what was done so far; `test_hot_commands.py` holds both ways to the same.
"""

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from operator import itemgetter
from typing import Any, Protocol
from uuid import UUID

from interlock._engine.cache import AggregateCache
from interlock._engine.command_queue import CommandQueue, handlers_running, reset_holds, set_holds
from interlock._engine.context import TypeContext
from interlock._engine.fold import fold_rows
from interlock._engine.load_context import LoadedState, LoadTrace
from interlock._engine.loading import Loader
from interlock._engine.reports import Source
from interlock._engine.state_records import StateRecords
from interlock._engine.write_back import WriteBack
from interlock._model.aggregate import Aggregate, set_origin, set_pending
from interlock._model.command import Command
from interlock._model.routes import Handler
from interlock._model.stamp import PendingEvent
from interlock._model.strategies import Trust
from interlock._storage.records import (
    MAX_VERSION,
    AggregateRecord,
    RecordKey,
    StoredEvent,
    new_tuple,
)

row_fields = itemgetter(slice(2, None))
"""The fields of a `StoredEvent` behind its type and id, which are those of an `EventRow`."""
_MOST_BYTES = 65_536
"""What is done twice where the steps have to go on is to be little."""

Handle = Callable[[Command[Any], Handler, bytes], Awaitable[Any]]  # Any: whatever a handler returns
Begun = tuple[LoadedState, Any, Exception | None, list[PendingEvent]]  # Any: likewise
"""The state that a handler ran on, its return value or exception, and what it emitted."""


class Steps(Protocol):
    """The handling step by step."""

    async def handle_in_turn(
        self, command: Command[Any], handler: Handler, metadata: bytes, begun: Begun | None = None
    ) -> Any:  # Any: whatever the handler returns
        """Handle a command that has its id's turn; go on behind the handler, if that was run."""
        ...

    async def keep(self, loaded: LoadedState, events: list[StoredEvent]) -> None:
        """Keep what was appended to the state."""
        ...


def hot_handle(  # noqa: C901, PLR0915 three functions, which share what is looked up once
    context: TypeContext,
    queue: CommandQueue,
    steps: Steps,
    *,
    cache: AggregateCache,
    records: StateRecords,
    write_back: WriteBack,
    loader: Loader,
) -> Handle | None:
    """How commands are handled in one line; None where a command may need something else."""
    registration, mapper = context.registration, context.registration.mapper
    at_once, append = cache.at_once, context.stream.append_at_once
    json, fidelity = mapper.json, mapper.fidelity
    if (
        at_once is None
        or append is None
        or json is None
        or fidelity.cached
        or not (context.is_local and write_back.only_caches)
        or not isinstance(registration.freshness, Trust)
    ):
        return None
    (read, put), (decode, encode) = at_once, json
    is_exact, codec, clock = fidelity.is_plainly_exact, mapper.codec.name, context.clock
    heads, absent, losses, turns = context.heads, cache.absent, records.losses, queue.turns
    known, forgets, events_by_name = heads.known, heads.forgets, registration.routes.events
    namespace, epoch, name, revision = scope = mapper.scope
    in_turn, leave = steps.handle_in_turn, queue.leave

    def hit(aggregate_id: UUID) -> tuple[AggregateRecord, Aggregate] | None:
        """The usable entry, and an object of it for the handler; the steps tell why it's None."""
        try:
            record = read(new_tuple(RecordKey, (*scope[:3], aggregate_id, revision)))
            if record is None:
                return None
            (of_namespace, of_epoch, of_type, of_id, of_revision, version, event_id) = record[:7]
            payload, number, noted = record[12], aggregate_id.int, known.get(aggregate_id.int)
            if (
                of_id.int != number
                or of_revision != revision
                or of_type != name
                or of_epoch != epoch
                or of_namespace != namespace
                or not 1 <= version <= MAX_VERSION
                or (noted is not None and noted[0] > version)
                or record[11] != codec
                or record[13]
                or len(payload) > _MOST_BYTES
            ):
                return None
            state = decode(payload)
            fields = state.__dict__
            if fields["id"].int != number or fields["version"] != version:
                return None
        except Exception:  # noqa: BLE001 whatever a foreign record leads to
            return None
        set_origin(state, (namespace, epoch, revision, event_id, record[7], record[8]))
        return record, state

    def keep(record: AggregateRecord, aggregate_id: UUID, events: Sequence[StoredEvent]) -> None:
        """Put the fold of the stored bytes onto the entry. Raises where the steps have to tell."""
        state, (_, _, version, event_id, _, _, now, _, _) = decode(record[12]), events[-1]
        fold_rows(events_by_name, state, record[5], map(row_fields, events))
        payload, anchor_at = encode(state, warnings=False), record[8]
        if absent or losses:
            raise _UnusualError
        key = new_tuple(RecordKey, (namespace, epoch, name, aggregate_id, revision))
        if is_exact(state, payload):
            ends = (version, event_id, now, anchor_at, now, now, codec, payload, b"")
            put(key, new_tuple(AggregateRecord, key + ends))
        elif records.takes_long(payload):
            raise _UnusualError
        else:
            of_events = (event_id, now, anchor_at)
            put(key, mapper.verified(state, payload, of_events, verified_at=now, taken_at=now))

    def loaded_from(record: AggregateRecord, aggregate_id: UUID, forget_count: int) -> LoadedState:
        """What the steps would have loaded."""
        trace = LoadTrace.of_hit(record, forget_count)
        loaded = LoadedState.from_record(mapper.decoded(record), record, Source.CACHE, trace)
        loaded.aggregate_id = aggregate_id
        return loaded

    async def handle(command: Command[Any], handler: Handler, metadata: bytes) -> Any:  # Any: its
        aggregate_id: UUID = command.__dict__["aggregate_id"]
        number = aggregate_id.int
        if number in turns:
            await queue.take(aggregate_id)
        else:
            turns[number] = None
        try:
            forget_count = forgets.count
            found = None if handler.is_once else hit(aggregate_id)
            if found is None:
                return await in_turn(command, handler, metadata)
            record, scratch = found
            version, pending = record[5], list[PendingEvent]()
            set_pending(scratch, pending)
            value = failure = None
            is_behind, hold = False, [(type(command), name, aggregate_id)]
            token = set_holds((*handlers_running(), hold))
            try:
                value = handler.function(scratch, command)
                if value is not None and isawaitable(value):
                    value = await value
                    is_behind = heads.version(aggregate_id) > version
            except Exception as error:  # noqa: BLE001 it is the caller's, once it is proven
                failure = error
            finally:
                hold.clear()
                reset_holds(token)
            if is_behind or failure is not None or not pending:
                begun = loaded_from(record, aggregate_id, forget_count), value, failure, pending
                return await in_turn(command, handler, metadata, begun)
            now, reached, events = clock(), version, []
            for event_id, of, schema, payload in pending:
                reached += 1
                fields = (name, aggregate_id, reached, event_id, of, schema, now, metadata, payload)
                events.append(new_tuple(StoredEvent, fields))
            try:
                append(events, (version, record[6]))
            except Exception:  # noqa: BLE001 whoever stands there, the steps find out
                begun = loaded_from(record, aggregate_id, forget_count), value, None, pending
                return await in_turn(command, handler, metadata, begun)
            heads.raise_to(aggregate_id, (reached, event_id))
            loader.flights.detach(aggregate_id)
            try:
                keep(record, aggregate_id, events)
            except Exception:  # noqa: BLE001 the command is committed, and the steps tell
                await steps.keep(loaded_from(record, aggregate_id, forget_count), events)
            return value
        finally:
            leave(aggregate_id)

    return handle


class _UnusualError(Exception):
    pass
