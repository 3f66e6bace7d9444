"""The floor on servers: the driver's own calls, one connection, statements prepared once."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from pydantic import BaseModel

from account import Account
from floor import PlainAccount, payload_of, replayed, state_of

Link = Any  # a driver's connection; the drivers share no type

_INSERT_EVENT = "insert into {events} values ({0}, {1}, {2}, {3}, {4}, {5}, {6})"
_INSERT_SNAPSHOT = "insert into {snapshots} values ({0}, {1}, {2})"
_READ = "select version, type, payload from {events} where stream = {0} order by version"
_SNAPSHOT_AND_TAIL = """\
select version, '' as type, payload from {snapshots} where stream = {0}
union all
select e.version, e.type, e.payload from {snapshots} s
 join {events} e on e.stream = s.stream and e.version > s.version where s.stream = {0}
order by version"""


class ServerFloor(Protocol):
    """Loads and appends by hand."""

    async def append(self, account_id: UUID, version: int, event: BaseModel) -> None:
        """Store an account's next event; its key refuses a second one at the version."""
        ...

    async def load(self, account_id: UUID) -> PlainAccount:
        """Replay all events: one statement."""
        ...

    async def load_snapshot(self, account_id: UUID) -> PlainAccount:
        """Replay the events after the snapshot: one statement for both."""
        ...

    async def create(self) -> None:
        """Make the tables."""
        ...

    async def fill(self, account_id: UUID, events: Sequence[BaseModel], state: Account) -> None:
        """Store an account with a snapshot."""
        ...


def _row(account_id: UUID, version: int, event: BaseModel) -> tuple[object, ...]:
    metadata = json.dumps({"command_id": str(uuid4())}).encode()
    payload = event.model_dump_json().encode()
    now = int(datetime.now(UTC).timestamp() * 1e6)
    name = type(event).__name__
    return account_id.bytes, version, uuid4().bytes, name, now, metadata, payload


def _from_snapshot(rows: Sequence[Sequence[Any]]) -> PlainAccount:
    return replayed(state_of(rows[0][2]), rows[1:])


class PostgreSQLFloor:
    """A `ServerFloor` on asyncpg, which keeps a prepared statement for each text."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._events, self._snapshots = f"{prefix}floor_events", f"{prefix}floor_snapshots"
        names = {"events": self._events, "snapshots": self._snapshots}
        values = [f"${number}" for number in range(1, 8)]
        self._read = _READ.format(*values, **names)
        self._read_both = _SNAPSHOT_AND_TAIL.format(*values, **names)
        self._insert = _INSERT_EVENT.format(*values, **names)
        self._insert_snapshot = _INSERT_SNAPSHOT.format(*values, **names)

    async def append(self, account_id: UUID, version: int, event: BaseModel) -> None:
        await self._link.execute(self._insert, *_row(account_id, version, event))

    async def load(self, account_id: UUID) -> PlainAccount:
        rows = await self._link.fetch(self._read, account_id.bytes)
        return replayed(PlainAccount(id=account_id), rows)

    async def load_snapshot(self, account_id: UUID) -> PlainAccount:
        return _from_snapshot(await self._link.fetch(self._read_both, account_id.bytes))

    async def create(self) -> None:
        await self._link.execute(
            f"create table {self._events} (stream bytea, version bigint, event_id bytea, type text,"
            " recorded_at bigint, metadata bytea, payload bytea, primary key (stream, version))"
        )
        await self._link.execute(
            f"create table {self._snapshots} (stream bytea primary key, version bigint,"
            " payload bytea)"
        )

    async def fill(self, account_id: UUID, events: Sequence[BaseModel], state: Account) -> None:
        rows = [_row(account_id, version, event) for version, event in enumerate(events, 1)]
        await self._link.executemany(self._insert, rows)
        snapshot = account_id.bytes, state.version, payload_of(state)
        await self._link.execute(self._insert_snapshot, *snapshot)


class MariaDBFloor:
    """A `ServerFloor` on asyncmy, which quotes values into the text."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._events, self._snapshots = f"{prefix}floor_events", f"{prefix}floor_snapshots"
        names = {"events": self._events, "snapshots": self._snapshots}
        values = ["%s"] * 7
        self._read = _READ.format(*values, **names)
        self._read_both = _SNAPSHOT_AND_TAIL.format(*values, **names)
        self._insert = _INSERT_EVENT.format(*values, **names)
        self._insert_snapshot = _INSERT_SNAPSHOT.format(*values, **names)

    async def append(self, account_id: UUID, version: int, event: BaseModel) -> None:
        async with self._link.cursor() as cursor:
            await cursor.execute(self._insert, _row(account_id, version, event))

    async def load(self, account_id: UUID) -> PlainAccount:
        async with self._link.cursor() as cursor:
            await cursor.execute(self._read, (account_id.bytes,))
            return replayed(PlainAccount(id=account_id), await cursor.fetchall())

    async def load_snapshot(self, account_id: UUID) -> PlainAccount:
        async with self._link.cursor() as cursor:
            await cursor.execute(self._read_both, (account_id.bytes, account_id.bytes))
            return _from_snapshot(await cursor.fetchall())

    async def create(self) -> None:
        async with self._link.cursor() as cursor:
            await cursor.execute(
                f"create table {self._events} (stream binary(16), version bigint,"
                " event_id binary(16), type varchar(255), recorded_at bigint, metadata longblob,"
                " payload longblob, primary key (stream, version))"
            )
            await cursor.execute(
                f"create table {self._snapshots} (stream binary(16) primary key, version bigint,"
                " payload longblob)"
            )

    async def fill(self, account_id: UUID, events: Sequence[BaseModel], state: Account) -> None:
        async with self._link.cursor() as cursor:
            rows = [_row(account_id, version, event) for version, event in enumerate(events, 1)]
            await cursor.executemany(self._insert, rows)
            snapshot = account_id.bytes, state.version, payload_of(state)
            await cursor.execute(self._insert_snapshot, snapshot)


FLOORS: dict[str, type[PostgreSQLFloor] | type[MariaDBFloor]] = {
    "postgresql": PostgreSQLFloor,
    "mariadb": MariaDBFloor,
}
