"""Maps the states of one registered aggregate to records and back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from interlock._model.aggregate import Aggregate, get_origin, origin_of, pending_of, set_origin
from interlock._model.stamp import OriginFields
from interlock._storage.codecs import Codec, JsonCodec
from interlock._storage.records import AggregateRecord, RecordKey, Scope, new_tuple
from interlock._values.differences import Difference
from interlock._values.fidelity import Fidelity, fidelity_of, told, told_of
from interlock._values.sharing import restore
from interlock.errors import RecordTooLargeError, RecordUnusableError, StateNotKeptError


@dataclass(frozen=True, slots=True)
class AggregateMapper:
    """Encodes and decodes states in one scope, by one codec."""

    aggregate_type: type[Aggregate]
    scope: Scope
    codec: Codec
    _fidelity: Fidelity = field(init=False, repr=False, compare=False)

    _place: tuple[str, int] = field(init=False, repr=False, compare=False)
    _decode: Callable[[bytes], Aggregate] = field(init=False, repr=False, compare=False)
    _to_json: Callable[..., bytes] = field(init=False, repr=False, compare=False)
    _is_json: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look up what each record needs."""
        cls, codec = self.aggregate_type, self.codec
        object.__setattr__(self, "_place", (self.scope.namespace, self.scope.epoch))
        object.__setattr__(self, "_fidelity", fidelity_of(cls))
        is_json = type(codec) is JsonCodec
        object.__setattr__(self, "_is_json", is_json)
        decode = (
            cls.__pydantic_validator__.validate_json
            if is_json
            else lambda payload: codec.decode(cls, payload)
        )
        object.__setattr__(self, "_decode", decode)
        object.__setattr__(self, "_to_json", cls.__pydantic_serializer__.to_json)

    @property
    def fidelity(self) -> Fidelity:
        """How much of the type's states survives JSON."""
        return self._fidelity

    def encode(self, state: Aggregate) -> bytes:
        """Encode the state's payload, unverified. Raises `StateNotKeptError` if that fails."""
        if self._fidelity.cached:
            self._fidelity.drop_cached(state)
        try:
            if self._is_json:  # as the codec does, with what was looked up once
                return self._to_json(state, warnings=False)
            return self.codec.encode(state)
        except RecordTooLargeError:
            raise
        except Exception as error:  # noqa: BLE001 also a foreign codec's
            where = f"it can't be encoded ({told_of(state, error)})"
            raise self._not_kept(state, where) from None

    def record(
        self, state: Aggregate, origin: OriginFields, *, verified_at: datetime, taken_at: datetime
    ) -> AggregateRecord:
        """Encode the state as a record and verify that it decodes to an equal state.

        Raises `StateNotKeptError` if it wouldn't come back as it is.
        """
        payload = self.encode(state)
        return self.verified(state, payload, origin[3:], verified_at=verified_at, taken_at=taken_at)

    def exact(
        self,
        state: Aggregate,
        payload: bytes,
        last_event_id: UUID | None,
        at: datetime,
        anchor_at: datetime | None,
    ) -> AggregateRecord | None:
        """The record of a state that a commit made at a time, and its payload.

        None where it takes more than a look to tell that the state comes back; `verified` tells.
        """
        if not (self._is_json and self._fidelity.is_plainly_exact(state, payload)):
            return None
        namespace, epoch, name, revision = self.scope
        fields = state.__dict__
        return new_tuple(
            AggregateRecord,
            (
                namespace,
                epoch,
                name,
                fields["id"],
                revision,
                fields["version"],
                last_event_id,
                at,
                anchor_at,
                at,
                at,
                self.codec.name,
                payload,
                b"",
            ),
        )

    def verified(
        self,
        state: Aggregate,
        payload: bytes,
        of_events: tuple[UUID | None, datetime | None, datetime | None],
        *,
        verified_at: datetime,
        taken_at: datetime,
    ) -> AggregateRecord:
        """The record of a state and its payload, from which the state comes back as it is.

        `of_events` has the last event's id and time, and the anchor; they are there. Raises
        `StateNotKeptError` if it doesn't.
        """
        json = payload if self._is_json else None
        try:
            details = self._fidelity.state_details(state, json, lambda: self._decode(payload))
        except Exception as error:  # noqa: BLE001 a record that can't be read again is not put
            raise self._not_kept(state, f"its record can't be read, {told(error)}") from None
        if isinstance(details, Difference):
            raise self._not_kept(state, str(details))
        namespace, epoch, aggregate_type, revision = self.scope
        last_event_id, last_event_at, anchor_at = of_events
        fields = state.__dict__
        return new_tuple(
            AggregateRecord,
            (
                namespace,
                epoch,
                aggregate_type,
                fields["id"],
                revision,
                fields["version"],
                last_event_id,
                last_event_at,
                anchor_at,
                verified_at,
                taken_at,
                self.codec.name,
                payload,
                details,
            ),
        )

    def _not_kept(self, state: Aggregate, where: str) -> StateNotKeptError:
        return StateNotKeptError(
            f"{self.scope.aggregate_type} {state.id} version {state.version} isn't kept, since it "
            f"wouldn't come back from its record as it is: {where}",
            where=where,
        )

    def state(self, record: AggregateRecord, key: RecordKey) -> Aggregate:
        """Decode a new state from the key's record.

        Raises `RecordUnusableError` for another key's record and for one that doesn't decode.
        """
        record.check_is_of(key)
        return self.decoded(record)

    def decoded(self, record: AggregateRecord) -> Aggregate:
        """Decode a new state from a record of the right key. Raises `RecordUnusableError`."""
        if record.codec != self.codec.name:
            raise RecordUnusableError(
                f"a record in {record.codec}, wanted one in {self.codec.name}",
                version=record.version,
            )
        try:
            state = self._decode(record.payload)
            if record.details:
                restore(state, record.details)
        except Exception as error:  # noqa: BLE001 whatever a foreign payload leads to
            raise RecordUnusableError(
                f"the payload of a record of {record.aggregate_type} {record.aggregate_id} version "
                f"{record.version} doesn't decode: {told(error)}",
                version=record.version,
            ) from None
        fields = state.__dict__  # an attribute of a model takes several times as long to read
        if fields["id"].int != record.aggregate_id.int or fields["version"] != record.version:
            raise RecordUnusableError(
                f"the payload is of {state.id} version {state.version}, its stamp says "
                f"{record.aggregate_id} version {record.version}",
                version=record.version,
            )
        namespace, epoch = self._place
        revision, _, last_event_id, last_event_at, anchor_at = record[4:9]
        set_origin(state, (namespace, epoch, revision, last_event_id, last_event_at, anchor_at))
        return state

    def another(self, state: Aggregate, record: AggregateRecord) -> Aggregate:
        """Decode another object of a state from its record."""
        copy = self._decode(record.payload)
        if record.details:
            restore(copy, record.details)
        set_origin(copy, get_origin(state))
        return copy

    def origin(self, record: AggregateRecord) -> OriginFields:
        """The provenance of a state that is decoded from the record."""
        revision, _, last_event_id, last_event_at, anchor_at = record[4:9]
        namespace, epoch = self._place
        return namespace, epoch, revision, last_event_id, last_event_at, anchor_at

    def record_of(
        self, aggregate: Aggregate, *, verified_at: datetime, taken_at: datetime
    ) -> AggregateRecord:
        """The record of an aggregate that carries its stamp, as a plain backend returns it.

        Raises `RecordUnusableError` if there is no stamp, or it is of another scope, and
        `StateNotKeptError`.
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
