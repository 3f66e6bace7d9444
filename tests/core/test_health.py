"""How the backends of an application answer, and what a probe over HTTP is told."""

import json
from datetime import timedelta
from typing import Any

import pytest

from interlock._storage.tiers import TieredAggregateCacheBackend
from interlock.application import ApplicationBuilder, BackendHealth, Liveness, Readiness
from interlock.application.aggregates import AlwaysCache, SnapshotAfterN
from interlock.domain import Aggregate
from interlock.errors import ConfigurationError
from outage_rig import OTHERS, with_breaker
from rig import Rig
from rig_domain import Account
from rig_stores import Cache, Events
from virtual_time import RemoteCache, State, in_virtual_time, now


class Customer(Aggregate):
    """Another type."""

    revision = "1"


async def _answers(rig: Rig) -> dict[str, BackendHealth]:
    return {each.serves: each for each in (await rig.app.health()).backends}


async def test_backends_that_answer_are_ready() -> None:
    async with Rig() as rig:
        health = await rig.app.health()
        assert health.is_ready
        assert [(each.backend, each.serves, each.is_needed) for each in health.backends] == [
            ("Events", "events", True),
            ("Snapshots", "snapshots of Account", False),
            ("Cache", "cache of Account", False),
        ]
        assert all(each.problem is None and each.latency for each in health.backends)


async def test_an_event_store_that_is_down_is_not_ready() -> None:
    async with Rig() as rig:
        rig.events.down.add("head")
        health = await rig.app.health()
        assert not health.is_ready
        assert health.backends[0].problem is not None
        assert "the server is down" in health.backends[0].problem


async def test_a_cache_that_is_down_is_told_and_the_application_is_ready() -> None:
    async with Rig() as rig:
        rig.cache.down.add("read")
        assert (await rig.app.health()).is_ready
        assert (await _answers(rig))["cache of Account"].problem is not None


async def test_snapshots_that_loads_need_have_to_answer() -> None:
    async with Rig(on_unavailable="fail") as rig:
        rig.snapshots.down.add("read")
        assert not (await rig.app.health()).is_ready


@in_virtual_time
async def test_a_store_that_hangs_holds_up_nobody_elses_answer() -> None:
    async with Rig(cache=RemoteCache()) as rig:
        rig.cache.state = State.BLACK_HOLE
        began = now()
        answers = await _answers(rig)
        assert now() - began == 1.0
        assert answers["cache of Account"].problem == "no answer within 1s"
        assert answers["events"].problem is None


@in_virtual_time
async def test_a_store_that_rests_is_asked_all_the_same() -> None:
    async with Rig(cache=RemoteCache(), **with_breaker({})) as rig:
        rig.cache.state = State.REFUSES
        for each in OTHERS[:3]:
            await rig.load(each)
        attempts = rig.cache.attempts
        answer = (await _answers(rig))["cache of Account"]
        assert (answer.is_resting, rig.cache.attempts) == (True, attempts + 1)
        rig.cache.state = State.UP
        answer = (await _answers(rig))["cache of Account"]
        assert (answer.is_resting, answer.problem) == (True, None)


@in_virtual_time
async def test_of_tiers_the_shared_one_is_asked() -> None:
    shared = RemoteCache()
    async with Rig(cache=TieredAggregateCacheBackend(Cache(), shared), **with_breaker({})) as rig:
        shared.state = State.REFUSES
        answer = (await _answers(rig))["cache of Account"]
        assert answer.backend == "RemoteCache"
        assert answer.problem is not None


async def test_a_store_of_several_types_is_asked_once() -> None:
    rig, events = Rig(), Events()
    builder = ApplicationBuilder().register_event_store(events)
    for cls in (Account, Customer):
        builder.register_aggregate(
            cls,
            snapshot_backend=rig.snapshots,
            snapshot_strategy=SnapshotAfterN(1),
            cache_backend=rig.cache,
            cache_strategy=AlwaysCache(),
        )
    async with builder.build() as app:
        health = await app.health()
        assert [each.serves for each in health.backends] == [
            "events",
            "snapshots of Account, Customer",
            "cache of Account, Customer",
        ]
        assert (events.calls, rig.cache.calls) == (["head"], ["read"])


async def test_an_application_that_is_not_started_says_so() -> None:
    with pytest.raises(ConfigurationError, match="isn't running"):
        await Rig().app.health()


async def _get(endpoint: Any, path: str = "/") -> tuple[int, dict[str, Any]]:
    """The status and the body that an ASGI application answers a GET with."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await endpoint({**scope, "root_path": ""}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def test_a_probe_of_readiness_is_answered_with_what_is_down() -> None:
    rig = Rig()
    endpoint = Readiness(rig.app, within=timedelta(seconds=5))
    status, body = await _get(endpoint)
    assert (status, body["ready"]) == (503, False)
    async with rig:
        status, body = await _get(endpoint)
        assert (status, body["ready"]) == (200, True)
        rig.events.down.add("head")
        status, body = await _get(endpoint)
        assert (status, body["ready"]) == (503, False)
        assert "the server is down" in body["backends"][0]["problem"]


async def test_a_probe_of_liveness_is_answered_whatever_is_down() -> None:
    assert await _get(Liveness()) == (200, {"live": True})


async def test_both_are_routes_of_starlette() -> None:
    pytest.importorskip("starlette", reason="needs starlette, of tests/requirements.txt")
    from starlette.applications import Starlette  # noqa: PLC0415 where it may be missing
    from starlette.routing import Route  # noqa: PLC0415 as above

    async with Rig() as rig:
        api = Starlette(routes=[Route("/live", Liveness()), Route("/ready", Readiness(rig.app))])
        assert (await _get(api, "/live"))[0] == 200
        assert (await _get(api, "/ready"))[1]["ready"] is True
