"""Snapshots, caches and commands on a table that other code writes to as well."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from interlock import ApplicationBuilder, backend
from interlock.application import Application, LoadReport, OnLoad, Source
from interlock.application.aggregates import (
    AlwaysCache,
    AnyOf,
    FastForward,
    SnapshotAfterN,
    SnapshotWhenReplayed,
)
from interlock.backends import BackendUnavailableError, StoredEvent
from sql_rig import Place

from existing_events.domain import Account, Withdraw
from existing_events.legacy import record
from existing_events.store import LedgerEventStore, ReadOnlyLedger

NUMBER = 4711
ACCOUNT = UUID(int=NUMBER)
STREAM = f"account-{NUMBER}"


class Bank:
    """Processes on one database: each has a cache of its own, and they share the snapshots."""

    def __init__(self, url: str, place: Place) -> None:
        self.url = url
        self.reports: list[LoadReport] = []
        self._snapshots = backend(
            "sqlalchemy-snapshots",
            url=place.url,
            table=place.table("snapshots"),
            create_schema=True,
        )

    def process(self, store: LedgerEventStore | None = None) -> Application:
        builder = ApplicationBuilder().register_event_store(store or LedgerEventStore(self.url))
        builder.register_aggregate(
            Account,
            snapshot_strategy=AnyOf(SnapshotAfterN(100), SnapshotWhenReplayed(100)),
            snapshot_backend=self._snapshots,
            cache_strategy=AlwaysCache,
            cache_backend="memory-cache",
        )
        return builder.register_observer(OnLoad(self.reports.append)).build()


@pytest.fixture
def bank(url: str, place: Place) -> Bank:
    return Bank(url, place)


@pytest.fixture
async def app(connection: Any, bank: Bank) -> AsyncIterator[Application]:
    async with bank.process() as app:
        yield app


async def deposit(connection: Any, *amounts: int) -> None:
    for cents in amounts:
        await record(connection, NUMBER, "deposited", cents)


async def kinds(connection: Any) -> list[str]:
    rows = await connection.fetch("SELECT kind FROM ledger ORDER BY stream, position")
    return [row["kind"] for row in rows]


async def test_what_was_there_is_loaded_and_then_found_in_cache_and_snapshot(
    connection: Any, bank: Bank
) -> None:
    await deposit(connection, *[1] * 150)
    for _ in range(2):
        async with bank.process() as app:
            for _ in range(2):
                assert (await app.load(Account, ACCOUNT)).cents == 150
    assert [(report.baseline, report.events_folded) for report in bank.reports] == [
        (Source.EMPTY, 150),
        (Source.CACHE, 0),
        (Source.SNAPSHOT, 0),
        (Source.CACHE, 0),
    ]


async def test_a_load_of_an_old_version_gives_what_it_was(
    connection: Any, app: Application
) -> None:
    await deposit(connection, 5, 6, 7)
    assert (await app.load(Account, ACCOUNT, version=2)).cents == 11


async def test_commands_and_the_existing_code_go_on_behind_each_other(
    connection: Any, app: Application
) -> None:
    await deposit(connection, 500)
    await app.dispatch(Withdraw(aggregate_id=ACCOUNT, cents=200))
    await deposit(connection, 50)
    await app.dispatch(Withdraw(aggregate_id=ACCOUNT, cents=350))
    assert await kinds(connection) == ["deposited", "withdrawn"] * 2
    assert (await app.load(Account, ACCOUNT)).cents == 0
    with pytest.raises(ValueError, match="0 cents are there"):
        await app.dispatch(Withdraw(aggregate_id=ACCOUNT, cents=1))


async def test_a_stale_state_decides_nothing(connection: Any, app: Application) -> None:
    await deposit(connection, 100)
    assert (await app.load(Account, ACCOUNT)).cents == 100
    await record(connection, NUMBER, "withdrawn", 100)
    with pytest.raises(ValueError, match="0 cents are there"):
        await app.dispatch(Withdraw(aggregate_id=ACCOUNT, cents=60))
    await deposit(connection, 1000)
    await app.dispatch(Withdraw(aggregate_id=ACCOUNT, cents=900))
    assert (await app.load(Account, ACCOUNT)).cents == 100


class LosesReplies(LedgerEventStore):
    async def append(
        self, events: Sequence[StoredEvent], *, after: tuple[int, UUID] | None
    ) -> None:
        await super().append(events, after=after)
        raise BackendUnavailableError("the reply was lost")


async def test_an_append_whose_reply_is_lost_is_not_made_twice(connection: Any, bank: Bank) -> None:
    await deposit(connection, 500)
    async with bank.process(LosesReplies(bank.url)) as app:
        await app.dispatch(Withdraw(aggregate_id=ACCOUNT, cents=200))
    assert await kinds(connection) == ["deposited", "withdrawn"]


async def restore(connection: Any, *rows: tuple[int, datetime]) -> None:
    """The table as after a restore, with other rows since: the counter goes back too."""
    await connection.execute("TRUNCATE ledger RESTART IDENTITY")
    for position, (cents, written_at) in enumerate(rows):
        await connection.execute(
            "INSERT INTO ledger (stream, position, kind, body, written_at) "
            "VALUES ($1, $2, 'deposited', jsonb_build_object('cents', $3::int), $4)",
            STREAM,
            position,
            cents,
            written_at,
        )


MOMENT, LATER = datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)


async def test_a_state_from_before_a_restore_is_noticed_by_its_last_row(
    connection: Any, app: Application
) -> None:
    await restore(connection, (100, MOMENT), (5, MOMENT))
    assert (await app.load(Account, ACCOUNT)).cents == 105
    await restore(connection, (200, LATER), (5, LATER))
    assert (await app.load(Account, ACCOUNT, freshness=FastForward())).cents == 205


async def test_one_whose_last_row_is_the_same_in_everything_is_not(
    connection: Any, app: Application
) -> None:
    # The weakness that the page tells of. With an id of its own in each row the answer is 205.
    await restore(connection, (100, MOMENT), (5, MOMENT))
    assert (await app.load(Account, ACCOUNT)).cents == 105
    await restore(connection, (200, MOMENT), (5, MOMENT))
    assert (await app.load(Account, ACCOUNT, freshness=FastForward())).cents == 105


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        (b'{"b": 1, "a": 2}', b'{"a": 2, "b": 1}'),
        (b'{"a": 1, "a": 2}', b'{"a": 2}'),
        (b'{"a": -0.0}', b'{"a": 0.0}'),
        (b'{"a": "\\u0000"}', None),
        (b'{"a": 1e300}', b'{"a": 1%s}' % (b"0" * 300)),
    ],
)
async def test_jsonb_keeps_what_json_means_and_not_how_it_is_written(
    connection: Any, url: str, payload: bytes, kept: bytes | None
) -> None:
    event = StoredEvent("account", ACCOUNT, 1, uuid4(), "x", 1, MOMENT, b"{}", payload)
    store = LedgerEventStore(url)
    await store.open()
    try:
        if kept is None:
            with pytest.raises(BackendUnavailableError) as caught:
                await store.append([event], after=None)
            assert caught.value.nothing_done
        else:
            await store.append([event], after=None)
        found = [row.payload async for rows in store.read("account", ACCOUNT) for row in rows]
        assert found == ([] if kept is None else [kept])
    finally:
        await store.close()


async def test_where_only_the_existing_code_writes_interlock_loads(
    connection: Any, bank: Bank
) -> None:
    await deposit(connection, *[1] * 150)
    async with bank.process(ReadOnlyLedger(bank.url)) as app:
        assert (await app.load(Account, ACCOUNT)).cents == 150
        await deposit(connection, 7)
        assert (await app.load(Account, ACCOUNT)).cents == 150  # `Trust`: an earlier state
        assert (await app.load(Account, ACCOUNT, freshness=FastForward())).cents == 157
        with pytest.raises(BackendUnavailableError, match="the ledger's own code"):
            await app.dispatch(Withdraw(aggregate_id=ACCOUNT, cents=1))
    async with bank.process(ReadOnlyLedger(bank.url)) as app:
        assert (await app.load(Account, ACCOUNT)).cents == 157
    assert bank.reports[-1].baseline is Source.SNAPSHOT
