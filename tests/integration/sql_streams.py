"""Streams stored in bulk."""

from collections.abc import Iterable, Iterator
from itertools import islice
from uuid import UUID

from interlock._app.builder import utc_now
from interlock.backends import to_micros
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from sql_rig import Place
from teller import Deposited

_BYTES = {"sqlite": "x'{}'", "postgresql": "'\\x{}'", "mariadb": "x'{}'"}
_ROWS = 2_000  # of a statement


async def store(place: Place, lengths: Iterable[tuple[UUID, int]]) -> None:
    """Store streams of so many deposits of 1 under the ids."""
    options = SQLAlchemyEventsConfig(
        url=place.url, table=place.table("interlock_events"), create_schema=True
    )
    events = SQLAlchemyEventStore(options)
    await events.open()
    await events.close()
    rows = _rows(lengths, _BYTES[place.kind])
    while part := ",".join(islice(rows, _ROWS)):
        await place.run(
            "INSERT INTO AT.interlock_events (namespace, aggregate_type, aggregate_id, version,"  # noqa: S608 # ours
            " event_id, type, schema_version, recorded_at, metadata, payload)"
            f" VALUES {part}"
        )


def _rows(lengths: Iterable[tuple[UUID, int]], literal: str) -> Iterator[str]:
    payload = literal.format(Deposited(amount=1).model_dump_json().encode().hex())
    metadata, now = literal.format(b"{}".hex()), to_micros(utc_now())
    for aggregate_id, length in lengths:
        stream = f"'default','Account',{literal.format(aggregate_id.hex)}"
        for version in range(1, length + 1):
            event_id = literal.format(f"{aggregate_id.int % 2**64:016x}{version:016x}")
            yield f"({stream},{version},{event_id},'Deposited',1,{now},{metadata},{payload})"
