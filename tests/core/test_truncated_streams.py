"""What commands say of streams whose first events are archived or deleted."""

import asyncio

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
import operated_shop as shop
from interlock._storage.memory import InMemoryEventStore
from interlock.cli.copying import Copied, Copying
from operated_shop import LONG, SHORT, records, stores, told, told_json

__all__ = ["stores"]


@pytest.fixture(autouse=True)
def truncated(stores: shop.Stores) -> None:
    """The long order has lost its first events, and has no snapshot."""
    asyncio.run(stores.events.delete("Order", LONG, below=41))


def test_a_rebuild_of_all_leaves_it_out_and_says_so(stores: shop.Stores) -> None:
    said = told("snapshots", "rebuild", "Order", "--all", code=1)
    assert said.startswith(f"left out: Order {LONG}: ")
    assert said.endswith("\n1 snapshot stored\n")
    assert (records(stores), records(stores, SHORT)) == ([], [3])
    found = told_json("snapshots", "rebuild", "Order", "--all", code=1)
    assert (found["stored"], found["left_out"]) == (0, 1)
    assert found["problems"][0]["id"] == str(LONG)


def test_a_rebuild_of_it_alone_fails() -> None:
    assert told("snapshots", "rebuild", "Order", LONG, code=2).startswith(f"Order {LONG}: ")


def test_why_it_can_not_be_loaded_is_told() -> None:
    said = told("explain", "Order", LONG, code=2)
    assert said.startswith(f"Order {LONG}: the stream doesn't begin with version 1 and no usable")


def test_it_is_counted_with_the_events_that_are_gone() -> None:
    for found in (told("streams", "stats"), told("plugins", "doctor", "--types")):
        assert "2 streams, 123 events" in found
    assert told("streams", "list", "Order") == f"{LONG}  120\n{SHORT}  3\n"


def test_its_snapshots_are_read_and_no_problem(stores: shop.Stores) -> None:
    stores.events = type(stores.events)()
    asyncio.run(stores.fill())
    told("snapshots", "rebuild", "Order", "--all")
    asyncio.run(stores.events.delete("Order", LONG, below=41))
    assert told("snapshots", "verify", "Order") == "2 compared, 0 of no use\n"
    assert told("explain", "Order", LONG).splitlines()[1] == (
        "began with the snapshot of version 120 and folded 0 events"
    )
    assert told("snapshots", "rebuild", "Order", "--all") == "0 snapshots stored\n"


async def test_what_is_archived_after_it_was_copied_is_no_difference(
    stores: shop.Stores,
) -> None:
    source, target = stores.events, InMemoryEventStore()
    await Copying(source, target, "Order").copy(LONG)
    await source.delete("Order", LONG, below=61)
    copying = Copying(source, target, "Order")
    await copying.copy(LONG)
    await copying.compare(LONG)
    assert copying.outcome == Copied("Order", streams=1)
    rows = target._streams["Order", LONG]
    rows[-1] = rows[-1]._replace(metadata=b" ")
    await copying.compare(LONG)
    assert copying.outcome.different == 1
