"""Appending until the outcome is known."""

import asyncio
from collections.abc import Sequence
from enum import Enum

from interlock._engine.calls import bounded
from interlock._engine.known_heads import Head
from interlock._engine.reports import Reporting
from interlock._storage.protocols import EventStore
from interlock._storage.records import StoredEvent
from interlock.errors import (
    AppendOutcomeUnknownError,
    BackendUnavailableError,
    ConcurrencyError,
    InterlockError,
)

_ATTEMPTS = 4
_PAUSE_SECONDS = 0.02  # before the second attempt; doubled each time


class _Standing(Enum):
    OURS = "ours"
    OTHERS = "others"
    NONE = "none"


async def append(
    store: EventStore,
    events: Sequence[StoredEvent],
    after: Head | None,
    reporting: Reporting,
    *,
    is_proven: bool,
) -> None:
    """Append the events under their ids; returns when they stand.

    After anything but a plain success the stream is asked who stands there: our ids (done), others
    (`ConcurrencyError`) or nobody (appended again under the same ids, a few times). Without the
    event of `after` nothing can be appended: a `ConcurrencyError`, too. Raises
    `AppendOutcomeUnknownError` if that can't be found out, and `BackendUnavailableError` if the
    store says that it has not stored them and will not; `is_proven` says that `after` was read from
    the stream, so that this isn't because of what a cache said.
    """
    for attempt in range(_ATTEMPTS):
        try:
            await bounded(
                "the event store's append", store.timeout, store.append(events, after=after)
            )
        except InterlockError as error:
            failure = error
        else:
            return
        is_refused = attempt == 0 and _is_refusal(failure)
        if is_refused and is_proven:
            raise failure
        standing = await _find_out(store, events, after, failure, is_first=attempt == 0)
        if standing is _Standing.OURS:
            reporting.count("append.reply_lost")
            return
        if standing is _Standing.OTHERS or isinstance(failure, ConcurrencyError):
            raise ConcurrencyError(
                f"{events[0].aggregate_type} {events[0].aggregate_id}: wanted to append after "
                f"{after}; that isn't the stream's head any more"
            ) from failure
        if is_refused:
            raise failure
        reporting.failed(
            "append.retried", failure, (events[0].aggregate_type, events[0].aggregate_id)
        )
        await asyncio.sleep(_PAUSE_SECONDS * 2**attempt)
    raise _unknown(events, f"{failure}")


def _is_refusal(failure: InterlockError) -> bool:
    return isinstance(failure, BackendUnavailableError) and failure.nothing_done


async def _find_out(
    store: EventStore,
    events: Sequence[StoredEvent],
    after: Head | None,
    failure: InterlockError,
    *,
    is_first: bool,
) -> _Standing:
    for attempt in range(_ATTEMPTS):
        try:
            standing = await _ids(store, events, after)
        except InterlockError as error:
            if is_first and (isinstance(failure, ConcurrencyError) or _is_refusal(failure)):
                raise failure from error  # no earlier attempt of ours can have stored anything
            unanswered = error
            await asyncio.sleep(_PAUSE_SECONDS * 2**attempt)
        else:
            ours = {event.version: event.event_id.bytes for event in events}
            before = {} if after is None else {after[0]: after[1].bytes}
            if standing == before:
                return _Standing.NONE
            return _Standing.OURS if standing.items() >= ours.items() else _Standing.OTHERS
    raise _unknown(events, f"{failure}; and to look for it: {unanswered}") from failure


async def _ids(
    store: EventStore, events: Sequence[StoredEvent], after: Head | None
) -> dict[int, bytes]:
    """The ids that stand at the versions of `after` and of the events."""
    first, last = events[0], events[-1]
    chunks = store.read(
        first.aggregate_type,
        first.aggregate_id,
        first=first.version if after is None else after[0],
        last=last.version,
    )
    ids: dict[int, bytes] = {}
    while (
        rows := await bounded("the event store's read", store.timeout, anext(chunks, None))
    ) is not None:
        ids.update((row[0], row[1]) for row in rows)
    return ids


def _unknown(events: Sequence[StoredEvent], why: str) -> AppendOutcomeUnknownError:
    return AppendOutcomeUnknownError(
        f"{events[0].aggregate_type} {events[0].aggregate_id}: whether versions "
        f"{events[0].version} to {events[-1].version} were appended isn't known ({why}); look "
        "for the event ids before you dispatch the command again",
        event_ids=[event.event_id for event in events],
    )
