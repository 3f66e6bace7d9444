"""Whether a state that goes on from a snapshot is the one that the events give."""

from collections.abc import Iterable, Sequence
from uuid import UUID, uuid4

from pydantic import BaseModel

from interlock._engine.fold import Fold
from interlock._model.aggregate import Aggregate, routes_of
from interlock._model.stamp import Origin
from interlock._storage.codecs import Codec, JsonCodec
from interlock._storage.record_mapper import AggregateMapper
from interlock._storage.records import EventRow, Scope, from_micros
from interlock._testing.stored import complete, stored
from interlock._values.comparing import difference
from interlock.errors import EventApplyError, RecordUnusableError, StateNotKeptError

_SCOPE = Scope("default", 0, "", "tested")


def assert_snapshots_equivalent(
    aggregate_type: type[Aggregate],
    events: Iterable[BaseModel],
    *,
    aggregate_id: UUID | None = None,
    codec: Codec | None = None,
) -> None:
    """Assert that a snapshot at whatever version changes no state of the aggregate.

    The events are applied, as a handler would emit them, to an aggregate of this id, or of any. At
    each version its state is encoded by the codec, JSON unless given, and decoded; what comes back
    has to be the state of a plain replay, and so has each state after it, with the further events.
    The types of values count, also where they are equal, and what is one object or two.

    Raises `AssertionError` with the version of the snapshot, that of the state, and the JSON path
    of the first difference; `ValueError` without events; and what `emit` raises. It takes the
    square of the number of events.
    """
    check = _Check(aggregate_type, aggregate_id or uuid4(), codec or JsonCodec())
    rows = stored(aggregate_type, check.aggregate_id, events)
    if not rows:
        raise ValueError("no events were given, so that there is nothing to compare")
    for version in range(1, len(rows) + 1):
        check.compare(rows, version)


class _Check:
    def __init__(self, aggregate_type: type[Aggregate], aggregate_id: UUID, codec: Codec) -> None:
        self._type = aggregate_type
        self.aggregate_id = aggregate_id
        self._routes = routes_of(aggregate_type)
        scope = _SCOPE._replace(aggregate_type=self._routes.name)
        self._mapper = AggregateMapper(aggregate_type, scope, codec)

    def compare(self, rows: Sequence[EventRow], version: int) -> None:
        """Compare what goes on from a snapshot at the version with a plain replay."""
        plain = self._fold(rows[:version])
        begun = Fold(self._routes, self._snapshot(rows[:version]))
        self._check_same(plain, begun, version)
        for row in rows[version:]:
            plain.extend([row])
            try:
                begun.extend([row])
            except EventApplyError as error:
                raise AssertionError(
                    f"{self._after(version)} can't take the event of version {row.version}, "
                    f"which a plain replay takes: {error}"
                ) from error
            self._check_same(plain, begun, version)

    def _fold(self, rows: Sequence[EventRow]) -> Fold:
        fold = Fold(self._routes, self._type(id=self.aggregate_id))
        fold.extend(rows)
        return fold

    def _snapshot(self, rows: Sequence[EventRow]) -> Aggregate:
        """What comes back from a snapshot that is taken after these events."""
        state, last = complete(self._fold(rows).state), rows[-1]
        at = from_micros(last.recorded_at)
        scope = self._mapper.scope
        origin = Origin(
            scope.namespace, scope.epoch, scope.revision, UUID(bytes=last.event_id), at, at
        )
        try:
            record = self._mapper.record(state, origin, verified_at=at, taken_at=at)
            return self._mapper.state(record, record.key)
        except (StateNotKeptError, RecordUnusableError) as error:
            raise AssertionError(f"no snapshot at version {last.version}: {error}") from error

    def _check_same(self, plain: Fold, begun: Fold, version: int) -> None:
        one, other = complete(plain.state), complete(begun.state)
        found = difference(one, other, self._mapper.fidelity.kinds, is_state=True)
        if found is not None:
            raise AssertionError(
                f"{self._after(version)} isn't, at version {plain.version}, what a plain replay "
                f"gives: {found}"
            )

    def _after(self, version: int) -> str:
        return f"{self._type.__name__} from a snapshot at version {version}"
