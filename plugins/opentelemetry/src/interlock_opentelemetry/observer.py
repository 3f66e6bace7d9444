"""The observer that makes spans and metrics."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import NamedTuple
from uuid import UUID

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from interlock.backends import (
    AppendReport,
    Batch,
    BreakerReport,
    CacheReport,
    CountReport,
    DispatchReport,
    FailureReport,
    LoadReport,
    Observer,
    Operation,
    OperationKind,
    SnapshotReport,
    StoreAction,
)
from interlock_opentelemetry import names
from interlock_opentelemetry.instruments import Instruments

Attributes = dict[str, AttributeValue]


class _Current(NamedTuple):
    """The span of the operation under way."""

    kind: OperationKind
    aggregate_id: UUID
    span: Span


@dataclass(slots=True)
class _CurrentBatch:
    """The loads of the batch under way, and the events that they folded."""

    loaded: int = 0
    events: int = 0


_CURRENT: ContextVar[_Current | None] = ContextVar("interlock_opentelemetry", default=None)
_BATCH: ContextVar[_CurrentBatch | None] = ContextVar("interlock_opentelemetry_batch", default=None)


class OpenTelemetryObserver(Observer):
    """Makes a span of each operation, under the current one, and metrics of all reports.

    Without arguments the providers are the process's, also if they are set later. A span tells of
    an exception its type; its text, which may tell of persons, only with `error_texts`.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        error_texts: bool = False,
    ) -> None:
        release = version("interlock-opentelemetry")
        self._tracer = trace.get_tracer(names.SCOPE, release, tracer_provider)
        self._breakers: dict[tuple[str, str], bool] = {}
        meter = metrics.get_meter(names.SCOPE, release, meter_provider)
        self._metrics = Instruments(meter, self._observe_breakers)
        self._error_texts = error_texts
        self._types: set[str] = set()

    @contextmanager
    def around(self, operation: Operation) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            _name(operation),
            attributes={
                names.AGGREGATE_ID: str(operation.aggregate_id),
                **_facts(operation),
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            token = _CURRENT.set(_Current(operation.kind, operation.aggregate_id, span))
            try:
                yield
            finally:
                _CURRENT.reset(token)

    @contextmanager
    def around_batch(self, batch: Batch) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            f"load_many {batch.aggregate_type}",
            attributes={names.AGGREGATE_TYPE: batch.aggregate_type, names.BATCH_SIZE: batch.size},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            current = _CurrentBatch()
            token = _BATCH.set(current)
            try:
                yield
            except BaseException as error:
                self._mark(span, error)
                raise
            finally:
                _BATCH.reset(token)
                span.set_attribute(names.BATCH_LOADED, current.loaded)
                span.set_attribute(names.EVENTS, current.events)

    def on_dispatch(self, report: DispatchReport) -> None:
        _describe(
            OperationKind.DISPATCH,
            report.aggregate_id,
            {names.ATTEMPTS: report.attempts, names.EVENTS: report.events},
        )
        facts: Attributes = {
            names.AGGREGATE_TYPE: report.aggregate_type,
            names.COMMAND: report.command,
        }
        self._record(names.DISPATCH_DURATION, report.duration, facts)

    def on_load(self, report: LoadReport) -> None:
        batch = _BATCH.get()
        if batch is not None:
            batch.loaded += 1
            batch.events += report.events_folded
        misses = [f"{miss.source}: {miss.reason}" for miss in report.misses]
        _describe(
            OperationKind.LOAD,
            report.aggregate_id,
            {
                names.BASELINE: str(report.baseline),
                names.BASELINE_VERSION: report.baseline_version,
                names.VERSION_REACHED: report.version,
                names.EVENTS: report.events_folded,
                names.MISSES: misses,
            },
        )
        of_type: Attributes = {names.AGGREGATE_TYPE: report.aggregate_type}
        if report.aggregate_type not in self._types:
            self._types.add(report.aggregate_type)
            for counter in names.RARE:
                self._metrics.counter(names.COUNTS).add(0, {**of_type, names.COUNTER: counter})
        facts = {**of_type, names.BASELINE: str(report.baseline)}
        self._record(names.LOAD_DURATION, report.duration, facts)
        self._metrics.histogram(names.LOAD_EVENTS).record(report.events_folded, facts)
        for miss in report.misses:
            why = {names.STORE: str(miss.source), names.REASON: str(miss.reason)}
            self._metrics.counter(names.LOAD_MISSES).add(1, {**of_type, **why})

    def on_append(self, report: AppendReport) -> None:
        _describe(
            OperationKind.APPEND,
            report.aggregate_id,
            {names.EVENTS: report.events, names.VERSION_REACHED: report.version},
        )
        facts: Attributes = {
            names.AGGREGATE_TYPE: report.aggregate_type,
            names.BACKEND: report.backend,
        }
        self._record(names.APPEND_DURATION, report.duration, facts)
        self._metrics.counter(names.APPEND_EVENTS).add(report.events, facts)

    def on_snapshot(self, report: SnapshotReport) -> None:
        outcome = _outcome(report.action, is_done=report.is_done)
        told: Attributes = {names.OUTCOME: outcome}
        if report.version is not None:
            told[names.VERSION_REACHED] = report.version
        _describe(OperationKind.SNAPSHOT, report.aggregate_id, told)
        facts = _call(report.aggregate_type, report.backend, report.action)
        facts[names.OUTCOME] = outcome
        self._record(names.SNAPSHOT_DURATION, report.duration, facts)

    def on_cache(self, report: CacheReport) -> None:
        outcome = _outcome(report.action, is_done=report.is_done)
        told: Attributes = {names.OUTCOME: outcome}
        if report.reason is not None:
            told[names.REASON] = str(report.reason)
        _describe(OperationKind.CACHE, report.aggregate_id, told)
        facts = _call(report.aggregate_type, report.backend, report.action)
        facts[names.OUTCOME] = outcome
        self._record(names.CACHE_DURATION, report.duration, facts)

    def on_failure(self, report: FailureReport) -> None:
        operation = report.operation
        span = _span(operation.kind, operation.aggregate_id)
        if span is not None:
            self._mark(span, report.error)
        facts = {**_facts(operation), names.ERROR_TYPE: _type(report.error)}
        self._record(_DURATIONS[operation.kind], report.duration, facts)

    def on_count(self, report: CountReport) -> None:
        facts: Attributes = {names.COUNTER: report.counter}
        if report.aggregate_type:
            facts[names.AGGREGATE_TYPE] = report.aggregate_type
        self._metrics.counter(names.COUNTS).add(1, facts)

    def on_breaker(self, report: BreakerReport) -> None:
        self._breakers[report.store, report.backend] = report.is_open

    def _mark(self, span: Span, error: BaseException) -> None:
        kind = _type(error)
        span.set_attribute(names.ERROR_TYPE, kind)
        text = f"{kind}: {error}" if self._error_texts else kind
        span.set_status(Status(StatusCode.ERROR, text))

    def _observe_breakers(self, _: metrics.CallbackOptions) -> Iterator[metrics.Observation]:
        for (store, backend), is_open in tuple(self._breakers.items()):
            yield metrics.Observation(int(is_open), {names.STORE: store, names.BACKEND: backend})

    def _record(self, metric: names.Metric, duration: timedelta, facts: Attributes) -> None:
        self._metrics.histogram(metric).record(duration.total_seconds(), facts)


_DURATIONS: Mapping[OperationKind, names.Metric] = {
    OperationKind.DISPATCH: names.DISPATCH_DURATION,
    OperationKind.LOAD: names.LOAD_DURATION,
    OperationKind.APPEND: names.APPEND_DURATION,
    OperationKind.SNAPSHOT: names.SNAPSHOT_DURATION,
    OperationKind.CACHE: names.CACHE_DURATION,
}


def _name(operation: Operation) -> str:
    """The name of the operation's span: one of `names.SPANS`, filled in."""
    if operation.kind is OperationKind.DISPATCH:
        return f"dispatch {operation.name}"
    words = (operation.kind, operation.name, operation.aggregate_type)
    return " ".join(word for word in words if word)


def _facts(operation: Operation) -> Attributes:
    """What is known of an operation when it begins."""
    facts: Attributes = {names.AGGREGATE_TYPE: operation.aggregate_type}
    if operation.backend:
        facts[names.BACKEND] = operation.backend
    if operation.name:
        is_dispatch = operation.kind is OperationKind.DISPATCH
        facts[names.COMMAND if is_dispatch else names.ACTION] = str(operation.name)
    return facts


def _call(aggregate_type: str, backend: str, action: StoreAction) -> Attributes:
    return {
        names.AGGREGATE_TYPE: aggregate_type,
        names.BACKEND: backend,
        names.ACTION: str(action),
    }


def _outcome(action: StoreAction, *, is_done: bool) -> str:
    if action is StoreAction.READ:
        return "hit" if is_done else "miss"
    return "done" if is_done else "not-done"


def _type(error: BaseException) -> str:
    """The full name of the exception's class, as `error.type` has it."""
    cls = type(error)
    is_builtin = cls.__module__ == "builtins"
    return cls.__qualname__ if is_builtin else f"{cls.__module__}.{cls.__qualname__}"


def _span(kind: OperationKind, aggregate_id: UUID) -> Span | None:
    """The span of this operation, if it has one: a load that a batch read hasn't."""
    current = _CURRENT.get()
    is_it = current is not None and (current.kind, current.aggregate_id) == (kind, aggregate_id)
    return current.span if current is not None and is_it else None


def _describe(kind: OperationKind, aggregate_id: UUID, facts: Attributes) -> None:
    span = _span(kind, aggregate_id)
    if span is not None:
        span.set_attributes(facts)
