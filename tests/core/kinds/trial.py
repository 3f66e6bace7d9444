"""What becomes of an example: as an event, and as a state by snapshots and by a cache."""

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from interlock.application import ApplicationBuilder
from interlock.application.aggregates import Replay
from interlock.domain import Aggregate, Command
from interlock.errors import ConfigurationError, EventApplyError
from interlock.routing import applies_event, handles_command
from kinds import rows
from kinds.holder import Holder
from kinds.look import look
from kinds.rows import Row
from kinds.ways import CACHE, REPLAYED, SNAPSHOTS, Told, Way, difference, told, truth


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an example, in the words of `rows` or in other ones, and why."""

    found: str
    why: str = ""


class Put(Command[None]):
    """Emits the example."""


def event_verdict(row: Row) -> Verdict:
    """What becomes of the example as an event."""
    with _silent() as warned:
        verdict = asyncio.run(_event_verdict(row, row.event_class()))
    return Verdict("warned", warned[0]) if warned else verdict


async def _event_verdict(row: Row, event_class: type[BaseModel]) -> Verdict:
    emitter = _emitter(row, event_class)
    try:
        app = ApplicationBuilder().register_aggregate(emitter).build()
    except ConfigurationError as error:
        return _named(rows.REGISTRATION, str(error), row.named)
    async with app:
        try:
            await app.dispatch(Put(aggregate_id=UUID(int=1)))
        except EventApplyError as error:
            if await app.exists(emitter, UUID(int=1)):
                return Verdict("refused, but stored", str(error))
            return _named(rows.EMIT, str(error), row.named)
        wanted = look(row.event(event_class), alone=True)
        [stored] = [one.event async for one in app.events(emitter, UUID(int=1))]
        state: Any = await app.load(emitter, UUID(int=1), freshness=Replay())  # Any: an Emitter
    for found in (look(stored, alone=True), state.applied):
        if found != wanted:
            return Verdict("lost", f"{found}, wanted {wanted}")
    return Verdict(rows.KEPT)


def _emitter(row: Row, event_class: type[BaseModel]) -> type[Aggregate]:
    """An aggregate that notes what it is given to apply."""

    class Emitter(Aggregate):
        revision = "1"

        applied: str = ""

        @handles_command
        def put(self, command: Put) -> None:
            self.emit(row.event(event_class))

        @applies_event
        def on_event(self, event: event_class) -> None:  # type: ignore[valid-type] # made for it
            self.applied = look(event, alone=True)

    return Emitter


def state_verdict(row: Row) -> Verdict:
    """What becomes of the example as a state: by snapshots, and by a cache."""
    with _silent() as warned:
        verdict = _state_verdict(row, row.state_class())
    return Verdict("warned", warned[0]) if warned else verdict


def _state_verdict(row: Row, cls: type[Holder]) -> Verdict:
    try:
        replayed = told(cls, REPLAYED)
    except ConfigurationError as error:
        return _named(rows.ALWAYS, str(error), row.named)
    plain = truth(cls)
    if difference(plain, replayed):
        return Verdict("replayed otherwise", difference(plain, replayed))
    by_snapshots, by_cache = (_way_verdict(row, cls, way, plain) for way in (SNAPSHOTS, CACHE))
    if by_snapshots.found != by_cache.found:
        return Verdict("differs", f"snapshots: {by_snapshots}; cache: {by_cache}")
    return by_cache


def _way_verdict(row: Row, cls: type[Holder], way: Way, plain: Told) -> Verdict:
    try:
        found = told(cls, way)
    except ConfigurationError as error:
        return _named(rows.BUILD, str(error), row.named)
    log = "\n".join(found.lines)
    otherwise = difference(plain, found)
    if otherwise:
        return Verdict("answers otherwise", otherwise)
    if not (found.was_kept[0] and found.was_kept[-1] and all(found.other_was_kept)):
        return Verdict("never kept", log)
    if all(found.was_kept):
        return Verdict(rows.KEPT, log)
    if not found.counted("not_kept") or (way.cache and "NOT_KEPT" not in found.misses):
        return Verdict("not kept, without saying so", log)
    return _named(rows.NOT_KEPT, log, row.named)


def _named(found: str, text: str, named: str) -> Verdict:
    return Verdict(found if named in text else f"{found}, without naming {named}", text)


@contextmanager
def _silent() -> Iterator[list[str]]:
    """What Python warns of meanwhile: nothing, wanted is."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
    texts.extend(str(one.message) for one in caught)
