"""The commands that open an application, in this process."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
import operated_shop as shop
from interlock._storage.records import AggregateRecord, RecordKey
from interlock.application.aggregates import InMemoryEventStore, NeverCache, NeverSnapshot
from interlock.cli.operating import StoppedError, over_all
from interlock.errors import BackendUnavailableError, RecordUnusableError
from operated_shop import LONG, NONE, SHORT, stores
from shell import run_here

__all__ = ["stores"]


pytestmark = pytest.mark.usefixtures("stores")


def told(*command: object, code: int = 0) -> str:
    done = run_here(*map(str, command), "--app", "operated_shop:build")
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code != 2 else done.stderr


def told_json(*command: object, code: int = 0) -> Any:
    done = run_here(*map(str, command), "--app", "operated_shop:build", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def records(stores: shop.Stores, of: UUID = LONG) -> list[int]:
    found = stores.snapshots._records.get(("default", "Order"), {}).get(of, {})
    return [version for versions in found.values() for version in versions]


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
            "  1 have no snapshot",
        ]

    def test_without_streams_or_snapshots_nothing_is_made_up(self, stores: shop.Stores) -> None:
        stores.events = InMemoryEventStore()
        stores.options = {"snapshot_strategy": NeverSnapshot()}
        (found,) = told_json("streams", "stats", "Order")
        assert (found["streams"], found["longest_id"], found["without_snapshot"]) == (0, None, None)


class TestSnapshots:
    def test_are_taken_listed_and_deleted(self, stores: shop.Stores) -> None:
        assert told("snapshots", "list", "Order", LONG) == "no snapshot\n"
        assert told("snapshots", "take", "Order", LONG) == "1 snapshot taken\n"
        (line,) = told("snapshots", "list", "Order", LONG).splitlines()
        assert line.startswith("version 120  ")
        assert line.endswith("bytes  revision 2")
        assert told("snapshots", "delete", "Order", LONG, "--version", 119) == (
            "0 snapshots deleted\n"
        )
        assert told_json("snapshots", "delete", "Order", LONG, "--version", 120) == {"deleted": 1}
        assert records(stores) == []

    def test_of_all_streams_are_rebuilt(
        self, stores: shop.Stores, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put = stores.snapshots.put

        async def putting(*given: Any) -> None:  # Any: what `put` takes
            await asyncio.sleep(0)  # so that the other one at work goes on
            await put(*given)

        monkeypatch.setattr(stores.snapshots, "put", putting)
        rebuilt = told("snapshots", "rebuild", "Order", "--all", "--every", 50)
        assert rebuilt == "4 snapshots stored\n"
        assert (records(stores), records(stores, SHORT)) == ([50, 100, 120], [3])
        assert told_json("snapshots", "rebuild", "Order", LONG, SHORT) == {"stored": 0}

    def test_are_rebuilt_from_an_id_on(self, stores: shop.Stores) -> None:
        told("snapshots", "rebuild", "Order", "--all", "--after", LONG)
        assert (records(stores), records(stores, SHORT)) == ([], [3])

    @pytest.mark.parametrize("which", [[], [LONG, "--all"]], ids=["none", "both"])
    def test_a_rebuild_is_of_ids_or_of_all(self, which: list[object]) -> None:
        said = told("snapshots", "rebuild", "Order", *which, code=2)
        assert said == "give the ids of aggregates, or --all\n"

    def test_are_compared_with_their_events(self, stores: shop.Stores) -> None:
        told("snapshots", "rebuild", "Order", "--all")
        assert told("snapshots", "verify", "Order") == "2 compared, 0 of no use\n"
        spoil(stores, b'"total":120', b'"total":121')
        wrong = f"{LONG} version 120 of 2: it isn't what its events give, at $.total\n"
        assert told("snapshots", "verify", "Order", code=1) == f"{wrong}2 compared, 1 of no use\n"
        found = told_json("snapshots", "verify", "Order", LONG, code=1)
        assert (found["ok"], found["problems"][0]["id"]) == (False, str(LONG))

    def test_of_revisions_that_nobody_reads_are_purged(
        self, stores: shop.Stores, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told("snapshots", "rebuild", "Order", "--all")
        monkeypatch.setattr(shop.Order, "revision", "3")
        told("snapshots", "take", "Order", LONG)
        assert told("snapshots", "purge", "Order", code=2) == "say which: --older-revisions\n"
        found = told_json("snapshots", "purge", "Order", "--older-revisions")
        assert found == {"deleted": 2, "revisions": {"2": 2}}
        assert (records(stores), records(stores, SHORT)) == ([120], [])

    def test_those_of_another_revision_are_said_to_be_of_no_use(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told("snapshots", "take", "Order", LONG)
        monkeypatch.setattr(shop.Order, "revision", "3")
        said = told("snapshots", "list", "Order", LONG)
        assert "revision 2  not used: of a revision that this code doesn't read\n" in said

    def test_the_state_of_a_version_is_shown(self) -> None:
        state = json.loads(told("snapshots", "show", "Order", LONG, "--version", 7))
        assert state == {"id": str(LONG), "version": 7, "total": 7}

    def test_without_a_backend_there_are_none(self, stores: shop.Stores) -> None:
        stores.options = {"snapshot_backend": None, "snapshot_strategy": NeverSnapshot()}
        said = told("snapshots", "list", "Order", LONG, code=2)
        assert said == "Order has no snapshots: register it with a snapshot_backend\n"


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


def test_a_store_that_fails_ends_the_run(
    stores: shop.Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put(*_: object) -> None:
        raise BackendUnavailableError("the disk is full")

    monkeypatch.setattr(stores.snapshots, "put", put)
    assert told("snapshots", "rebuild", "Order", "--all", code=2) == "the disk is full\n"


async def test_a_run_that_is_stopped_ends_what_it_began_and_says_where() -> None:
    done, gate = [], asyncio.Event()

    async def ids() -> AsyncIterator[UUID]:
        for number in range(10):
            yield UUID(int=number)

    async def work(aggregate_id: UUID) -> None:
        await gate.wait()
        done.append(aggregate_id.int)

    running = asyncio.create_task(over_all(ids(), work, what="streams", at_once=3))
    await asyncio.sleep(0)
    running.cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    assert not running.done()
    gate.set()
    with pytest.raises(StoppedError) as stopped:
        await running
    assert (stopped.value.last, sorted(done)) == (UUID(int=2), [0, 1, 2])


@pytest.mark.parametrize("last", [None, LONG])
def test_a_stopped_command_says_how_to_go_on(
    last: UUID | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stopped(*_: object, **__: object) -> None:
        raise StoppedError(last)

    monkeypatch.setattr("interlock.cli.snapshots.over_all", stopped)
    done = run_here("snapshots", "rebuild", "Order", "--all", "--app", "operated_shop:build")
    assert done.returncode == 130
    assert done.stderr == ("stopped\n" if last is None else f"stopped; go on with --after {LONG}\n")


def test_a_record_that_cannot_be_read_is_told_and_the_next_one_too(
    stores: shop.Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    told("snapshots", "rebuild", "Order", LONG, "--every", 60)
    read = stores.snapshots.read

    async def reading(key: RecordKey, at_or_below: int | None = None) -> AggregateRecord | None:
        if at_or_below is None or at_or_below >= 120:
            raise RecordUnusableError("a wrong checksum", version=120)
        return await read(key, at_or_below)

    monkeypatch.setattr(stores.snapshots, "read", reading)
    first, second = told("snapshots", "list", "Order", LONG).splitlines()
    assert first == "version 120  revision 2  not used: a wrong checksum"
    assert second.startswith("version 60  ")


def cached() -> None:
    """Let a load fill the cache."""

    async def load() -> None:
        async with shop.build().build() as app:
            await app.load(shop.Order, SHORT)

    asyncio.run(load())


def spoil(stores: shop.Stores, found: bytes, other: bytes) -> None:
    """Another state in the snapshot of the long order."""
    versions = stores.snapshots._records["default", "Order"][LONG]["2"]
    record = versions[120]
    assert found in record.payload
    versions[120] = record._replace(payload=record.payload.replace(found, other))
