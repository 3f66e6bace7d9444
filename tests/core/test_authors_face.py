"""What backends of all kinds are written with: comparing, translating, columns, bases."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from interlock.application.aggregates import InMemoryAggregateCacheBackend
from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    ConcurrencyError,
    EventStoreBackend,
    InterlockError,
    RecordTooLargeError,
    RecordUnusableError,
    conflict,
    from_columns,
    replaces,
    to_columns,
    translated,
    usable,
)
from memory_records import event, record

FOUND = record(3, details=b"{}")


class DriverError(Exception):
    pass


class TestReplaces:
    @pytest.mark.parametrize(
        ("given", "is_replaced"),
        [
            (record(4), True),
            (record(2), False),
            (FOUND._replace(last_event_id=UUID(int=99)), True),
            (FOUND._replace(verified_at=FOUND.verified_at - timedelta(seconds=1)), False),
        ],
    )
    def test_the_newer_one_stays(self, *, given: AggregateRecord, is_replaced: bool) -> None:
        assert replaces(FOUND, given, ()) is is_replaced

    def test_what_is_missing_or_superseded_is_replaced(self) -> None:
        assert replaces(None, record(1), ())
        assert replaces(FOUND, record(1), [FOUND.stamp])
        assert not replaces(FOUND, record(1), [record(2).stamp])


class TestUsable:
    def test_an_unusable_record_is_none(self) -> None:
        blob = FOUND.to_bytes()
        assert usable(AggregateRecord.from_bytes, blob, key=FOUND.key) == FOUND
        assert usable(AggregateRecord.from_bytes, blob[:-1], key=FOUND.key) is None

    def test_another_error_passes(self) -> None:
        def unavailable() -> None:
            raise BackendUnavailableError("gone")

        with pytest.raises(BackendUnavailableError):
            usable(unavailable)


class TestTranslated:
    def test_a_driver_error_is_the_cause(self) -> None:
        with (
            pytest.raises(BackendUnavailableError, match=r"^the shelf: full$") as caught,
            translated(DriverError, OSError, where="the shelf"),
        ):
            raise DriverError("full")
        assert isinstance(caught.value.__cause__, DriverError)
        assert not caught.value.nothing_done

    def test_an_error_without_words_is_told_by_its_name(self) -> None:
        with (
            pytest.raises(BackendUnavailableError, match=r"^the shelf: DriverError\(\)$"),
            translated(DriverError, where="the shelf"),
        ):
            raise DriverError

    def test_what_is_told_can_be_chosen(self) -> None:
        shown = translated(
            DriverError,
            where="the shelf",
            told=lambda error: f"a {type(error).__name__}",
            nothing_done=True,
        )
        told = r"^the shelf: a DriverError$"
        with pytest.raises(BackendUnavailableError, match=told) as caught, shown:
            raise DriverError("password=hunter2")
        assert caught.value.nothing_done

    @pytest.mark.parametrize("error", [RecordUnusableError("damaged"), KeyError("a bug")])
    def test_other_errors_pass_as_they_are(self, error: Exception) -> None:
        with pytest.raises(type(error)) as caught, translated(DriverError, where="the shelf"):
            raise error
        assert caught.value is error

    def test_the_frameworks_own_pass_also_where_every_error_is_translated(self) -> None:
        with pytest.raises(InterlockError) as caught, translated(Exception, where="the shelf"):
            raise RecordUnusableError("damaged")
        assert type(caught.value) is RecordUnusableError


class TestVersionOfARow:
    def test_it_has_to_be_the_records(self) -> None:
        blob = FOUND.to_bytes()
        assert AggregateRecord.from_bytes(blob, key=FOUND.key, version=3) == FOUND
        with pytest.raises(RecordUnusableError, match="version 3, wanted version 4") as caught:
            AggregateRecord.from_bytes(blob, key=FOUND.key, version=4)
        assert caught.value.version == 4

    def test_every_error_tells_it(self) -> None:
        for blob in (b"damaged", record(3, aggregate_id=UUID(int=9)).to_bytes()):
            with pytest.raises(RecordUnusableError) as caught:
                AggregateRecord.from_bytes(blob, key=FOUND.key, version=3)
            assert caught.value.version == 3


class TestColumns:
    def test_a_record_comes_back(self) -> None:
        columns = to_columns(FOUND)
        assert from_columns({**columns, "row_number": 5}, key=FOUND.key) == FOUND
        assert {type(value) for value in columns.values()} == {int, str, bytes}

    @pytest.mark.parametrize("name", sorted(to_columns(FOUND)))
    def test_a_changed_column_is_unusable(self, name: str) -> None:
        columns = to_columns(FOUND)
        for other in (columns[name] * 2, None, object(), -(2**63), b"", "\udc80"):
            with pytest.raises(RecordUnusableError):
                from_columns({**columns, name: other}, key=FOUND.key)

    def test_a_missing_column_is_unusable_and_the_version_is_told(self) -> None:
        columns = to_columns(FOUND)
        del columns["codec"]
        with pytest.raises(RecordUnusableError) as caught:
            from_columns(columns, key=FOUND.key)
        assert caught.value.version == 3

    def test_the_row_of_another_key_is_unusable(self) -> None:
        with pytest.raises(RecordUnusableError, match="wrong checksum"):
            from_columns(to_columns(FOUND), key=FOUND.key._replace(namespace="other"))


async def test_a_record_above_the_limit_leaves_no_entry() -> None:
    cache = InMemoryAggregateCacheBackend()
    await cache.put(FOUND.key, FOUND)
    await cache.check_size(FOUND.key, b"123", 3, advice="a tenth of size_limit: raise it")
    assert await cache.read(FOUND.key) == FOUND
    with pytest.raises(RecordTooLargeError, match=r"has 4 bytes.* takes 3, a tenth of size_limit"):
        await cache.check_size(FOUND.key, b"1234", 3, advice="a tenth of size_limit: raise it")
    assert await cache.read(FOUND.key) is None


class Journal(EventStoreBackend):
    """Only appends."""

    async def append(self, events: Sequence[object], *, after: tuple[int, UUID] | None) -> None: ...


def test_an_event_store_that_lacks_methods_fails_where_it_is_made() -> None:
    with pytest.raises(TypeError, match=r"abstract methods '?delete'?, '?head'?, '?read'?"):
        Journal()  # type: ignore[abstract] # what is shown


def test_a_conflict_tells_both_heads() -> None:
    told = str(conflict(event(4), after=(3, UUID(int=3)), found=None))
    assert f"wanted its head to be version 3 with event {UUID(int=3)}, found none;" in told
    error = conflict(event(4), after=None, found="unknown")
    assert isinstance(error, ConcurrencyError)
    assert "wanted its head to be none, found unknown;" in str(error)
