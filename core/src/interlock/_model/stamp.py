"""The stamp in an aggregate's JSON: which state it is, where it comes from, and a checksum."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import PydanticCustomError, from_json, to_json

from interlock._model.routes import type_name
from interlock._values.canonical import canonical_json
from interlock._values.fidelity import fidelity_of
from interlock._values.sharing import restore

STAMP_KEY = "interlock_stamp"


class Origin(NamedTuple):
    """A state's origin: its stamp without type, id and version, which the state itself has."""

    namespace: str
    epoch: int
    revision: str
    last_event_id: UUID
    last_event_at: datetime
    anchor_at: datetime


OriginFields = tuple[str, int, str, UUID, datetime, datetime]
"""An `Origin` or its fields in order, which take a fraction of the time to make."""


class PendingEvent(NamedTuple):
    """An emitted event, encoded at once; its id is kept through every retry of the append."""

    event_id: UUID
    type: str
    schema_version: int
    payload: bytes


def stamp_of(
    state: Any, origin: Origin | None, pending: Sequence[PendingEvent]
) -> dict[str, Any]:  # Any: an aggregate; a JSON object
    """The stamp of a state, as its JSON carries it."""
    last_event_id = pending[-1].event_id if pending else origin and origin.last_event_id
    stamp: dict[str, Any] = {
        "namespace": origin and origin.namespace,
        "epoch": origin and origin.epoch,
        "type": type_name(type(state)),
        "id": str(state.id),
        "revision": origin and origin.revision,
        "version": state.version,
        "last_event_id": last_event_id and str(last_event_id),
        "last_event_at": origin and origin.last_event_at.isoformat(),
        "anchor_at": origin and origin.anchor_at.isoformat(),
    }
    details = fidelity_of(type(state)).details(state)
    if details:
        stamp["details"] = from_json(details)
    return stamp | {"checksum": _checksum(state, stamp)}


def _checksum(state: Any, stamp: Mapping[str, Any]) -> str:  # Any: as above
    canonical = to_json([canonical_json(state).decode(), stamp])
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def read_stamp(found: object) -> dict[str, Any]:  # Any: JSON values
    """The stamp that a JSON object carries. Raises `ValidationError` if it is none."""
    try:
        stamp = from_json(to_json(found))
    except Exception as error:  # noqa: BLE001 whatever a foreign object leads to
        fail("the stamp can't be read: {error}", error=type(error).__name__)
    if not isinstance(stamp, dict):
        fail("the stamp is {found}, wanted an object", found=type(stamp).__name__)
    return stamp


def proven_origin(
    state: Any, stamp: Mapping[str, Any]
) -> Origin | None:  # Any: an aggregate; JSON values
    """The origin that a stamp tells, if any; what JSON didn't keep of the state is put back.

    Raises `ValidationError` if the stamp doesn't fit the state.
    """
    rest = {key: value for key, value in stamp.items() if key != "checksum"}
    try:
        checksum = _checksum(state, rest)
    except Exception as error:  # noqa: BLE001 whatever a serializer raises
        fail("the state has no JSON to compare: {error}", error=type(error).__name__)
    if stamp.get("checksum") != checksum:
        fail(
            "the stamp's checksum doesn't fit the state; the JSON was changed after it was written"
        )
    if (stamp.get("id"), stamp.get("version")) != (str(state.id), state.version):
        fail("the stamp is of another id or version than the state")
    try:
        if "details" in stamp:
            restore(state, to_json(stamp["details"]))
        return None if stamp.get("revision") is None else _origin_in(stamp)
    except Exception as error:  # noqa: BLE001 whatever parts of another form lead to
        fail("the stamp can't be read: {error}", error=type(error).__name__)


def _origin_in(stamp: Mapping[str, Any]) -> Origin:  # Any: as above
    """Raises `KeyError`, `TypeError` or `ValueError` for what no stamp of ours holds."""
    namespace, epoch, revision = stamp["namespace"], stamp["epoch"], stamp["revision"]
    if [type(each) for each in (namespace, epoch, revision)] != [str, int, str]:
        raise TypeError
    return Origin(
        namespace,
        epoch,
        revision,
        last_event_id=UUID(stamp["last_event_id"]),
        last_event_at=_utc(stamp["last_event_at"]),
        anchor_at=_utc(stamp["anchor_at"]),
    )


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() != timedelta(0):
        raise ValueError
    return moment.astimezone(UTC)


def fail(template: str, **context: str | int) -> NoReturn:
    """Raise a `ValidationError` about the stamp."""
    error = PydanticCustomError("interlock_stamp", template, context)
    raise ValidationError.from_exception_data(
        "Aggregate", [{"type": error, "loc": (STAMP_KEY,), "input": context}]
    )
