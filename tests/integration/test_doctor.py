"""`interlock plugins doctor` on real servers: what is up, what is down, what was never taken."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from interlock.application import ApplicationBuilder
from interlock.cli.doctor import Backend, examine, lines_of
from redis_rig import Server
from sql_rig import Place, dropped, made
from teller import Account, Deposit


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = made("postgresql", tmp_path)
    yield place
    dropped(place)


def configured(folder: Path, place: Place, more: str = "") -> Path:
    path = folder / "interlock.toml"
    path.write_text(
        f"""
schema = 1
[event_store]
backend = "sqlalchemy-events"
url = "{place.url}"
table = "{place.table("events")}"
create_schema = true
[snapshot_backends.main]
backend = "sqlalchemy-snapshots"
url = "{place.url}"
table = "{place.table("snapshots")}"
create_schema = true
[aggregates.default]
snapshot_strategy = {{ use = "after-n", n = 1 }}
snapshot_backend = "main"
{more}
"""
    )
    return path


def examined(config: Path) -> tuple[dict[str, Backend], str]:
    report = examine(config)
    return {each.where: each for each in report.backends}, "\n".join(lines_of(report))


async def _commit(config: Path) -> None:
    async with ApplicationBuilder.from_config(config).register_aggregate(Account).build() as app:
        await app.dispatch(Deposit(aggregate_id=uuid4(), amount=5))


def test_servers_that_are_up_say_what_they_are(place: Place, tmp_path: Path) -> None:
    server = Server()
    try:
        cache = f'[cache_backends.hot]\nbackend = "redis-cache"\nurl = "{server.url}"\n'
        found, text = examined(configured(tmp_path, place, cache))
    finally:
        server.end()
    assert [each.problem for each in found.values()] == [None, None, None]
    assert (found["event_store"].server or "").startswith("PostgreSQL ")
    assert (found["cache_backends.hot"].server or "").startswith(("Redis ", "Valkey "))
    assert "ok event_store (sqlalchemy-events): PostgreSQL " in text


def test_a_server_that_is_down_is_told_with_its_cause(place: Place, tmp_path: Path) -> None:
    server = Server()
    server.end()
    cache = f'[cache_backends.hot]\nbackend = "redis-cache"\nurl = "{server.url}"\n'
    found, text = examined(configured(tmp_path, place, cache))
    assert "Connect call failed" in (found["cache_backends.hot"].problem or "")
    assert found["event_store"].problem is None
    assert "BROKEN cache_backends.hot (redis-cache): " in text


def test_a_table_that_is_missing_is_told(place: Place, tmp_path: Path) -> None:
    config = configured(tmp_path, place)
    config.write_text(config.read_text().replace("create_schema = true", ""))
    found, _ = examined(config)
    assert "there is no table" in (found["event_store"].problem or "")


def test_snapshots_that_were_never_taken_are_told(place: Place, tmp_path: Path) -> None:
    config = configured(tmp_path, place, '[aggregates.Account]\nfreshness = "trust"\n')
    found, text = examined(config)
    (account,) = found["snapshot_backends.main"].snapshots
    assert (account.aggregate, account.taken_at) == ("Account", None)
    assert "Account: a strategy asks for snapshots, and none is there" in text


def test_the_newest_snapshot_of_each_type_is_told(place: Place, tmp_path: Path) -> None:
    config = configured(tmp_path, place)
    found, text = examined(config)
    assert found["snapshot_backends.main"].note == "it has no snapshot yet"
    asyncio.run(_commit(config))
    found, text = examined(config)
    (account,) = found["snapshot_backends.main"].snapshots
    assert account.taken_at is not None
    assert "Account: the newest snapshot was taken " in text
    assert f"at {account.taken_at:%Y-%m-%d %H:%M}Z" in text


def test_where_no_strategy_asks_for_snapshots_none_are_missed(place: Place, tmp_path: Path) -> None:
    config = configured(tmp_path, place, '[aggregates.Account]\nsnapshot_strategy = "never"\n')
    config.write_text(config.read_text().replace('{ use = "after-n", n = 1 }', '"never"'))
    found, _ = examined(config)
    main = found["snapshot_backends.main"]
    assert (main.problem, main.snapshots, main.note) == (None, [], None)
