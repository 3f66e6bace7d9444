"""Looks at the server and the stream, and refuses what could lose or change events."""

import asyncio
from collections.abc import Iterator

from interlock.backends import BackendUnavailableError, ConfigurationError
from interlock_nats_events.client import Client, Json
from interlock_nats_events.config import NatsEventsConfig
from interlock_nats_events.deadlines import Deadline
from interlock_nats_events.subjects import Subjects

_SAFE_REPLICAS = 3
_STREAM_NOT_FOUND = 10059
_STREAM_EXISTS = 10058
_NO_PEERS = 10005
_PAUSE_SECONDS, _LATEST = 0.1, 2
"""A stream is asked for again until so many seconds of the call are left."""


async def check(client: Client, config: NatsEventsConfig, names: Subjects) -> int | None:
    """Return the stream's max_msg_size, in bytes, if it has one; may make the stream.

    Raises `ConfigurationError` for a server or a stream that isn't fit.
    """
    if (why := client.unfit()) is not None:
        raise ConfigurationError(why)
    deadline = client.deadline()
    found = await client.api(f"STREAM.INFO.{config.stream}", {}, deadline)
    if _code(found) == _STREAM_NOT_FOUND:
        found = await _made(client, config, names, deadline)
    if "error" in found:
        raise client.refused(found["error"])
    wrong = [*_unfit(found["config"], names)]
    if not config.allow_unsafe:
        wrong += _unsafe(found["config"], config)
    if wrong:
        raise ConfigurationError(
            f"{client.where}: the stream {config.stream} isn't taken:\n- " + "\n- ".join(wrong)
        )
    most: int = found["config"].get("max_msg_size", -1)
    return most if most > 0 else None


def stream_of(config: NatsEventsConfig, names: Subjects) -> Json:
    """The configuration of a stream that is made."""
    return {
        "name": config.stream,
        "subjects": list(names.of_stream),
        "storage": "file",
        "retention": "limits",
        "discard": "new",
        "num_replicas": config.replicas,
        "max_consumers": -1,
        "max_msgs": -1,
        "max_bytes": -1,
        "max_age": 0,
        "max_msgs_per_subject": -1,
        "allow_atomic": True,
        "allow_direct": True,
        "allow_rollup_hdrs": True,
    }


async def _made(
    client: Client, config: NatsEventsConfig, names: Subjects, deadline: Deadline
) -> Json:
    wanted = stream_of(config, names)
    if not config.create_stream:
        raise ConfigurationError(
            f"{client.where}: wanted the stream {config.stream}, found none; make it, or write "
            "create_stream = true"
        )
    made = await client.api(f"STREAM.CREATE.{config.stream}", wanted, deadline)
    while _code(made) == _NO_PEERS and deadline.is_before(_LATEST):  # nodes that start
        await asyncio.sleep(_PAUSE_SECONDS)
        made = await client.api(f"STREAM.CREATE.{config.stream}", wanted, deadline)
    if _code(made) in {None, _STREAM_EXISTS}:
        return await client.api(f"STREAM.INFO.{config.stream}", {}, deadline)
    raise BackendUnavailableError(
        f"{client.where}: a stream {config.stream} with {config.replicas} replicas can't be made: "
        f"{made['error'].get('description')}"
    )


def _unfit(found: Json, names: Subjects) -> Iterator[str]:
    """What this store can't work with, or what makes the server discard events by itself."""
    for name in ("allow_atomic", "allow_direct", "allow_rollup_hdrs"):
        if not found.get(name):
            yield f"wanted {name} = true, found it is off; turn it on"
    if not set(names.of_stream) <= set(found.get("subjects") or ()):
        yield f"wanted the subjects {', '.join(names.of_stream)}, found {found.get('subjects')}"
    for name, most in (("max_age", 0), ("max_msgs_per_subject", -1)):
        if found.get(name, most) > 0:
            yield f"wanted no {name}, found {found[name]}: the server would discard old events"
    if found.get("discard") != "new" and max(found["max_msgs"], found["max_bytes"]) > 0:
        yield "wanted discard = new beside a limit, found old: the server would discard old events"
    if found.get("retention") != "limits":
        yield f"wanted retention = limits, found {found.get('retention')}: events would go"
    if found.get("deny_purge"):
        yield "wanted deny_purge = false, found true: nothing could be deleted"


def _unsafe(found: Json, config: NatsEventsConfig) -> Iterator[str]:
    """How acknowledged events can be lost."""
    otherwise = "or write allow_unsafe = true where events may be lost"
    if found.get("num_replicas", 1) < _SAFE_REPLICAS:
        yield (
            f"wanted {_SAFE_REPLICAS} replicas or more, found {found.get('num_replicas', 1)}: a "
            f"node that is lost takes acknowledged events with it; give it three, {otherwise}"
        )
    if found.get("storage") != "file":
        yield f"wanted storage = file, found {found.get('storage')}; {otherwise}"
    if not config.sync_always:
        yield (
            "wanted your word, sync_always = true, that every node is configured with "
            "`sync_interval: always`: without it nodes that lose their power together lose the "
            "last two minutes of acknowledged events, and no client can find out; write it once "
            f"it is so, {otherwise}"
        )


def _code(answer: Json) -> int | None:
    code: int | None = answer.get("error", {}).get("err_code")
    return code
