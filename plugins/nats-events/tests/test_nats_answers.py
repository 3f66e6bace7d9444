"""Answers that are lost, late or from a replica that lags, as a server gives them."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest

from interlock.backends import BackendUnavailableError, ConcurrencyError, EventRow, StoredEvent
from interlock_nats_events.backend import NatsEventStore
from interlock_nats_events.deadlines import LostError
from nats_rig import Node

Opened = Callable[..., Awaitable[NatsEventStore]]
Events = Callable[..., Sequence[StoredEvent]]
Ask = Callable[..., Awaitable[Any]]  # Any: the driver's message


@pytest.fixture
async def other(single: list[Node], opened: Opened) -> NatsEventStore:
    return await opened(single, replicas=1, allow_unsafe=True)


@pytest.fixture
def lose(store: NatsEventStore, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Loses the answer to the next request to a subject that begins so; it is made all the same."""

    def lose(subject: str, then: Exception | None = None) -> None:
        ask: Ask = store._client.ask
        asked = 0

        async def losing(to: str, *arguments: Any) -> Any:
            nonlocal asked
            if not to.startswith(subject):
                return await ask(to, *arguments)
            asked += 1
            if asked > 1 and then is not None:
                raise then
            answer = await ask(to, *arguments)
            if asked == 1:
                raise LostError
            return answer

        monkeypatch.setattr(store._client, "ask", losing)

    return lose


@pytest.fixture
def contradict(
    store: NatsEventStore, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, int], None]:
    """Puts a refusal with this code before the answer to the next request to such a subject."""

    def contradict(subject: str, code: int) -> None:
        ask: Ask = store._client.ask
        refusals = [json.dumps({"error": {"err_code": code, "description": "old"}}).encode()]

        async def contradicted(to: str, *arguments: Any) -> Any:
            answer = await ask(to, *arguments)
            if to.startswith(subject) and refusals:
                answer.data = refusals.pop()
            return answer

        monkeypatch.setattr(store._client, "ask", contradicted)

    return contradict


async def rows_of(store: NatsEventStore, event: StoredEvent) -> list[EventRow]:
    chunks = store.read(event.aggregate_type, event.aggregate_id)
    return [EventRow(*row) async for chunk in chunks for row in chunk]


async def test_a_remembered_head_is_asked_for_again(
    store: NatsEventStore, other: NatsEventStore, events: Events
) -> None:
    commit = events(uuid4(), 2)
    await store.append(commit[:1], after=None)
    assert await store.head("Account", commit[0].aggregate_id) == (1, commit[0].event_id)
    await other.append(commit[1:], after=(1, commit[0].event_id))
    assert await store.head("Account", commit[0].aggregate_id) == (2, commit[1].event_id)
    assert await store.delete("Account", commit[0].aggregate_id) == 2
    assert await other.head("Account", commit[0].aggregate_id) is None


async def test_a_head_is_confirmed_by_a_quorum(
    store: NatsEventStore, other: NatsEventStore, events: Events
) -> None:
    aggregate_id = uuid4()
    commit = events(aggregate_id, 2)
    await store.append(commit[:1], after=None)
    assert await store.is_head("Account", aggregate_id, 1, commit[0].event_id)
    await other.append(commit[1:], after=(1, commit[0].event_id))
    assert not await store.is_head("Account", aggregate_id, 1, commit[0].event_id)
    assert await store.is_head("Account", aggregate_id, 2, commit[1].event_id)
    await other.append(events(aggregate_id, 1, first=3), after=(2, commit[1].event_id))
    assert not await store.is_head("Account", aggregate_id, 2, commit[1].event_id)


async def test_a_later_head_is_confirmed_where_an_older_is_remembered(
    store: NatsEventStore, other: NatsEventStore, events: Events
) -> None:
    aggregate_id = uuid4()
    commit = events(aggregate_id, 2)
    await store.append(commit[:1], after=None)
    await other.append(commit[1:], after=(1, commit[0].event_id))
    assert await store.is_head("Account", aggregate_id, 2, commit[1].event_id)


async def test_a_head_that_a_refused_fence_was_followed_by_is_fenced_too(
    store: NatsEventStore,
    events: Events,
    contradict: Callable[[str, int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit = events(uuid4(), 1)
    await store.append(commit, after=None)
    contradict("INTERLOCK_EVENTS.f.", 10071)
    ask, fences = store._client.ask, []

    async def noting(to: str, *arguments: Any) -> Any:
        fences.extend([to] if to.startswith("INTERLOCK_EVENTS.f.") else [])
        return await ask(to, *arguments)

    monkeypatch.setattr(store._client, "ask", noting)
    assert await store.head("Account", commit[0].aggregate_id) == (1, commit[0].event_id)
    assert len(fences) == 2


async def test_a_fence_beside_another_is_made_again(
    store: NatsEventStore, events: Events, contradict: Callable[[str, int], None]
) -> None:
    commit = events(uuid4(), 1)
    await store.append(commit, after=None)
    contradict("INTERLOCK_EVENTS.f.", 10164)
    assert await store.is_head("Account", commit[0].aggregate_id, 1, commit[0].event_id)


@pytest.mark.parametrize("count", [1, 1_200])
async def test_an_append_whose_answer_is_lost_is_stored_once(
    store: NatsEventStore,
    other: NatsEventStore,
    events: Events,
    lose: Callable[..., None],
    count: int,
) -> None:
    commit = events(uuid4(), count)
    lose("INTERLOCK_EVENTS.e.")
    (error,) = await asyncio.gather(store.append(commit, after=None), return_exceptions=True)
    assert error is None
    assert await rows_of(other, commit[0]) == [event.row() for event in commit]


async def test_a_refusal_by_a_leader_of_before_is_no_conflict(
    store: NatsEventStore,
    other: NatsEventStore,
    events: Events,
    contradict: Callable[[str, int], None],
) -> None:
    commit = events(uuid4(), 3)
    contradict("INTERLOCK_EVENTS.e.", 10071)
    (error,) = await asyncio.gather(store.append(commit, after=None), return_exceptions=True)
    assert error is None
    assert await rows_of(other, commit[0]) == [event.row() for event in commit]


async def test_another_refusal_by_a_leader_of_before_denies_nothing(
    store: NatsEventStore, events: Events, contradict: Callable[[str, int], None]
) -> None:
    commit = events(uuid4(), 1)
    contradict("INTERLOCK_EVENTS.e.", 10077)
    with pytest.raises(BackendUnavailableError, match="old") as caught:
        await store.append(commit, after=None)
    assert not caught.value.nothing_done
    assert await store.head("Account", commit[0].aggregate_id) == (1, commit[0].event_id)


async def test_a_conflict_after_a_lost_answer_is_one(
    store: NatsEventStore, other: NatsEventStore, events: Events, lose: Callable[..., None]
) -> None:
    account = uuid4()
    first, theirs, ours = (
        events(account, 1),
        events(account, 1, first=2),
        events(account, 2, first=2),
    )
    await store.append(first, after=None)
    await other.append(theirs, after=(1, first[0].event_id))
    lose("INTERLOCK_EVENTS.e.")
    with pytest.raises(ConcurrencyError):
        await store.append(ours, after=(1, first[0].event_id))
    assert await rows_of(other, first[0]) == [each.row() for each in (*first, *theirs)]


async def test_a_refusal_after_a_lost_answer_says_nothing(
    store: NatsEventStore, events: Events, lose: Callable[..., None]
) -> None:
    commit = events(uuid4(), 1)
    lose("INTERLOCK_EVENTS.e.", then=BackendUnavailableError("full", nothing_done=True))
    with pytest.raises(BackendUnavailableError, match="full") as caught:
        await store.append(commit, after=None)
    assert not caught.value.nothing_done
    assert await store.head("Account", commit[0].aggregate_id) == (1, commit[0].event_id)


async def test_a_deletion_whose_answer_is_lost_is_counted(
    store: NatsEventStore, other: NatsEventStore, events: Events, lose: Callable[..., None]
) -> None:
    commit = events(uuid4(), 5)
    await store.append(commit, after=None)
    lose("INTERLOCK_EVENTS.e.")
    assert await store.delete("Account", commit[0].aggregate_id, below=3) == 2
    assert await rows_of(other, commit[0]) == [event.row() for event in commit[2:]]


@pytest.mark.parametrize("below", [None, 4])
async def test_a_deletion_that_breaks_off_is_seen_whole(
    store: NatsEventStore,
    other: NatsEventStore,
    events: Events,
    monkeypatch: pytest.MonkeyPatch,
    below: int | None,
) -> None:
    commit = events(uuid4(), 5)
    await store.append(commit[:2], after=None)
    await store.append(commit[2:], after=(2, commit[1].event_id))

    async def broken(*_: object) -> None:
        raise BackendUnavailableError("the process died")

    monkeypatch.setattr(store, "_purge", broken)
    with pytest.raises(BackendUnavailableError):
        await store.delete("Account", commit[0].aggregate_id, below=below)
    left = [] if below is None else commit[below - 1 :]
    assert await rows_of(other, commit[0]) == [event.row() for event in left]
    again = events(commit[0].aggregate_id, 2)
    if below is None:
        await other.append(again, after=None)
        assert await rows_of(other, commit[0]) == [event.row() for event in again]


async def test_what_a_replica_lacks_is_asked_for_again(
    store: NatsEventStore, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = events(uuid4(), 3)
    for place in range(3):
        after = None if place == 0 else (place, commit[place - 1].event_id)
        await store.append([commit[place]], after=after)
    get: Ask = store._client.messages
    lacking = [slice(0), slice(1), slice(1, None)]  # none yet, the first, all but the first

    async def lagging(*arguments: Any) -> Any:
        found = await get(*arguments)
        return found[lacking.pop()] if lacking else found

    monkeypatch.setattr(store._client, "messages", lagging)
    assert await rows_of(store, commit[0]) == [event.row() for event in commit]
    assert lacking == []
