"""What the shared suite doesn't ask of the backend."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    ConfigurationError,
    RecordKey,
    RecordUnusableError,
    Scope,
)
from interlock_object_snapshots.backend import ObjectSnapshotBackend
from interlock_object_snapshots.bucket import Bucket
from interlock_object_snapshots.config import ObjectSnapshotsConfig
from interlock_object_snapshots.names import RecordName

OpenBackend = Callable[..., Awaitable[ObjectSnapshotBackend]]
Record = Callable[..., AggregateRecord]


async def _paths(backend: ObjectSnapshotBackend) -> list[str]:
    return [path async for path in backend._bucket.paths("")]


async def test_names_of_any_length_are_told_whole(
    open_backend: OpenBackend, key: RecordKey, record: Record
) -> None:
    backend, long = await open_backend(), "long " * 100
    of_long = key._replace(aggregate_type=long, revision=long)
    await backend.put(of_long, record(of_long, 1))
    assert list(await backend.revisions(of_long)) == [long]
    assert list(await backend.newest(key.namespace)) == [long]
    scope = Scope(key.namespace, 0, long, long)
    assert [each async for each in backend.ids(scope)] == [key.aggregate_id]


async def test_a_newer_record_that_could_not_be_read_is_replaced_by_what_is_put(
    open_backend: OpenBackend, key: RecordKey, record: Record
) -> None:
    backend = await open_backend()
    await backend.put(key, record(key, 9))
    (path,) = await _paths(backend)
    await backend._bucket.put(path, b"damaged")
    with pytest.raises(RecordUnusableError) as raised:
        await backend.read(key)
    assert raised.value.version == 9
    await backend.put(key, record(key, 3))
    found = await backend.read(key)
    assert found is not None
    assert found.version == 3


async def test_a_record_that_goes_while_it_is_read_gives_way_to_the_one_that_came(
    open_backend: OpenBackend, key: RecordKey, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, get, missed = await open_backend(), Bucket.get, list[str]()
    await backend.put(key, record(key, 1))

    async def late(bucket: Bucket, path: str) -> bytearray | None:
        if not missed:
            missed.append(path)
            await backend.put(key, record(key, 2))
        return await get(bucket, path)

    monkeypatch.setattr(Bucket, "get", late)
    found = await backend.read(key)
    assert found is not None
    assert found.version == 2


async def test_what_is_never_there_when_it_is_read_is_an_outage(
    open_backend: OpenBackend, key: RecordKey, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        pass

    backend = await open_backend()
    await backend.put(key, record(key, 1))
    monkeypatch.setattr(Bucket, "get", gone)
    with pytest.raises(BackendUnavailableError, match="10 times in a row"):
        await backend.read(key)


async def test_pruning_removes_tombstones_whose_day_is_over_and_what_they_forbid(
    open_backend: OpenBackend, key: RecordKey, record: Record
) -> None:
    now = [record(key, 1).taken_at]
    backend = await open_backend(clock=lambda: now[0])
    await backend.forget(key)
    left_by_a_crash = record(key, 1)
    await backend._put(key, RecordName.of(left_by_a_crash), left_by_a_crash.to_bytes())
    assert await backend.prune(Scope(*key[:3], key.revision)) == 1
    assert len(await _paths(backend)) == 1
    now[0] += timedelta(days=1)
    assert await backend.prune(Scope(*key[:3], key.revision)) == 0
    assert await _paths(backend) == []


async def test_a_put_removes_what_a_tombstone_forbids(
    open_backend: OpenBackend, key: RecordKey, record: Record
) -> None:
    backend = await open_backend(clock=lambda: record(key, 1, taken=5).taken_at, keep=2)
    await backend.forget(key)
    left_by_a_crash = record(key, 1)
    await backend._put(key, RecordName.of(left_by_a_crash), left_by_a_crash.to_bytes())
    await backend.put(key, record(key, 2, taken=6))
    assert await backend.read(key, 1) is None


async def test_what_is_put_stays_though_another_revision_was_taken_later(
    open_backend: OpenBackend, key: RecordKey, record: Record
) -> None:
    backend = await open_backend(keep_revisions=1)
    await backend.put(key._replace(revision="r2"), record(key._replace(revision="r2"), 9, taken=9))
    await backend.put(key, record(key, 1, taken=1))
    assert list(await backend.revisions(key)) == ["r1"]


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://host/x"},
        {"url": "s3://key:secret@bucket/x"},
        {"url": "file://relative"},
        {"url": "s3://bucket", "endpoint": "host:9000"},
        {"url": "s3://bucket", "keep": 0},
        {"url": "s3://bucket", "concurrency": 0},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ObjectSnapshotsConfig.model_validate(options)


async def test_an_unknown_option_of_the_provider_is_told() -> None:
    config = ObjectSnapshotsConfig.model_validate(
        {"url": "s3://bucket/x", "options": {"no_such_option": "a secret"}}
    )
    with pytest.raises(ConfigurationError, match="no_such_option") as raised:
        await ObjectSnapshotBackend(config).open()
    assert "a secret" not in str(raised.value)


async def test_a_forked_process_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "getpid", lambda: -1)
    backend = ObjectSnapshotBackend(ObjectSnapshotsConfig(url=tmp_path.as_uri()))
    with pytest.raises(ConfigurationError, match="forked"):
        await backend.open()


@pytest.mark.parametrize("call", ["put", "read"])
def test_a_state_of_100_mib_takes_no_more_than_twice_its_size(tmp_path: Path, call: str) -> None:
    program = Path(__file__).with_name("large_state.py")
    for each in ("put", call):
        told = subprocess.run(  # noqa: S603 # our own
            [sys.executable, program, tmp_path.as_uri(), each],
            capture_output=True,
            text=True,
            check=True,
        )
    assert float(told.stdout) <= 2.1  # some chunks are under way
