"""The commands that open an application, in this process."""

import asyncio
import json

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
import operated_shop as shop
from interlock.application.aggregates import InMemoryEventStore, NeverCache, NeverSnapshot
from interlock.errors import BackendUnavailableError
from operated_shop import LONG, NONE, SHORT, records, stores, told, told_json
from shell import run_here

__all__ = ["stores"]


pytestmark = pytest.mark.usefixtures("stores")


class TestStreams:
    def test_are_listed_with_their_versions(self) -> None:
        assert told("streams", "list", "Order") == f"{LONG}  120\n{SHORT}  3\n"

    def test_a_page_says_how_to_go_on(self) -> None:
        first = told("streams", "list", "Order", "--limit", 1)
        assert first == f"{LONG}  120\nThere are more: --after {LONG}\n"
        assert told("streams", "list", "Order", "--after", LONG) == f"{SHORT}  3\n"
        assert told_json("streams", "list", "Order", "--limit", 1) == {
            "streams": [{"id": str(LONG), "version": 120}],
            "more": True,
        }

    def test_are_counted(self) -> None:
        told("snapshots", "take", "Order", LONG)
        assert told("streams", "stats").splitlines() == [
            "Order: SnapshotAfterN(n=100), 2 streams, 123 events",
            "  half have at most 3 events, 95 % at most 120",
            f"  the longest has 120: {LONG}",
            "  123 events in the last 7 days, 17.6 a day",
            "  1 have no snapshot",
        ]

    def test_without_streams_or_snapshots_nothing_is_made_up(self, stores: shop.Stores) -> None:
        stores.events = InMemoryEventStore()
        stores.options = {"snapshot_strategy": NeverSnapshot()}
        (found,) = told_json("streams", "stats", "Order")
        assert (found["streams"], found["longest_id"], found["without_snapshot"]) == (0, None, None)


class TestExplain:
    def test_says_what_a_load_began_with_and_what_would_help(self) -> None:
        lines = told("explain", "Order", LONG).splitlines()
        assert lines[:4] == [
            f"Order {LONG}, version 120",
            "began with nothing and folded 120 events",
            "  no cache: there is none",
            "  no snapshot: there is none",
        ]
        assert lines[-1] == f"# its first snapshot: interlock snapshots take Order {LONG}"
        told("snapshots", "take", "Order", LONG)
        lines = told("explain", "Order", LONG).splitlines()
        assert lines[1] == "began with the snapshot of version 120 and folded 0 events"

    def test_keeps_nothing(self, stores: shop.Stores) -> None:
        told("explain", "Order", LONG)
        assert told("cache", "show", "Order", LONG) == "no entry\n"
        assert records(stores) == []

    def test_toml_is_given_where_nothing_is_kept(self, stores: shop.Stores) -> None:
        stores.options = {"snapshot_strategy": NeverSnapshot(), "cache_strategy": NeverCache()}
        assert told("explain", "Order", LONG).splitlines()[-5:] == [
            "[aggregates.Order]",
            'snapshot_strategy = { use = "after-n", n = 100 }',
            'snapshot_backend = "one of `interlock plugins list`"',
            'cache_strategy = "always"',
            'cache_backend = "one of `interlock plugins list`"',
        ]

    def test_its_json_has_seconds(self) -> None:
        found = told_json("explain", "Order", SHORT)
        assert (found["version"], found["events_folded"], found["advice"]) == (3, 3, [])
        assert set(found["phases"]) == {"cache", "snapshot", "tail"}


class TestOne:
    def test_its_events_are_printed(self) -> None:
        lines = told("history", "Order", LONG, "--first", 2, "--last", 3).splitlines()
        assert [(line[0], line[-20:]) for line in lines] == [
            ("2", '  Paid  {"amount":1}'),
            ("3", '  Paid  {"amount":1}'),
        ]

    def test_each_event_is_a_line_of_json(self) -> None:
        done = run_here("history", "Order", str(SHORT), "--json", "--app", "operated_shop:build")
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(each["version"], each["event"]) for each in found] == [
            (version, "Paid") for version in (1, 2, 3)
        ]

    def test_a_state_and_a_difference_are_printed(self) -> None:
        assert json.loads(told("history", "Order", LONG, "--at", 5))["total"] == 5
        changed = told("history", "Order", LONG, "--diff", 5, 7).splitlines()
        assert ('-  "total": 5' in changed, '+  "total": 7' in changed) == (True, True)
        assert told("history", "Order", LONG, "--diff", 5, 5) == "no difference\n"
        as_json = told_json("history", "Order", LONG, "--diff", 5, 7)
        assert as_json == {"version": [5, 7], "total": [5, 7]}
        assert told_json("history", "Order", LONG, "--diff", 5, 5) == {}

    def test_its_cache_entry_is_shown_and_evicted(self, stores: shop.Stores) -> None:
        cached()
        assert told("cache", "show", "Order", SHORT).startswith("version 3, ")
        assert told("cache", "evict", "Order", SHORT) == "evicted\n"
        assert told_json("cache", "show", "Order", SHORT) is None

    def test_it_is_forgotten(self, stores: shop.Stores) -> None:
        told("snapshots", "take", "Order", SHORT)
        cached()
        dry = told("forget", "Order", SHORT, "--events", "--dry-run")
        assert dry == "would remove: 1 snapshot, a cache entry, the stream, of version 3\n"
        assert told("streams", "list", "Order") == f"{LONG}  120\n{SHORT}  3\n"
        assert told("forget", "Order", SHORT) == "removed: 1 snapshot, a cache entry\n"
        assert told("forget", "Order", SHORT, "--events").endswith("the stream, of version 3\n")
        assert told("streams", "list", "Order") == f"{LONG}  120\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["streams", "list", "Ordr"], "no aggregate is called 'Ordr'; registered are: Order\n"),
        (["explain", "Order", "7"], "'7' is no id; wanted a UUID\n"),
        (
            ["snapshots", "show", "Order", LONG, "--version", 900],
            f"Order {LONG}: version 900 was asked for, the stream ends at 120\n",
        ),
        (
            ["history", "Order", NONE, "--at", 1, "--diff", 1, 2],
            "--at and --diff are two questions; give one of them\n",
        ),
    ],
    ids=["type", "id", "version", "both"],
)
def test_an_error_is_one_line_or_json(command: list[object], said: str) -> None:
    assert told(*command, code=2) == said
    assert told_json(*command, code=2) == {"ok": False, "error": said.strip()}


def test_the_doctor_counts_the_types_when_asked() -> None:
    lines = told("plugins", "doctor", "--types").splitlines()
    assert "Order: SnapshotAfterN(n=100), 2 streams, 123 events" in lines
    assert "  2 have no snapshot" in lines
    assert told_json("plugins", "doctor", "--types")["types"][0]["longest"] == 120


def test_the_backends_are_asked_for_their_health(
    stores: shop.Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = told("health").splitlines()
    assert first.startswith("events (InMemoryEventStore): ")
    assert second.startswith("snapshots of Order (")
    assert third.startswith("cache of Order (")

    async def head(*_: object) -> None:
        raise BackendUnavailableError("the disk is full")

    monkeypatch.setattr(stores.events, "head", head)
    (first, *_) = told("health", code=1).splitlines()
    assert first == "events (InMemoryEventStore): DOWN: the disk is full"
    assert told_json("health", code=1)["ready"] is False


def cached() -> None:
    """Let a load fill the cache."""

    async def load() -> None:
        async with shop.build().build() as app:
            await app.load(shop.Order, SHORT)

    asyncio.run(load())
