"""A shop whose telemetry is kept in memory."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel

from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
    SnapshotAfterN,
)
from interlock.backends import AggregateRecord, RecordKey
from interlock.domain import Aggregate, Command
from interlock.errors import BackendUnavailableError
from interlock.routing import applies_event, handles_command
from interlock_opentelemetry import OpenTelemetryObserver

ID = UUID(int=7)


class Ordered(BaseModel):
    amount: int


class PlaceOrder(Command[int]):
    amount: int


class RefusedError(Exception):
    """What the handler raises."""


class Order(Aggregate):
    revision = "1"

    total: int = 0

    @handles_command
    def place(self, command: PlaceOrder) -> int:
        if command.amount < 0:
            raise RefusedError("for Anna Smith")
        self.emit(Ordered(amount=command.amount))
        return self.total

    @applies_event
    def apply_ordered(self, event: Ordered) -> None:
        self.total += event.amount


class Remote:
    """A store that has to be waited for, and may be down."""

    is_local = False
    timeout: timedelta | None = timedelta(seconds=1)
    is_down = False
    takes_nothing = False
    gate: asyncio.Event | None = None

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def reach(self) -> None:
        """Take one turn of the loop, or as long as the gate is shut."""
        await asyncio.sleep(0)  # so that it waits
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.is_down:
            raise ConnectionRefusedError("connection refused")


class RemoteCache(Remote, InMemoryAggregateCacheBackend):
    async def read(self, key: RecordKey) -> AggregateRecord | None:
        await self.reach()
        return await super().read(key)

    async def put(self, *given: Any) -> None:  # Any: passed on
        await self.reach()
        await super().put(*given)

    async def remove(self, *given: Any) -> None:  # Any: passed on
        await self.reach()
        await super().remove(*given)


class RemoteSnapshots(Remote, InMemoryAggregateSnapshotStorageBackend):
    async def read(self, *given: Any) -> AggregateRecord | None:  # Any: passed on
        await self.reach()
        return await super().read(*given)

    async def put(self, *given: Any) -> None:  # Any: passed on
        await self.reach()
        if self.takes_nothing:
            raise OSError("read-only")
        await super().put(*given)


class Events(InMemoryEventStore):
    """An event store that takes no events while it is down, and gives none."""

    is_down = False

    async def append(self, *given: Any, **more: Any) -> None:  # Any: passed on
        self._check()
        await super().append(*given, **more)

    def read(self, *given: Any, **more: Any) -> Any:  # Any: passed on
        self._check()
        return super().read(*given, **more)

    async def read_many(self, *given: Any) -> Any:  # Any: passed on
        self._check()
        async for each in super().read_many(*given):
            yield each

    def _check(self) -> None:
        if self.is_down:
            raise BackendUnavailableError("down", nothing_done=True)


class Shop:
    """The application, and what it emits."""

    def __init__(self, **observer: Any) -> None:  # Any: options of the observer
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.events, self.cache, self.snapshots = Events(), RemoteCache(), RemoteSnapshots()
        told = OpenTelemetryObserver(
            tracer_provider=self.tracers, meter_provider=self.meters, **observer
        )
        self.app: Application = (
            ApplicationBuilder()
            .configure(breaker_failures=3)
            .register_event_store(self.events)
            .register_observer(told)
            .register_aggregate(
                Order,
                snapshot_strategy=SnapshotAfterN(2),
                snapshot_backend=self.snapshots,
                cache_strategy=AlwaysCache,
                cache_backend=self.cache,
            )
            .build()
        )

    async def __aenter__(self) -> Self:
        await self.app.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.app.close()

    async def order(self, *amounts: int, aggregate_id: UUID = ID) -> None:
        """A command for each amount."""
        for amount in amounts:
            await self.app.dispatch(PlaceOrder(aggregate_id=aggregate_id, amount=amount))

    def spans(self) -> Sequence[ReadableSpan]:
        """The spans that ended."""
        return self.exporter.get_finished_spans()

    def paths(self) -> list[str]:
        """The spans with what they are in, sorted by when they began."""
        spans = sorted(self.spans(), key=lambda span: span.start_time or 0)
        by_id = {span.context.span_id: span for span in spans if span.context is not None}

        def path(span: ReadableSpan) -> str:
            parent = None if span.parent is None else by_id.get(span.parent.span_id)
            return span.name if parent is None else f"{path(parent)} > {span.name}"

        return [path(span) for span in spans]

    def points(self) -> Iterator[tuple[str, dict[str, Any], Any]]:  # Any: OpenTelemetry's own
        """The points of all metrics: name, attributes, point."""
        data = self.reader.get_metrics_data()
        if data is None:
            return
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        yield metric.name, dict(point.attributes or {}), point

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """The sums, gauges or counts of a metric by the values of its attributes."""
        return {
            tuple(str(facts[key]) for key in sorted(facts)): getattr(
                point, "value", getattr(point, "count", 0)
            )
            for found, facts, point in self.points()
            if found == name
        }
