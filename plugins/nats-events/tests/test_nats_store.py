"""What the shared suite doesn't ask of this store: limits, fences, leaders that are away, TLS."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import nats
import pytest

from fault_ledger import events_of
from interlock.backends import BackendUnavailableError, ConcurrencyError, StoredEvent
from interlock_nats_events.backend import NatsEventStore
from interlock_nats_events.publishing import Publisher
from nats_rig import STREAM, Node, leader, wait_until_healthy

ROUNDS = int(os.environ.get("INTERLOCK_FAULTS") or 1)

Opened = Callable[..., Awaitable[NatsEventStore]]
Events = Callable[..., Sequence[StoredEvent]]


@pytest.fixture
def fences(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sequences on which fences were made conditional."""
    asked: list[int] = []
    fence = Publisher.fence

    async def counted(self: Publisher, name: str, subject: str, sequence: int, at: Any) -> None:
        asked.append(sequence)
        await fence(self, name, subject, sequence, at)

    monkeypatch.setattr(Publisher, "fence", counted)
    return asked


async def messages(node: Node, subjects: str) -> dict[str, int]:
    """How many messages there are on each of the subjects."""
    connection = await nats.connect(f"nats://{node.address}")
    request = json.dumps({"subjects_filter": subjects}).encode()
    answer = await connection.request(f"$JS.API.STREAM.INFO.{STREAM}", request, timeout=10)
    await connection.close()
    found: dict[str, int] = json.loads(answer.data)["state"].get("subjects") or {}
    return found


async def test_heads_asked_for_at_once_share_a_fence(
    store: NatsEventStore, events: Events, fences: list[int]
) -> None:
    commit = events(uuid4(), 1)
    await store.append(commit, after=None)
    heads = await asyncio.gather(
        *(store.head("Account", commit[0].aggregate_id) for _ in range(20))
    )
    assert set(heads) == {(1, commit[0].event_id)}
    assert len(fences) == 1


async def test_a_head_asked_for_later_has_a_later_fence(
    store: NatsEventStore, events: Events, fences: list[int]
) -> None:
    commit = events(uuid4(), 1)
    await store.append(commit, after=None)
    first = asyncio.ensure_future(store.head("Account", commit[0].aggregate_id))
    while not fences:  # noqa: ASYNC110 # until the fence is under way
        await asyncio.sleep(0)
    await asyncio.gather(first, *(store.head("Account", commit[0].aggregate_id) for _ in range(9)))
    assert len(fences) == 2


async def test_appends_need_no_fence(
    store: NatsEventStore, events: Events, fences: list[int]
) -> None:
    commit = events(uuid4(), 3)
    await store.append(commit[:1], after=None)
    for place in (1, 2):
        await store.append([commit[place]], after=(place, commit[place - 1].event_id))
    assert fences == []


async def test_fence_subjects_keep_one_message(single: list[Node], store: NatsEventStore) -> None:
    for _ in range(100):
        await store.head("Account", uuid4())
    found = await messages(single[0], f"{STREAM}.f.*")
    assert len(found) <= 64
    assert set(found.values()) == {1}


async def test_a_deletion_leaves_no_message(
    single: list[Node], store: NatsEventStore, events: Events
) -> None:
    commit = events(uuid4(), 700)
    await store.append(commit, after=None)
    digits = commit[0].aggregate_id.hex
    subject = f"{STREAM}.e.default.Account.{digits[:2]}.{digits[2:]}"
    assert await messages(single[0], subject) == {subject: 2}
    assert await store.delete("Account", commit[0].aggregate_id, below=501) == 500
    assert await messages(single[0], subject) == {subject: 2}  # the rest, and the deletion
    assert await store.delete("Account", commit[0].aggregate_id) == 200
    assert await messages(single[0], subject) == {}


async def test_a_tail_is_read_without_what_is_before_it(
    store: NatsEventStore, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = events(uuid4(), 400)
    await store.append(commit[:1], after=None)
    for place in range(1, 400):
        await store.append([commit[place]], after=(place, commit[place - 1].event_id))
    fetched = 0
    ask = store._client.messages

    async def counted(*arguments: Any) -> Any:
        nonlocal fetched
        found = await ask(*arguments)
        fetched += len(found)
        return found

    monkeypatch.setattr(store._client, "messages", counted)
    rows = [
        row
        async for chunk in store.read("Account", commit[0].aggregate_id, first=391)
        for row in chunk
    ]
    assert rows == [event.row() for event in commit[390:]]
    assert fetched <= 32


@pytest.mark.parametrize("count", [1, 3])
async def test_what_is_above_max_payload_is_told_before_anything_is_stored(
    store: NatsEventStore, events: Events, count: int
) -> None:
    commit = events(uuid4(), count)
    large = [*commit[:-1], commit[-1]._replace(payload=b"x" * 4 * 1024 * 1024)]
    with pytest.raises(BackendUnavailableError, match="max_payload, 4194304 bytes") as caught:
        await store.append(large, after=None)
    assert caught.value.nothing_done
    assert await store.head("Account", commit[0].aggregate_id) is None


async def test_more_parts_than_a_batch_has_are_told(store: NatsEventStore) -> None:
    some = events_of(uuid4(), 1, payload=b"x" * 600_000)[0]
    commit = [some._replace(version=version, event_id=uuid4()) for version in range(1, 1_002)]
    with pytest.raises(BackendUnavailableError, match="at most 1000 messages") as caught:
        await store.append(commit, after=None)
    assert caught.value.nothing_done


async def test_of_writers_at_two_nodes_one_wins(three: list[Node], opened: Opened) -> None:
    stores = [await opened([node, *three]) for node in three[:2]]
    for _ in range(20):
        account = uuid4()
        offers = [events_of(account, 1 + place % 2) for place in range(12)]
        results = await asyncio.gather(
            *(stores[place % 2].append(offer, after=None) for place, offer in enumerate(offers)),
            return_exceptions=True,
        )
        won = [offer for offer, result in zip(offers, results, strict=True) if result is None]
        assert len(won) == 1
        assert sum(isinstance(result, ConcurrencyError) for result in results) == 11
        for store in stores:
            assert await store.head("Account", account) == (len(won[0]), won[0][-1].event_id)


async def test_a_leader_that_wakes_up_gives_no_old_answer(
    three: list[Node], opened: Opened
) -> None:
    stores = [await opened([node]) for node in three]
    for _ in range(ROUNDS):
        commit = events_of(uuid4(), 2)
        await stores[0].append(commit[:1], after=None)
        old = await asyncio.to_thread(leader, three)
        others = [node for node in three if node is not old]
        old.hang()
        try:
            await asyncio.to_thread(leader, others)
            writer = stores[three.index(others[0])]
            await writer.append(commit[1:], after=(1, commit[0].event_id))
        finally:
            old.go_on()
        heads = await asyncio.gather(
            *(store.head("Account", commit[0].aggregate_id) for store in stores)
        )
        assert heads == [(2, commit[1].event_id)] * 3
        await asyncio.to_thread(wait_until_healthy, three)


async def test_a_quorum_that_is_away_is_waited_for(three: list[Node], opened: Opened) -> None:
    store = await opened([three[0]], timeout="40s")
    commit = events_of(uuid4(), 2)
    await store.append(commit[:1], after=None)
    for node in three[1:]:
        node.hang()
    try:
        append = asyncio.ensure_future(store.append(commit[1:], after=(1, commit[0].event_id)))
        head = asyncio.ensure_future(store.head("Account", commit[0].aggregate_id))
        done, _ = await asyncio.wait({append, head}, timeout=6)  # the outage that is waited out
        assert not done
    finally:
        for node in three[1:]:
            node.go_on()
    await append
    assert await head in [(1, commit[0].event_id), (2, commit[1].event_id)]
    assert await store.head("Account", commit[0].aggregate_id) == (2, commit[1].event_id)
    await asyncio.to_thread(wait_until_healthy, three)
