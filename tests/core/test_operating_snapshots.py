"""The commands about snapshots: of one aggregate, and those that go through all."""

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
import operated_shop as shop
from interlock._storage.records import AggregateRecord, RecordKey
from interlock.application.aggregates import NeverSnapshot
from interlock.errors import BackendUnavailableError, RecordUnusableError
from operated_shop import LONG, SHORT, records, stores, told, told_json

__all__ = ["stores"]


pytestmark = pytest.mark.usefixtures("stores")


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
        assert told_json("snapshots", "rebuild", "Order", LONG, SHORT) == {
            "stored": 0,
            "left_out": 0,
            "problems": [],
        }

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


def test_a_store_that_fails_ends_the_run(
    stores: shop.Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put(*_: object) -> None:
        raise BackendUnavailableError("the disk is full")

    monkeypatch.setattr(stores.snapshots, "put", put)
    assert told("snapshots", "rebuild", "Order", "--all", code=2) == "the disk is full\n"


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


def spoil(stores: shop.Stores, found: bytes, other: bytes) -> None:
    """Another state in the snapshot of the long order."""
    versions = stores.snapshots._records["default", "Order"][LONG]["2"]
    record = versions[120]
    assert found in record.payload
    versions[120] = record._replace(payload=record.payload.replace(found, other))
