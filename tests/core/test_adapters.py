"""What a store of records and a plain one look like to the core, and which records decode."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from interlock._model.aggregate import Aggregate, set_pending
from interlock._model.stamp import PendingEvent
from interlock._storage.adapters import (
    PlainCache,
    PlainSnapshots,
    as_cache_store,
    as_snapshot_store,
)
from interlock._storage.codecs import JsonCodec
from interlock._storage.memory import (
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
)
from interlock._storage.protocols import ListsIds, RemovesOne
from interlock._storage.record_backends import RecordCacheBackend, RecordSnapshotBackend
from interlock._storage.record_mapper import AggregateMapper
from interlock._storage.records import MAX_VERSION, Scope
from interlock.errors import (
    BackendUnavailableError,
    ConfigurationError,
    InterlockError,
    RecordUnusableError,
)
from memory_records import ID, KEY, MAPPER, NOW, SCOPE, Box, record


async def test_a_bound_record_backend_keeps_aggregates() -> None:
    backend = InMemoryAggregateCacheBackend()
    view = backend.bind(MAPPER)
    await view.set_aggregate(MAPPER.state(record(3), KEY))
    await view.set_aggregate(MAPPER.state(record(2), KEY))
    found = await view.get_aggregate(ID)
    assert found == MAPPER.state(record(3), KEY)
    await view.remove_aggregate(ID)
    assert await view.get_aggregate(ID) is None
    store = InMemoryAggregateSnapshotStorageBackend().bind(MAPPER)
    await store.save_snapshot(MAPPER.state(record(3), KEY))
    assert await store.load_snapshot(ID, 2) is None
    assert await store.load_snapshot(ID) == found


async def test_a_call_for_one_type_binds_no_later_call() -> None:
    backend = InMemoryAggregateCacheBackend()
    assert await backend.bind(MAPPER).get_aggregate(ID) is None
    with pytest.raises(ConfigurationError, match="isn't bound to an aggregate type"):
        await backend.get_aggregate(ID)


async def test_a_call_for_one_type_binds_no_other_backend() -> None:
    class Doubled(InMemoryAggregateCacheBackend):
        other = InMemoryAggregateCacheBackend()

        async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
            return await self.other.get_aggregate(aggregate_id)

    with pytest.raises(ConfigurationError, match=r"InMemory.* isn't bound to an aggregate type"):
        await Doubled().bind(MAPPER).get_aggregate(ID)


async def test_calls_for_two_types_at_once_stay_apart() -> None:
    turn = asyncio.Event()

    class Waiting(InMemoryAggregateCacheBackend):
        async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
            await turn.wait()
            return await super().get_aggregate(aggregate_id)

    backend = Waiting()
    other = replace(MAPPER, scope=MAPPER.scope._replace(namespace="another"))
    await backend.bind(MAPPER).set_aggregate(MAPPER.state(record(3), KEY))
    tasks = [asyncio.ensure_future(backend.bind(m).get_aggregate(ID)) for m in (MAPPER, other)]
    await asyncio.sleep(0)
    turn.set()
    assert await asyncio.gather(*tasks) == [MAPPER.state(record(3), KEY), None]


async def test_an_unbound_record_backend_says_so() -> None:
    with pytest.raises(ConfigurationError, match="isn't bound to an aggregate type"):
        await InMemoryAggregateCacheBackend().get_aggregate(ID)
    with pytest.raises(ConfigurationError, match="isn't bound to an aggregate type"):
        await InMemoryAggregateSnapshotStorageBackend().load_snapshot(ID)


async def test_only_a_loaded_aggregate_of_the_class_can_be_kept() -> None:
    cache = InMemoryAggregateCacheBackend().bind(MAPPER)
    for strange in (Box(id=ID), _of_another_class()):
        with pytest.raises(InterlockError) as caught:
            await cache.set_aggregate(strange)
        assert "only an aggregate that was loaded" in str(caught.value)


async def test_what_a_subclass_overrides_is_what_is_called() -> None:
    calls: list[str] = []

    class Logging(InMemoryAggregateCacheBackend):
        async def get_aggregate(self, aggregate_id: UUID) -> Aggregate | None:
            calls.append("get")
            return await super().get_aggregate(aggregate_id)

    store = as_cache_store(Logging(), MAPPER)
    assert isinstance(store, PlainCache)
    await store.put(KEY, record(3))
    found = await store.read(KEY)
    assert calls == ["get"]
    assert found is not None
    assert found.stamp == record(3).stamp
    assert isinstance(as_cache_store(InMemoryAggregateCacheBackend(), MAPPER), RecordCacheBackend)


class Plain:
    """A hand-written cache and snapshot store that keeps what it is given, or raises."""

    def __init__(self) -> None:
        self.kept: Any = None
        self.error: Exception | None = None

    async def get_aggregate(self, aggregate_id: UUID) -> Any:
        if self.error is not None:
            raise self.error
        return self.kept

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        self.kept = aggregate

    async def remove_aggregate(self, aggregate_id: UUID) -> None:
        self.kept = None

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        self.kept = aggregate

    async def load_snapshot(self, aggregate_id: UUID, intended_version: int | None = None) -> Any:
        return await self.get_aggregate(aggregate_id)


async def test_a_plain_backend_gets_and_gives_copies() -> None:
    plain = Plain()
    for store in (as_cache_store(plain, MAPPER), as_snapshot_store(plain, MAPPER)):
        await store.put(KEY, record(3))
        found = await store.read(KEY)
        plain.kept.items.append("changed by the backend")
        assert found is not None
        assert MAPPER.state(found, KEY).model_dump()["items"] == ["x"]


async def test_a_plain_backends_verification_is_never_trusted() -> None:
    store = as_cache_store(Plain(), MAPPER)
    await store.put(KEY, record(3, verified_at=NOW))
    found = await store.read(KEY)
    assert found is not None
    assert found.verified_at == datetime(1970, 1, 1, tzinfo=UTC)


class Other(Aggregate):
    items: list[str] = []


def _stamped(cls: type[Aggregate], scope: Scope) -> Aggregate:
    of: dict[str, Any] = {
        "namespace": scope.namespace,
        "epoch": scope.epoch,
        "revision": scope.revision,
    }
    found = record(3, aggregate_type=scope.aggregate_type, **of)
    return AggregateMapper(cls, scope, JsonCodec()).state(found, found.key)


def _uncommitted() -> Box:
    """As after an emit."""
    state = MAPPER.state(record(3), KEY)
    set_pending(state, [PendingEvent(UUID(int=3), "Filled", 1, b"{}")])
    assert isinstance(state, Box)
    return state


def _of_another_class() -> Aggregate:
    return _stamped(Other, SCOPE._replace(aggregate_type="Other"))


OTHER_SCOPES = [
    SCOPE._replace(namespace="shop"),
    SCOPE._replace(epoch=1),
    SCOPE._replace(revision="r2"),
]


@pytest.mark.parametrize(
    "strange",
    [
        Box(id=ID, version=3),
        "no aggregate",
        _of_another_class(),
        *(_stamped(Box, scope) for scope in OTHER_SCOPES),
        _uncommitted(),
    ],
    ids=["unstamped", "text", "type", "namespace", "epoch", "revision", "uncommitted"],
)
async def test_what_is_not_the_stamped_state_is_unusable(strange: object) -> None:
    plain = Plain()
    plain.kept = strange
    for store in (as_cache_store(plain, MAPPER), as_snapshot_store(plain, MAPPER)):
        with pytest.raises(RecordUnusableError):
            await store.read(KEY)


async def test_a_validation_error_is_an_unusable_record_and_others_an_outage() -> None:
    plain = Plain()
    store = as_cache_store(plain, MAPPER)
    try:
        Box.model_validate({"items": 3})
    except ValueError as error:
        plain.error = error
    with pytest.raises(InterlockError) as unusable:
        await store.read(KEY)
    assert type(unusable.value) is RecordUnusableError
    plain.error = ConnectionError("down")
    with pytest.raises(BackendUnavailableError, match="down") as caught:
        await store.read(KEY)
    assert isinstance(caught.value.__cause__, ConnectionError)


async def test_what_a_plain_snapshot_store_cannot_do_is_told() -> None:
    store = as_snapshot_store(Plain(), MAPPER)
    assert isinstance(store, PlainSnapshots)
    assert await store.revisions(KEY) == ()
    assert await store.prune(SCOPE) == 0
    assert not isinstance(store, (ListsIds, RemovesOne))
    assert await store.read(KEY._replace(revision="r0")) is None


@pytest.mark.parametrize(
    ("base", "needed"),
    [
        (RecordCacheBackend, ["put", "read", "remove"]),
        (RecordSnapshotBackend, ["prune", "put", "read", "revisions"]),
    ],
)
def test_a_record_backend_that_lacks_a_method_is_not_made(base: type, needed: list[str]) -> None:
    complete = dict.fromkeys(needed, lambda self: None)
    type("Complete", (base,), complete)()
    for name in needed:
        lacking = {other: method for other, method in complete.items() if other != name}
        with pytest.raises(TypeError, match=rf"Lacking .*\b{name}\b"):
            type("Lacking", (base,), lacking)()


def test_a_class_without_the_methods_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"lacks get_aggregate, set_aggregate"):
        as_cache_store(object(), MAPPER)
    with pytest.raises(ConfigurationError, match=r"lacks save_snapshot, load_snapshot"):
        as_snapshot_store(object(), MAPPER)


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "shop"},
        {"epoch": 1},
        {"aggregate_type": "Other"},
        {"revision": "r2"},
        {"codec": "json+zlib"},
        {"payload": b"{}"},
        {"payload": b"no json"},
        {"version": 4},
        {"aggregate_id": UUID(int=2)},
    ],
    ids=str,
)
def test_a_record_of_something_else_does_not_decode(change: dict[str, Any]) -> None:
    with pytest.raises(RecordUnusableError):
        MAPPER.state(record(3)._replace(**change), KEY)


@pytest.mark.parametrize("version", [0, MAX_VERSION + 1])
def test_a_record_of_a_version_that_no_stream_has_does_not_decode(version: int) -> None:
    with pytest.raises(RecordUnusableError, match="wanted 1 to"):
        MAPPER.state(record(version, payload=b"{}"), KEY)


def test_a_record_of_a_named_older_revision_decodes() -> None:
    assert MAPPER.state(record(3, revision="r0"), KEY._replace(revision="r0")).version == 3
