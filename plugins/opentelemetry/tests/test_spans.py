"""Spans stand under what caused them, and tell what happened."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.trace import StatusCode

from interlock.application import ApplicationBuilder
from interlock.errors import BackendUnavailableError
from interlock_opentelemetry import names
from telemetry_rig import ID, Order, PlaceOrder, RefusedError, Shop


async def test_a_command_has_a_span_with_all_it_does_below_the_current_one() -> None:
    async with Shop() as shop:
        with shop.tracers.get_tracer("web").start_as_current_span("POST /orders"):
            await shop.order(1)
        await shop.order(1)
    below = "POST /orders > dispatch PlaceOrder"
    assert [path for path in shop.paths() if path.startswith("POST")] == [
        "POST /orders",
        below,
        f"{below} > load Order",
        f"{below} > load Order > cache read Order",
        f"{below} > load Order > snapshot read Order",
        f"{below} > append Order",
        f"{below} > cache put Order",
    ]
    assert "dispatch PlaceOrder > snapshot put Order" in shop.paths()


async def test_what_a_store_does_is_below_its_span() -> None:
    async with Shop() as shop:
        tracer = shop.tracers.get_tracer("driver")
        reach = shop.cache.reach

        async def traced() -> None:
            with tracer.start_as_current_span("GET"):
                await reach()

        shop.cache.reach = traced  # type: ignore[method-assign] # a driver that is instrumented
        await shop.app.load(Order, ID)
    assert shop.paths()[:3] == [
        "load Order",
        "load Order > cache read Order",
        "load Order > cache read Order > GET",
    ]


async def test_commands_at_once_have_spans_of_their_own() -> None:
    async with Shop() as shop:
        await asyncio.gather(*(shop.order(1) for _ in range(5)))
    paths = shop.paths()
    assert paths.count("dispatch PlaceOrder") == 5
    assert paths.count("dispatch PlaceOrder > append Order") == 5
    traces = {span.context.trace_id for span in shop.spans() if span.context is not None}
    assert len(traces) == 5


async def test_a_load_tells_where_it_began() -> None:
    async with Shop() as shop:
        await shop.order(1, 2)
        await shop.app.load(Order, ID, version=1)
    span = [span for span in shop.spans() if span.name == "load Order"][-1]
    assert span.attributes == {
        names.AGGREGATE_TYPE: "Order",
        names.AGGREGATE_ID: str(ID),
        names.BASELINE: "empty",
        names.BASELINE_VERSION: 0,
        names.VERSION_REACHED: 1,
        names.EVENTS: 1,
        names.MISSES: ("snapshot: absent",),
    }


async def test_an_exception_makes_an_error_and_tells_only_its_type() -> None:
    async with Shop() as shop:
        with pytest.raises(RefusedError):
            await shop.order(-1)
    (span,) = [span for span in shop.spans() if span.name == "dispatch PlaceOrder"]
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes[names.ERROR_TYPE] == "telemetry_rig.RefusedError"
    assert span.events == ()
    assert "Anna" not in span.to_json()
    (load,) = [span for span in shop.spans() if span.name == "load Order"]
    assert load.status.status_code is StatusCode.UNSET


async def test_texts_are_told_where_they_are_asked_for() -> None:
    async with Shop(error_texts=True) as shop:
        with pytest.raises(RefusedError):
            await shop.order(-1)
    (span,) = [span for span in shop.spans() if span.name == "dispatch PlaceOrder"]
    assert span.status.description == "telemetry_rig.RefusedError: for Anna Smith"


async def test_loads_of_a_batch_are_measured_and_describe_its_span_alone() -> None:
    others = [UUID(int=number) for number in (20, 21)]
    async with Shop() as shop:
        await shop.order(1)
        for each in others:
            await shop.order(1, 1, 1, aggregate_id=each)
        shop.cache.is_down = True  # so that the batch reads events, too
        shop.exporter.clear()
        with shop.tracers.get_tracer("web").start_as_current_span("GET /orders"):
            found = [each.total async for each in shop.app.load_many(Order, [ID, *others, ID])]
    assert found == [1, 3, 3, 1]
    assert shop.paths() == ["GET /orders", "GET /orders > load_many Order"]
    outer, batch = sorted(shop.spans(), key=lambda span: span.name)
    assert not outer.attributes
    assert batch.attributes == {
        names.AGGREGATE_TYPE: "Order",
        names.BATCH_SIZE: 3,
        names.BATCH_LOADED: 3,
        names.EVENTS: 1 + 1 + 1,  # two of three events are in the snapshots of the others
    }
    assert sum(shop.values("interlock.load.duration").values()) == 7 + 3


async def test_each_batch_has_a_span_with_what_its_stores_do_below() -> None:
    async with Shop() as shop:
        tracer, read = shop.tracers.get_tracer("driver"), shop.snapshots.read_many

        async def traced(*given: Any) -> Any:  # Any: passed on
            with tracer.start_as_current_span("SELECT"):
                return await read(*given)

        shop.snapshots.read_many = traced  # type: ignore[assignment] # as above
        ids = [UUID(int=number) for number in range(1, 502)]
        assert len([each async for each in shop.app.load_many(Order, ids)]) == 501
    batch = ["load_many Order", "load_many Order > SELECT"]
    assert [path for path in shop.paths() if "cache" not in path] == batch * 2
    facts = [span.attributes or {} for span in shop.spans() if span.name == batch[0]]
    assert [each[names.BATCH_SIZE] for each in facts] == [500, 1]


async def test_an_id_that_the_batch_leaves_out_has_a_span_of_its_own() -> None:
    async with Shop() as shop:
        shop.events.is_down = True
        with pytest.raises(BackendUnavailableError):
            [each async for each in shop.app.load_many(Order, [ID])]
    tops = [span for span in shop.spans() if span.name in ("load_many Order", "load Order")]
    batch, alone = tops[-2:]
    facts = batch.attributes or {}
    assert (batch.name, facts[names.BATCH_LOADED]) == ("load_many Order", 0)
    assert (alone.name, alone.status.status_code) == ("load Order", StatusCode.ERROR)


async def test_a_batch_that_is_cancelled_is_an_error_of_its_span() -> None:
    async with Shop() as shop:
        shop.cache.gate = asyncio.Event()
        loading = asyncio.ensure_future(anext(shop.app.load_many(Order, [ID])))
        await shop.cache.reached.wait()
        loading.cancel()
        await asyncio.wait([loading])
        shop.cache.gate.set()
    (batch,) = [span for span in shop.spans() if span.name == "load_many Order"]
    assert batch.attributes is not None
    assert batch.attributes[names.ERROR_TYPE] == "asyncio.exceptions.CancelledError"
    assert batch.status.status_code is StatusCode.ERROR


async def test_the_extension_is_named_in_toml(tmp_path: Path) -> None:
    config = tmp_path / "interlock.toml"
    config.write_text('schema = 1\nextensions = ["opentelemetry"]\n')
    builder = ApplicationBuilder.from_config(config).register_aggregate(Order)
    async with builder.build() as app:
        assert await app.dispatch(PlaceOrder(aggregate_id=ID, amount=1)) == 1
        assert app.counters() == {}


async def test_a_store_that_fails_is_an_error_of_each_span_that_it_ends() -> None:
    async with Shop() as shop:
        shop.snapshots.takes_nothing = True
        await shop.order(1)
        with pytest.raises(BackendUnavailableError):
            await shop.app.rebuild_snapshots(Order, [ID])
    failed = [span.name for span in shop.spans() if span.status.status_code is StatusCode.ERROR]
    assert failed == ["snapshot put Order"]


def test_a_list_of_plugins_loads_no_opentelemetry() -> None:
    listing = "from interlock.backends import Catalogue; Catalogue.installed().listing()"
    loaded = "import sys; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    command = [sys.executable, "-c", f"{listing}; import interlock_opentelemetry.plugin; {loaded}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 our own
    assert done.stdout.strip() == "[]"
