"""Hits of the cache that are compared with a replay, behind the answers."""

import asyncio
from random import random

from interlock._engine.cache import AggregateCache
from interlock._engine.context import TypeContext
from interlock._engine.load_context import LoadedState, LoadRequest, LoadTrace
from interlock._engine.replay import TailReplay
from interlock._model.strategies import Replay
from interlock._storage.records import AggregateRecord
from interlock._values.comparing import difference
from interlock.errors import StreamTruncatedError, VersionNotFoundError


class ShadowChecks:
    """Replays a share of the hits of one registered aggregate, one at a time.

    An entry that isn't what the events give is counted, logged with the place of the difference,
    and removed.
    """

    def __init__(self, context: TypeContext, cache: AggregateCache, tail: TailReplay) -> None:
        self._context = context
        self._registration = context.registration
        self._cache = cache
        self._tail = tail
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Forget the check of an earlier life."""
        self._task = None

    def sample(self, hit: LoadedState) -> None:
        """Check the hit's record, if chance wills it and no other is being checked."""
        is_chosen = self._task is None and random() < self._registration.shadow  # noqa: S311
        if is_chosen and hit.record is not None:
            self._task = asyncio.create_task(self._check(hit.record))

    def give_up(self) -> None:
        """Check nothing any more."""
        if self._task is not None:
            self._task.cancel()

    async def _check(self, record: AggregateRecord) -> None:
        try:
            await self._compare(record)
        except (StreamTruncatedError, VersionNotFoundError):
            pass  # archived, or rolled back: that is for loads to find
        except Exception as error:  # noqa: BLE001 nobody waits for it
            self._context.reporting.failed("shadow.failed", error, record.aggregate_id)
        finally:
            self._task = None

    async def _compare(self, record: AggregateRecord) -> None:
        registration, aggregate_id = self._registration, record.aggregate_id
        trace = LoadTrace(is_timed=False)
        trace.is_limited = False
        empty = LoadedState.empty(registration.aggregate_type, aggregate_id, trace)
        replayed = await self._tail.replay(empty, LoadRequest(record.version, Replay()))
        if replayed.last_event_id != record.last_event_id:
            return  # of another branch: likewise
        mapper = registration.mapper
        kept = mapper.state(record, record.key)
        found = difference(kept, replayed.state, mapper.fidelity.kinds, is_state=True)
        self._context.reporting.count("shadow.checked")
        if found is not None:
            reporting = self._context.reporting
            reporting.count("shadow.different")
            reporting.warn(
                "shadow.different",
                f"the cached state of {registration.name} {aggregate_id} version {record.version} "
                f"isn't what its events give, at ${found.path}; it is removed",
                aggregate_id,
                kind=found.path,
            )
            await self._cache.drop(aggregate_id, record.stamp)
