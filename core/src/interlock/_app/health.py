"""Whether the backends of an application answer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID

from interlock._engine.services import TypeServices
from interlock._plugins.durations import duration_text
from interlock._storage.breaker import Breaker
from interlock._storage.tiers import TieredAggregateCacheBackend
from interlock._values.masking import Masking
from interlock.errors import InterlockError, RecordUnusableError

_NOBODY = UUID(int=0)
"""What is asked for: a store that answers says that it has nothing of it, mostly."""


@dataclass(frozen=True, slots=True)
class BackendHealth:
    """How a backend answered.

    `serves` says what it is for: "events", or "snapshots of Order, Cart". `problem` is why it
    didn't answer, None if it did. One that isn't needed may be down: the application is right
    without it. `is_resting` says that its circuit breaker is open. `server` is what the server says
    of itself, where the backend asks for that.
    """

    backend: str
    serves: str
    is_needed: bool
    latency: timedelta | None
    problem: str | None
    is_resting: bool
    server: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """How the backends answered, the event store first."""

    backends: Sequence[BackendHealth]

    @property
    def is_ready(self) -> bool:
        """Whether everything answered that is needed."""
        return not any(each.is_needed and each.problem is not None for each in self.backends)

    def as_json(self) -> dict[str, Any]:  # Any: JSON values
        """The same in JSON's types; latencies in seconds."""
        backends = [
            {**asdict(each), "latency": each.latency and each.latency.total_seconds()}
            for each in self.backends
        ]
        return {"ready": self.is_ready, "backends": backends}


class _Probed(NamedTuple):
    store: Any  # a store of any kind
    kind: str
    probe: Callable[[], Awaitable[object]]
    is_needed: bool
    breaker: Breaker | None


async def health_of(
    services: Iterable[TypeServices], masking: Masking, within: timedelta
) -> Health:
    """Ask all stores at once, each once; one that doesn't answer in time counts as down."""
    probes: dict[int, tuple[_Probed, list[str]]] = {}
    for each in services:
        for probed in _stores(each):
            found, types = probes.setdefault(id(probed.store), (probed, []))
            types.append(each.context.registration.name)
            if probed.is_needed and not found.is_needed:
                probes[id(probed.store)] = found._replace(is_needed=True), types
    return Health(
        await asyncio.gather(
            *(_asked(probed, types, masking, within) for probed, types in probes.values())
        )
    )


def _stores(services: TypeServices) -> Iterator[_Probed]:
    context = services.context
    registration, events = context.registration, context.stream.store
    yield _Probed(events, "events", lambda: context.stream.head(_NOBODY), True, None)
    if context.snapshots is not None:
        snapshots, breaker = _behind_breaker(context.snapshots)
        key = registration.snapshot_scope.key(_NOBODY)
        is_needed = registration.fails_without_snapshots
        yield _Probed(snapshots, "snapshots", lambda: snapshots.read(key), is_needed, breaker)
    if context.cache is not None:
        cache, breaker = _behind_breaker(context.cache)
        key_of_entry = registration.mapper.scope.key(_NOBODY)
        is_needed = getattr(cache, "required", False)
        yield _Probed(cache, "cache", lambda: cache.read(key_of_entry), is_needed, breaker)


def _behind_breaker(store: Any) -> tuple[Any, Breaker | None]:  # Any: a store of any kind
    """The store that a call reaches at last, and its breaker; of tiers it is the shared one."""
    if isinstance(store, TieredAggregateCacheBackend):
        store = store.shared
    breaker: Breaker | None = getattr(store, "breaker", None)
    return (store, None) if breaker is None else (store.store, breaker)


async def _asked(
    probed: _Probed, types: Sequence[str], masking: Masking, within: timedelta
) -> BackendHealth:
    began, problem, server = perf_counter(), None, None
    try:
        async with asyncio.timeout(within.total_seconds()):
            await probed.probe()
            latency = timedelta(seconds=perf_counter() - began)
            if hasattr(probed.store, "server_version"):
                server = await probed.store.server_version()
    except RecordUnusableError:
        latency = timedelta(seconds=perf_counter() - began)  # it answered
    except TimeoutError:
        latency, problem = None, f"no answer within {duration_text(within)}"
    except InterlockError as error:
        latency, problem = None, masking.text(str(error))
    except Exception as error:  # noqa: BLE001 it is what is told
        latency, problem = None, masking.text(repr(error))
    names = "" if probed.kind == "events" else f" of {', '.join(types)}"
    return BackendHealth(
        backend=type(probed.store).__name__,
        serves=probed.kind + names,
        is_needed=probed.is_needed,
        latency=latency,
        problem=problem,
        is_resting=probed.breaker is not None and probed.breaker.is_open,
        server=server,
    )
