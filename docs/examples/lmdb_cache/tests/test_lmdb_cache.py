"""What LMDB brings with it: a file of a fixed size, opened once in a process, by several."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from interlock import Aggregate, ApplicationBuilder, Command, applies_event, handles_command
from interlock.application import LoadReport, OnLoad
from interlock.backends import (
    BackendUnavailableError,
    RecordKey,
    RecordTooLargeError,
    RecordUnusableError,
)
from interlock_conformance.records import record_of
from pydantic import BaseModel

from interlock_lmdb_cache.backend import LmdbCacheBackend
from interlock_lmdb_cache.config import LmdbCacheConfig
from interlock_lmdb_cache.entries import Entries, Transaction

LIMIT = 2**21
CONFIG = """
schema = 1
[cache_backends.local]
backend = "lmdb-cache"
directory = "{directory}"
[aggregates.Account]
cache_strategy = "always"
cache_backend = "local"
"""


def key_of(number: int) -> RecordKey:
    return RecordKey("default", 0, "Account", UUID(int=number), "1")


def cache_in(directory: Path) -> LmdbCacheBackend:
    return LmdbCacheBackend(LmdbCacheConfig.model_validate({"directory": directory / "cache"}))


def small_cache_in(directory: Path) -> LmdbCacheBackend:
    return LmdbCacheBackend(
        LmdbCacheConfig.model_validate({"directory": directory / "cache", "size_limit": LIMIT})
    )


async def put(cache: LmdbCacheBackend, number: int, size: int = 100) -> None:
    key = key_of(number)
    await cache.put(key, record_of(key, 1, payload=b"x" * size))


async def stands(cache: LmdbCacheBackend, number: int) -> bool:
    return await cache.read(key_of(number)) is not None


async def test_when_it_is_full_the_oldest_go_and_the_file_stays_as_large(tmp_path: Path) -> None:
    cache = small_cache_in(tmp_path)
    await cache.open()
    for number in range(50):
        await put(cache, number, size=60_000)
        assert await stands(cache, number)
        assert not number or await stands(cache, number - 1)
    assert not await stands(cache, 0)
    assert sum([await stands(cache, number) for number in range(50)]) > 10
    assert (tmp_path / "cache" / "data.mdb").stat().st_size <= LIMIT
    await cache.close()


async def test_an_entry_that_is_put_again_is_young_again(tmp_path: Path) -> None:
    cache = small_cache_in(tmp_path)
    await cache.open()
    for number in range(1, 40):
        await put(cache, 0)
        await put(cache, number, size=60_000)
    assert await stands(cache, 0)
    assert not await stands(cache, 1)
    await cache.close()


async def test_a_record_that_is_too_large_takes_the_entry_with_it(tmp_path: Path) -> None:
    cache = small_cache_in(tmp_path)
    await cache.open()
    await put(cache, 1)
    with pytest.raises(RecordTooLargeError, match="takes 65536, a 32nd of size_limit"):
        await put(cache, 1, size=65_536)
    assert not await stands(cache, 1)
    await cache.close()


async def test_where_the_file_has_no_room_it_starts_anew_and_goes_on(tmp_path: Path) -> None:
    cache = small_cache_in(tmp_path)
    await cache.open()
    await put(cache, 1)

    def fill(entries: Entries, txn: Transaction) -> None:
        entries.set(txn, b"as large as the file", 0.0, b"x" * LIMIT)

    with pytest.raises(BackendUnavailableError, match="starts anew"):
        await cache._write(fill)
    assert not await stands(cache, 1)
    for number in range(10):
        await put(cache, number, size=60_000)
        assert await stands(cache, number)
    await cache.close()


async def test_those_of_one_process_share_the_file_and_the_last_closes_it(tmp_path: Path) -> None:
    first, second = cache_in(tmp_path), cache_in(tmp_path)
    await first.open()
    await second.open()
    await put(first, 1)
    await first.close()
    assert await stands(second, 1)
    await second.close()
    await first.open()
    assert await stands(first, 1)
    await first.close()


async def test_one_that_is_not_open_says_so(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    with pytest.raises(BackendUnavailableError, match="isn't open"):
        await cache.read(key_of(1))
    with pytest.raises(BackendUnavailableError, match="isn't open"):
        await put(cache, 1)


async def test_a_put_opens_what_could_not_be_opened_at_the_start(tmp_path: Path) -> None:
    obstacle = tmp_path / "cache"
    obstacle.write_text("a file where the directory should be")
    cache = cache_in(tmp_path)
    with pytest.raises(BackendUnavailableError, match="cache in"):
        await cache.open()
    obstacle.unlink()
    await put(cache, 1)
    assert await stands(cache, 1)
    await cache.close()


async def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "data.mdb"
    file.parent.mkdir()
    file.write_bytes(b"another program's" * 1_000)
    cache = cache_in(tmp_path)
    with pytest.raises(BackendUnavailableError):
        await cache.open()
    await cache.close()
    assert file.read_bytes() == b"another program's" * 1_000


@pytest.mark.parametrize("value", [b"", b"stray"])
async def test_a_stray_entry_is_unusable_and_in_nobodys_way(tmp_path: Path, value: bytes) -> None:
    cache = small_cache_in(tmp_path)
    await cache.open()
    await put(cache, 1)

    def stray(entries: Entries, txn: Transaction) -> None:
        txn.put(key_of(1).text().encode(), value, db=entries._entries)

    await cache._write(stray)
    with pytest.raises(RecordUnusableError):
        await cache.read(key_of(1))
    await put(cache, 1)
    assert await stands(cache, 1)
    for number in range(2, 40):
        await put(cache, number, size=60_000)
    assert await stands(cache, 39)
    await cache.close()


async def test_only_its_user_reads_it(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    await cache.open()
    await cache.close()
    modes = [(tmp_path / "cache" / name).stat().st_mode & 0o777 for name in (".", "data.mdb")]
    assert modes == [0o700, 0o600]


class Deposit(Command[None]):
    amount: int


class Deposited(BaseModel):
    amount: int


class Account(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> None:
        self.emit(Deposited(amount=command.amount))

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount


async def test_an_application_uses_it_by_name(tmp_path: Path) -> None:
    config = tmp_path / "interlock.toml"
    config.write_text(CONFIG.format(directory=tmp_path / "cache"))
    reports: list[LoadReport] = []
    builder = ApplicationBuilder.from_config(config).register_observer(OnLoad(reports.append))
    account_id = uuid4()
    async with builder.register_aggregate(Account).build() as app:
        await app.dispatch(Deposit(aggregate_id=account_id, amount=5))
        assert (await app.load(Account, account_id)).balance == 5
    assert reports[-1].baseline.value == "cache"
