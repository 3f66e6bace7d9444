"""Servers and streams that are refused, and what is said of them."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import uuid4

import nats
import pytest

from fault_ledger import events_of
from interlock.backends import BackendUnavailableError, ConfigurationError
from interlock_nats_events import checks
from interlock_nats_events.backend import NatsEventStore
from interlock_nats_events.config import NatsEventsConfig
from interlock_nats_events.subjects import Subjects
from nats_rig import Node, cluster, old_server

Opened = Callable[..., Awaitable[NatsEventStore]]
Config = Callable[..., NatsEventsConfig]


async def make(config: NatsEventsConfig, **changes: object) -> None:
    """Make the stream of these options with something else in it."""
    connection = await nats.connect(f"nats://{config.servers[0]}")
    stream = checks.stream_of(config, Subjects(config.stream, config.namespace)) | changes
    answer = await connection.request(
        f"$JS.API.STREAM.CREATE.{config.stream}", json.dumps(stream).encode(), timeout=10
    )
    await connection.close()
    assert "error" not in json.loads(answer.data), answer.data


async def test_fewer_replicas_are_refused(single: list[Node], opened: Opened) -> None:
    with pytest.raises(ConfigurationError, match="wanted 3 replicas or more, found 1"):
        await opened(single, stream="FEW", replicas=1)
    await opened(single, stream="FEW", replicas=1, allow_unsafe=True)


async def test_a_word_on_syncing_is_asked_for(single: list[Node], opened: Opened) -> None:
    with pytest.raises(ConfigurationError, match="wanted your word, sync_always = true"):
        await opened(single, stream="WORD", replicas=1, sync_always=False)


async def test_three_replicas_and_the_word_are_taken(three: list[Node], opened: Opened) -> None:
    store = await opened(three)
    assert (await store.server_version()).startswith("NATS 2.")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"allow_atomic": False}, "wanted allow_atomic = true"),
        ({"allow_rollup_hdrs": False}, "wanted allow_rollup_hdrs = true"),
        ({"allow_direct": False}, "wanted allow_direct = true"),
        ({"max_age": 10**12}, "wanted no max_age"),
        ({"max_msgs_per_subject": 5}, "wanted no max_msgs_per_subject"),
        ({"max_msgs": 500, "discard": "old"}, "wanted discard = new"),
        ({"retention": "interest"}, "wanted retention = limits"),
        ({"deny_purge": True, "allow_rollup_hdrs": False}, "wanted deny_purge = false"),
        ({"subjects": ["OTHER.>"]}, "wanted the subjects"),
    ],
)
async def test_a_stream_that_would_lose_events_is_refused(
    single: list[Node], config: Config, changes: dict[str, object], said: str
) -> None:
    name = "UNFIT_" + "_".join(changes)
    options = config(single, stream=name, replicas=1, allow_unsafe=True)
    own = {"subjects": [f"{name}.>"]} if "subjects" in changes else changes
    await make(options, **own)
    with pytest.raises(ConfigurationError, match=said):
        await NatsEventStore(options).open()


async def test_a_missing_stream_is_told(single: list[Node], opened: Opened) -> None:
    with pytest.raises(ConfigurationError, match="wanted the stream NONE, found none; make it"):
        await opened(single, stream="NONE", create_stream=False)


async def test_replicas_that_cannot_be_had_are_told(single: list[Node], opened: Opened) -> None:
    with pytest.raises(BackendUnavailableError, match="with 3 replicas can't be made: "):
        await opened(single, stream="MANY")


async def test_an_old_server_is_refused(opened: Opened) -> None:
    with (
        old_server() as server,
        pytest.raises(ConfigurationError, match=r"wanted nats-server 2\.12 or newer, found 2\.9"),
    ):
        await opened([server], allow_unsafe=True)


async def test_an_old_server_is_refused_after_others_too(opened: Opened) -> None:
    with old_server() as old, cluster(1) as nodes:
        store = None
        while store is None:  # the driver takes them in any order
            with suppress(ConfigurationError):
                store = await opened([*nodes, old], replicas=1, allow_unsafe=True, timeout="5s")
        nodes[0].kill()
        errors = [
            error
            for _ in range(3)  # the first may come while it connects
            for error in await asyncio.gather(store.head("A", uuid4()), return_exceptions=True)
        ]
        assert "wanted nats-server 2.12 or newer, found 2.9" in str(errors)


async def test_what_is_above_max_msg_size_is_told(
    single: list[Node], config: Config, opened: Opened
) -> None:
    await make(config(single, stream="SMALL", replicas=1), max_msg_size=10_000)
    store = await opened(single, stream="SMALL", replicas=1, allow_unsafe=True)
    event = events_of(uuid4(), 1, payload=b"x" * 9_000)[0]
    with pytest.raises(BackendUnavailableError, match="max_msg_size, 10000 bytes") as caught:
        await store.append([event], after=None)
    assert caught.value.nothing_done
    await store.append([event._replace(payload=b"x" * 5_000)], after=None)


async def test_a_server_that_is_down_is_told(config: Config, single: list[Node]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{unused.getsockname()[1]}"
        store = NatsEventStore(config(single).model_copy(update={"servers": (nobody,)}))
        with pytest.raises(BackendUnavailableError, match="no server can be reached"):
            await store.open()


async def test_a_wrong_password_is_told(opened: Opened) -> None:
    users = 'authorization { user: "bank", password: "right" }'
    with cluster(1, users) as nodes:
        options = {"replicas": 1, "allow_unsafe": True, "user": "bank"}
        await opened(nodes, **options, password="right")  # noqa: S106 # a test's
        for _ in range(20):  # the server hangs up, which may come before what it says
            with pytest.raises(BackendUnavailableError) as raised:
                await opened(nodes, **options, password="wrong")  # noqa: S106 # a test's
            if "reset by peer" not in str(raised.value):
                break
        assert "Authorization Violation" in str(raised.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"servers": []}, "at least 1 item"),
        ({"servers": ["nats://a:4222"]}, "is no server; wanted"),
        ({"servers": ["a:99999"]}, "is no server; wanted"),
        ({"servers": ["a:1"], "user": "bank"}, "user and password go together"),
        ({"servers": ["a:1"], "token": "t", "credentials": __file__}, "wanted one of them"),
        ({"servers": ["a:1"], "credentials": "missing.creds"}, "not point to a file"),
        ({"servers": ["a:1"], "stream": "a.b"}, "pattern"),
        ({"servers": ["a:1"], "timeout": "0s"}, "greater than"),
    ],
)
def test_wrong_options_are_told(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NatsEventsConfig.model_validate(options)
