"""An application in memory, and streams with events that no command emitted."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from pydantic import BaseModel

from interlock._app.application import Application, services_of
from interlock._app.builder import ApplicationBuilder, utc_now
from interlock._engine.context import Clock
from interlock._model.aggregate import Aggregate, pending_of
from interlock._model.strategies import Replay
from interlock._storage.memory import InMemoryEventStore
from interlock._storage.records import StoredEvent
from interlock._values.ids import plain_id

_NO_METADATA = b"{}"


@asynccontextmanager
async def in_memory_application(
    *aggregate_types: type[Aggregate], clock: Clock = utc_now
) -> AsyncGenerator[Application, None]:
    """A started application of these aggregates with an event store in memory, and nothing else.

    It belongs to the event loop that enters it: a fixture has to have the loop of the tests that
    use it. Raises `ConfigurationError` for an aggregate that can't be registered.
    """
    builder = ApplicationBuilder(clock=clock).register_event_store(InMemoryEventStore())
    builder.configure(close_timeout=timedelta(seconds=5))
    for aggregate_type in aggregate_types:
        builder.register_aggregate(aggregate_type)
    async with builder.build() as application:
        yield application


async def store_events(
    application: Application,
    aggregate_type: type[Aggregate],
    aggregate_id: UUID,
    *events: BaseModel,
) -> None:
    """Append events to a stream, as if a handler had emitted them; into whatever event store.

    Raises what `emit` and an append raise.
    """
    services = services_of(application, aggregate_type)
    context, aggregate_id = services.context, plain_id(aggregate_id, "aggregate_id")
    async with services.commands.turn(aggregate_id):
        scratch = await application.load(aggregate_type, aggregate_id, freshness=Replay())
        head = await context.stream.head(aggregate_id)
        version, now = scratch.version, context.clock()
        for event in events:
            scratch.emit(event)
        appended = [
            StoredEvent(
                context.registration.name,
                aggregate_id,
                each_version,
                each.event_id,
                each.type,
                each.schema_version,
                now,
                _NO_METADATA,
                each.payload,
            )
            for each_version, each in enumerate(pending_of(scratch), version + 1)
        ]
        if appended:
            await context.stream.append(appended, head, is_proven=True)
            last = appended[-1]
            context.heads.raise_to(aggregate_id, (last.version, last.event_id))
