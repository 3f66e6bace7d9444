import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID, uuid4

import pytest

from interlock.backends import BackendUnavailableError, ConcurrencyError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from sql_rig import Place

Events = Callable[..., Sequence[StoredEvent]]
OpenStore = Callable[..., Awaitable[SQLAlchemyEventStore]]
Head = tuple[int, UUID]

ID = uuid4()
NO_THIRD = {
    "sqlite": "create trigger third before insert on AT.interlock_events when new.version = 3"
    " begin select raise(abort, 'no third'); end",
    "postgresql": "create function AT.refuse() returns trigger language plpgsql as"
    " $$ begin raise 'no third'; end $$|create trigger third before insert on AT.interlock_events"
    " for each row when (new.version = 3) execute function AT.refuse()",
    "mariadb": "create trigger AT.third before insert on AT.interlock_events for each row"
    " begin if new.version = 3 then signal sqlstate '45000' set message_text = 'no third';"
    " end if; end",
}


def head_of(events: Sequence[StoredEvent]) -> Head:
    return events[-1].version, events[-1].event_id


async def stream(store: SQLAlchemyEventStore, name: str = "Account") -> list[tuple[object, ...]]:
    return [tuple(row) async for rows in store.read(name, ID) for row in rows]


async def test_what_was_appended_is_read_as_it_was(
    store: SQLAlchemyEventStore, events: Events
) -> None:
    first, more = events(ID, [1]), events(ID, [2, 3, 4])
    await store.append(first, after=None)
    await store.append(more, after=head_of(first))
    assert await stream(store) == [tuple(event.row()) for event in [*first, *more]]
    assert await store.head("Account", ID) == head_of(more)


async def test_a_stream_without_events_has_no_head(store: SQLAlchemyEventStore) -> None:
    assert await store.head("Account", ID) is None
    assert await stream(store) == []


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    "after", ["none", "older", "newer", "other id", "other id, older"], ids=lambda after: after
)
async def test_only_the_head_itself_is_appended_to(
    store: SQLAlchemyEventStore, events: Events, after: str, count: int
) -> None:
    standing = events(ID, [1, 2, 3])
    await store.append(standing, after=None)
    wanted = {
        "none": None,
        "older": (2, standing[1].event_id),
        "newer": (4, standing[2].event_id),
        "other id": (3, standing[1].event_id),
        "other id, older": (2, standing[2].event_id),
    }[after]
    start = 1 if wanted is None else wanted[0] + 1
    with pytest.raises(
        ConcurrencyError, match=r"wanted its head to be .*found version 3"
    ) as caught:
        await store.append(events(ID, range(start, start + count)), after=wanted)
    assert str(standing[2].event_id) in str(caught.value)
    assert await stream(store) == [tuple(event.row()) for event in standing]


async def test_a_stream_without_events_takes_nothing_after_an_event(
    store: SQLAlchemyEventStore, events: Events
) -> None:
    with pytest.raises(ConcurrencyError, match=r"wanted .*version 1.*found none"):
        await store.append(events(ID, [2]), after=(1, uuid4()))
    assert await stream(store) == []


async def test_appending_the_same_events_again_is_a_conflict(
    store: SQLAlchemyEventStore, events: Events
) -> None:
    first, more = events(ID, [1]), events(ID, [2, 3])
    await store.append(first, after=None)
    await store.append(more, after=head_of(first))
    for again, after in ((first, None), (more, head_of(first))):
        with pytest.raises(ConcurrencyError):
            await store.append(again, after=after)
    assert len(await stream(store)) == 3


async def test_nothing_is_appended_below_a_hole(
    store: SQLAlchemyEventStore, events: Events, place: Place
) -> None:
    standing = events(ID, [1, 2, 3, 4])
    await store.append(standing, after=None)
    await place.run("delete from AT.interlock_events where version = 3")
    with pytest.raises(ConcurrencyError, match="found version 4"):
        await store.append(events(ID, [3]), after=(2, standing[1].event_id))
    assert [row[0] for row in await stream(store)] == [1, 2, 4]


async def test_a_truncated_stream_is_no_new_one(
    store: SQLAlchemyEventStore, events: Events
) -> None:
    standing = events(ID, [1, 2, 3])
    await store.append(standing, after=None)
    assert await store.delete("Account", ID, below=3) == 2
    with pytest.raises(ConcurrencyError):
        await store.append(events(ID, [1]), after=None)
    await store.append(events(ID, [4]), after=head_of(standing))
    assert [row[0] for row in await stream(store)] == [3, 4]


async def test_of_several_events_all_or_none_are_stored(
    store: SQLAlchemyEventStore, events: Events, place: Place
) -> None:
    for statement in NO_THIRD[place.kind].split("|"):
        await place.run(statement)
    with pytest.raises(BackendUnavailableError, match="no third") as caught:
        await store.append(events(ID, [1, 2, 3]), after=None)
    assert caught.value.nothing_done
    assert await stream(store) == []
    await store.append(events(ID, [1, 2]), after=None)


async def test_streams_of_other_types_ids_and_namespaces_are_others(
    open_store: OpenStore, events: Events
) -> None:
    ours, theirs = await open_store(), await open_store(namespace="theirs")
    await ours.append(events(ID, [1]), after=None)
    await ours.append(events(ID, [1, 2], name="Other"), after=None)
    await ours.append(events(uuid4(), [1, 2, 3]), after=None)
    await theirs.append(events(ID, [1, 2, 3, 4]), after=None)
    counts = [await stream(ours), await stream(ours, "Other"), await stream(theirs)]
    assert [len(rows) for rows in counts] == [1, 2, 4]


async def test_an_unset_namespace_is_the_default_one(open_store: OpenStore, events: Events) -> None:
    await (await open_store()).append(events(ID, [1]), after=None)
    assert await (await open_store(namespace="default")).head("Account", ID) is not None
    assert await (await open_store(namespace="")).head("Account", ID) is None


async def test_one_of_many_appends_at_once_wins(open_store: OpenStore, events: Events) -> None:
    stores = [await open_store() for _ in range(3)]
    first = events(ID, [1])
    await stores[0].append(first, after=None)
    outcomes = await asyncio.gather(
        *(store.append(events(ID, [2]), after=head_of(first)) for store in stores for _ in "1234"),
        return_exceptions=True,
    )
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, ConcurrencyError) for outcome in outcomes) == 11
    assert len(await stream(stores[0])) == 2


@pytest.mark.parametrize(
    "name", ["it's", 'a "quoted" name', "naïve 日本 🏦", "a\x00b", "%_*", "x" * 5_000, ""]
)
async def test_hostile_names_are_names(open_store: OpenStore, events: Events, name: str) -> None:
    store = await open_store(namespace=name)
    await store.append(events(ID, [1, 2], name=name), after=None)
    await store.append(events(ID, [1], name=name + "\x00"), after=None)
    await store.append(events(ID, [1], name=name + "b"), after=None)
    assert [row[0] for row in await stream(store, name)] == [1, 2]
    assert await store.delete(name, ID) == 2


async def test_a_mebibyte_of_any_bytes_is_a_payload(
    store: SQLAlchemyEventStore, events: Events
) -> None:
    payload = bytes(range(256)) * 4096
    await store.append(events(ID, [1, 2], payload=payload), after=None)
    assert [row[6] == payload for row in await stream(store)] == [True, True]


async def test_deleting_tells_how_many_and_leaves_other_streams(
    store: SQLAlchemyEventStore, events: Events
) -> None:
    await store.append(events(ID, [1, 2, 3, 4]), after=None)
    await store.append(events(ID, [1], name="Other"), after=None)
    assert await store.delete("Account", ID, below=1) == 0
    assert await store.delete("Account", ID, below=3) == 2
    assert await store.delete("Account", ID) == 2
    assert await store.head("Account", ID) is None
    assert await store.head("Other", ID) is not None
    await store.append(events(ID, [1]), after=None)
