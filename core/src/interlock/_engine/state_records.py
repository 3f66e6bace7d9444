"""From a loaded state to a record from which it comes back, and to another object of it."""

import copy
from datetime import datetime
from typing import Any
from uuid import UUID

from interlock._engine.load_context import LoadedState
from interlock._engine.registration import Registration
from interlock._model.aggregate import Aggregate
from interlock._storage.records import AggregateRecord
from interlock.errors import InterlockError, StateNotKeptError

_REMEMBERED = 1_000  # ids
_MANY_BYTES = 500_000
"""A commit doesn't wait for the verification of more bytes, which takes some 5 ms."""


class StateRecords:
    """The records of the states of one registered aggregate, each encoded and verified once."""

    def __init__(self, registration: Registration) -> None:
        self._registration = registration
        self._mapper = registration.mapper
        self._losses: dict[UUID, str] = {}  # what the latest state would lose, the latest last

    def snapshot(self, loaded: LoadedState, now: datetime) -> AggregateRecord:
        """The record of a snapshot. Raises `StateNotKeptError`."""
        record, epoch = loaded.record, self._registration.snapshot_scope.epoch
        if record is None:
            record = self._verified(loaded, now)
        return record._replace(epoch=epoch, anchor_at=record.last_event_at)

    def cache_entry(self, loaded: LoadedState, now: datetime) -> AggregateRecord:
        """The record of a cache entry. Raises `StateNotKeptError`."""
        record = loaded.record
        if record is None:
            return self._verified(loaded, now)
        epoch = self._mapper.scope.epoch
        if record.epoch != epoch:
            record = record._replace(epoch=epoch)
        if record.verified_at != loaded.verified_at:
            record = record._replace(verified_at=loaded.verified_at)
        return record

    def of_commit(self, loaded: LoadedState, now: datetime) -> AggregateRecord | None:
        """The cache entry of what a commit made; None if it takes long to verify.

        Raises `StateNotKeptError`.
        """
        mapper, state = self._mapper, loaded.state
        loaded.payload = payload = mapper.encode(state)
        record = mapper.exact(state, payload, loaded.last_event_id, now, loaded.anchor_at)
        if record is None:
            return None if self.is_slow(loaded) else self._verified(loaded, now)
        if self._losses:
            self._losses.pop(loaded.aggregate_id, None)
        loaded.record = record
        return record

    def loss(self, aggregate_id: UUID) -> str | None:
        """The part of the id's latest state that a record would lose; None for none."""
        return self._losses.get(aggregate_id)

    def forget(self, aggregate_id: UUID) -> None:
        """Forget what a state of the id would have lost."""
        self._losses.pop(aggregate_id, None)

    def is_slow(self, loaded: LoadedState) -> bool:
        """Whether the state takes long to verify, by the bytes of its payload.

        Bytes and not a clock: that of a thread's CPU time is a call of the system, and costs more
        than a small state.
        """
        if loaded.record is not None:
            return False
        if loaded.payload is None:
            try:
                loaded.payload = self._mapper.encode(loaded.state)
            except InterlockError:
                return False  # raised again when it is written
        return len(loaded.payload) * self._mapper.fidelity.cost > _MANY_BYTES

    def copy(self, loaded: LoadedState) -> Aggregate | None:
        """Another object of the same state; None if the state holds what can't be copied."""
        if loaded.record is not None:
            return self._mapper.another(loaded.state, loaded.record)
        try:
            return copy.deepcopy(loaded.state)
        except Exception:  # noqa: BLE001 whatever a foreign object raises when it is copied
            return None

    def _verified(self, loaded: LoadedState, now: datetime) -> AggregateRecord:
        """The record of a state that has none, as a cache entry."""
        mapper, state = self._mapper, loaded.state
        try:
            loaded.record = mapper.verified(
                state,
                mapper.encode(state) if loaded.payload is None else loaded.payload,
                (loaded.last_event_id, loaded.last_event_at, loaded.anchor_at),
                verified_at=loaded.verified_at,
                taken_at=now,
            )
        except StateNotKeptError as error:
            remember(self._losses, loaded.aggregate_id, error.where)
            raise
        if self._losses:
            self._losses.pop(loaded.aggregate_id, None)
        return loaded.record


def remember(notes: dict[UUID, Any], aggregate_id: UUID, note: object) -> None:  # Any: a note
    """Note something of an id; of the oldest of too many ids it is forgotten."""
    notes[aggregate_id] = note
    if len(notes) > _REMEMBERED:
        del notes[next(iter(notes))]
