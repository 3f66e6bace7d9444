"""Between the states of one registered aggregate and their records."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from interlock.aggregate import Aggregate, Origin, origin_of, pending_of, set_origin
from interlock.codecs import Codec
from interlock.errors import RecordUnusableError
from interlock.records import AggregateRecord, Scope


@dataclass(frozen=True, slots=True)
class AggregateMapper:
    """Encodes and decodes states in one scope, by one codec."""

    aggregate_type: type[Aggregate]
    scope: Scope
    codec: Codec

    def record(
        self, state: Aggregate, origin: Origin, *, verified_at: datetime, taken_at: datetime
    ) -> AggregateRecord:
        """The state, encoded here and now. What the codec raises passes through."""
        return AggregateRecord(
            aggregate_type=self.scope.aggregate_type,
            aggregate_id=state.id,
            revision=self.scope.revision,
            version=state.version,
            last_event_id=origin.last_event_id,
            last_event_at=origin.last_event_at,
            anchor_at=origin.anchor_at,
            verified_at=verified_at,
            taken_at=taken_at,
            codec=self.codec.name,
            payload=self.codec.encode(state),
        )

    def state(self, record: AggregateRecord, revisions: Collection[str] = ()) -> Aggregate:
        """A new object from a record of this scope's type and revision, or of one of `revisions`.

        Raises `RecordUnusableError` for a record of something else and for one that doesn't decode.
        """
        scope = self.scope
        if record.aggregate_type != scope.aggregate_type or record.codec != self.codec.name:
            raise RecordUnusableError(
                f"a record of {record.aggregate_type} in {record.codec}, wanted "
                f"{scope.aggregate_type} in {self.codec.name}",
                version=record.version,
            )
        if record.revision != scope.revision and record.revision not in revisions:
            raise RecordUnusableError(
                f"a record of revision {record.revision}, wanted {scope.revision}",
                version=record.version,
            )
        try:
            state = self.codec.decode(self.aggregate_type, record.payload)
        except Exception as error:
            raise RecordUnusableError(
                f"the payload of a record of {scope.aggregate_type} {record.aggregate_id} version "
                f"{record.version} doesn't decode: {error}",
                version=record.version,
            ) from error
        if state.id != record.aggregate_id or state.version != record.version:
            raise RecordUnusableError(
                f"the payload is of {state.id} version {state.version}, its stamp says "
                f"{record.aggregate_id} version {record.version}",
                version=record.version,
            )
        set_origin(state, self.origin(record))
        return state

    def origin(self, record: AggregateRecord) -> Origin:
        """What a state decoded from the record carries of its stamp."""
        return Origin(
            self.scope.namespace,
            self.scope.epoch,
            record.revision,
            record.last_event_id,
            record.last_event_at,
            record.anchor_at,
        )

    def record_of(
        self, aggregate: Aggregate, *, verified_at: datetime, taken_at: datetime
    ) -> AggregateRecord:
        """The record of an aggregate that carries its stamp, as a plain backend returns it.

        Raises `RecordUnusableError` if there is no stamp, or it is of another scope.
        """
        origin = origin_of(aggregate)
        if type(aggregate) is not self.aggregate_type or origin is None or pending_of(aggregate):
            raise RecordUnusableError(
                f"the backend returned a {type(aggregate).__name__} "
                f"{'with' if origin else 'without'} a stamp; wanted a stamped "
                f"{self.aggregate_type.__name__} without uncommitted events"
            )
        found = Scope(origin.namespace, origin.epoch, self.scope.aggregate_type, origin.revision)
        if found != self.scope:
            raise RecordUnusableError(
                f"the backend returned a state of {found}, wanted {self.scope}",
                version=aggregate.version,
            )
        return self.record(aggregate, origin, verified_at=verified_at, taken_at=taken_at)
