"""The names of what is emitted: an API, whose version is `VERSION`.

It is raised when a name goes, or comes to mean something else; a new one changes nothing.
`error.type` is OpenTelemetry's, and means what its semantic conventions say.
"""

from dataclasses import dataclass
from enum import StrEnum

VERSION = "1"
SCOPE = "interlock"
"""The instrumentation scope of the tracer and the meter."""

ERROR_TYPE = "error.type"
AGGREGATE_TYPE = "interlock.aggregate.type"
AGGREGATE_ID = "interlock.aggregate.id"
COMMAND = "interlock.command"
BACKEND = "interlock.backend"
STORE = "interlock.store"
ACTION = "interlock.action"
OUTCOME = "interlock.outcome"
REASON = "interlock.reason"
BASELINE = "interlock.load.baseline"
BASELINE_VERSION = "interlock.load.baseline_version"
MISSES = "interlock.load.misses"
ATTEMPTS = "interlock.attempts"
EVENTS = "interlock.events"
VERSION_REACHED = "interlock.version"
BATCH_SIZE = "interlock.batch.size"
BATCH_LOADED = "interlock.batch.loaded"
COUNTER = "interlock.counter"


RARE = (
    "append.conflict",
    "cache.not_kept",
    "shadow.different",
    "snapshot.failed",
    "snapshot.not_kept",
    "stream.rolled_back",
)
"""Counters that are 0 from a type's first load on: what begins at 1 was never seen to rise."""


class Kind(StrEnum):
    """The kind of an instrument."""

    HISTOGRAM = "histogram"
    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, with all attributes that its points may have."""

    name: str
    kind: Kind
    unit: str
    description: str
    attributes: tuple[str, ...]


_CALL = (AGGREGATE_TYPE, BACKEND, ACTION, OUTCOME, ERROR_TYPE)

DISPATCH_DURATION = Metric(
    "interlock.dispatch.duration",
    Kind.HISTOGRAM,
    "s",
    "How long a command took, from the dispatch until its events stand",
    (AGGREGATE_TYPE, COMMAND, ERROR_TYPE),
)
LOAD_DURATION = Metric(
    "interlock.load.duration",
    Kind.HISTOGRAM,
    "s",
    "How long a load took",
    (AGGREGATE_TYPE, BASELINE, ERROR_TYPE),
)
LOAD_EVENTS = Metric(
    "interlock.load.events",
    Kind.HISTOGRAM,
    "{event}",
    "How many events a load folded",
    (AGGREGATE_TYPE, BASELINE),
)
LOAD_MISSES = Metric(
    "interlock.load.misses",
    Kind.COUNTER,
    "{miss}",
    "Baselines that loads didn't take",
    (AGGREGATE_TYPE, STORE, REASON),
)
APPEND_DURATION = Metric(
    "interlock.append.duration",
    Kind.HISTOGRAM,
    "s",
    "How long an append took, with all its attempts",
    (AGGREGATE_TYPE, BACKEND, ERROR_TYPE),
)
APPEND_EVENTS = Metric(
    "interlock.append.events",
    Kind.COUNTER,
    "{event}",
    "Events that were appended",
    (AGGREGATE_TYPE, BACKEND),
)
SNAPSHOT_DURATION = Metric(
    "interlock.snapshot.duration",
    Kind.HISTOGRAM,
    "s",
    "How long a call of the snapshot store took",
    _CALL,
)
CACHE_DURATION = Metric(
    "interlock.cache.duration",
    Kind.HISTOGRAM,
    "s",
    "How long a call of the cache took",
    _CALL,
)
BREAKER_OPEN = Metric(
    "interlock.breaker.open",
    Kind.GAUGE,
    "1",
    "1 while a store is left alone because it is down, else 0",
    (STORE, BACKEND),
)
COUNTS = Metric(
    "interlock.counts",
    Kind.COUNTER,
    "1",
    "What the application's counters count",
    (AGGREGATE_TYPE, COUNTER),
)

METRICS = (
    DISPATCH_DURATION,
    LOAD_DURATION,
    LOAD_EVENTS,
    LOAD_MISSES,
    APPEND_DURATION,
    APPEND_EVENTS,
    SNAPSHOT_DURATION,
    CACHE_DURATION,
    BREAKER_OPEN,
    COUNTS,
)

_EACH = (AGGREGATE_TYPE, AGGREGATE_ID, ERROR_TYPE)
SPANS = {
    "dispatch {command}": (*_EACH, COMMAND, ATTEMPTS, EVENTS),
    "load {type}": (*_EACH, BASELINE, BASELINE_VERSION, VERSION_REACHED, EVENTS, MISSES),
    "load_many {type}": (AGGREGATE_TYPE, BATCH_SIZE, BATCH_LOADED, EVENTS, ERROR_TYPE),
    "append {type}": (*_EACH, BACKEND, EVENTS, VERSION_REACHED),
    "snapshot {action} {type}": (*_EACH, BACKEND, ACTION, OUTCOME, VERSION_REACHED),
    "cache {action} {type}": (*_EACH, BACKEND, ACTION, OUTCOME, REASON),
}
"""The spans by name, with all attributes that they may have."""
