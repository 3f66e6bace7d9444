"""What stands in a message."""

from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

import pytest

from interlock.backends import BackendUnavailableError, StoredEvent
from interlock_nats_events.commits import Commit, Standing, parts_of, placed, rows_in, thinned
from interlock_nats_events.subjects import Subjects

Events = Callable[..., Sequence[StoredEvent]]


def test_a_header_is_read_as_it_was_written() -> None:
    commit = Commit(4, 9, uuid4(), 2, 70, ((2, 71), (3, 99)), "mark")
    assert Commit.parse(commit.header(), where="NATS") == commit


@pytest.mark.parametrize(
    "headers", [None, {}, {"Interlock-Commit": "[2,1,1]"}, {"Interlock-Commit": "nothing"}]
)
def test_a_message_of_another_is_told(headers: dict[str, str] | None) -> None:
    with pytest.raises(BackendUnavailableError, match="who else publishes to this stream"):
        Commit.parse(headers, where="NATS")


def test_a_commit_is_divided_by_number_and_by_size(events: Events) -> None:
    few = parts_of(events(uuid4(), 3))
    many = parts_of(events(uuid4(), 1_001))
    large = parts_of(events(uuid4(), 3, payload=b"x" * 300_000))
    assert [len(parts) for parts in (few, many, large)] == [1, 3, 3]
    assert [(part.commit.first, part.commit.last) for part in many] == [
        (1, 500),
        (501, 1_000),
        (1_001, 1_001),
    ]


def test_the_events_of_parts_are_the_commit(events: Events) -> None:
    commit = events(uuid4(), 1_001)
    rows = [row for part in parts_of(commit) for row in rows_in(*part)]
    assert rows == [event.row() for event in commit]


def test_a_stream_after_a_deletion_begins_behind_it(events: Events) -> None:
    deleted = Standing(40, Commit(1, 0, UUID(int=0), 1, 39, (), "mark"))
    commit = placed(parts_of(events(uuid4(), 1)), deleted)[0].commit
    assert (commit.floor, commit.base, commit.links, commit.mark) == (1, 40, (), "")


def test_links_are_few_and_lead_near_any_version() -> None:
    standing = Standing(1, Commit(1, 1, uuid4()))
    for version in range(2, 20_001):
        standing = Standing(version, Commit(version, version, uuid4(), links=standing.links()))
    assert len(standing.commit.links) < 30
    for wanted in (1, 2, 3, 100, 9_999, 15_000, 19_000, 19_990, 20_000):
        tail = 20_001 - wanted
        assert standing.begin(wanted) <= wanted
        assert 20_001 - standing.begin(wanted) <= max(3 * tail, 32)


def test_links_that_are_equally_far_are_two() -> None:
    links = [(version, version) for version in range(1, 33)]
    assert thinned(links, 33) == ((1, 1), (2, 2), (17, 17), (18, 18), (32, 32))


@pytest.mark.parametrize("name", ["", "%", ".", "a.b", "*", ">", "a b", "~", "Übung", "\u0000"])
def test_any_name_is_one_token_of_its_own(name: str) -> None:
    names, aggregate_id = Subjects("S", "n"), UUID(int=1)
    subject = names.aggregate(name, aggregate_id)
    assert subject.count(".") == 5
    assert subject.isascii()
    assert not set(subject) & set(" *>\r\n\0")
    others = {names.aggregate(other, aggregate_id) for other in ("%25", "%2E", "a%2Eb", "%20")}
    assert subject not in others
