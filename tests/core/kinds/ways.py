"""The ways to keep states and to load them, and what each answers to the same commands."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from typing import Any
from unittest.mock import patch
from uuid import UUID

from pydantic import BaseModel

from interlock._plugins.catalogue import Catalogue
from interlock.application import Application, ApplicationBuilder, LoadReport, OnLoad
from interlock.application.aggregates import (
    CacheMoment,
    CacheWhen,
    FastForward,
    Freshness,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    InMemoryEventStore,
    SnapshotMoment,
    SnapshotWhen,
    Trust,
)
from interlock.domain import Command
from kinds.holder import Holder, Tell, Turn, Turned
from kinds.look import cached_names, is_mutable, look
from kinds.stores import OfCopies, OfText

ID, OTHER = UUID(int=7), UUID(int=8)
Store = Callable[[], Any]  # Any: the builder's types are of several kinds of stores


@dataclass(frozen=True, slots=True)
class Way:
    """Which stores there are, how they are trusted, and how many callers load at once.

    One that restarts begins a new application on its stores after each event.
    """

    name: str
    snapshots: Store | None = None
    cache: Store | None = None
    freshness: Freshness = field(default_factory=FastForward)
    restarts: bool = False
    callers: int = 1
    events: Store = InMemoryEventStore

    def __str__(self) -> str:
        return self.name


_MEMORY, _MEMORY_CACHE = InMemoryAggregateSnapshotStorageBackend, InMemoryAggregateCacheBackend
REPLAYED = Way("plain replay")
SNAPSHOTS = Way("snapshots, restarted", _MEMORY, restarts=True)
CACHE = Way("a cache", cache=_MEMORY_CACHE)
WAYS = (
    REPLAYED,
    Way("plain replay, many callers", callers=3),
    Way("snapshots", _MEMORY),
    SNAPSHOTS,
    CACHE,
    Way("a trusted cache, many callers", cache=_MEMORY_CACHE, freshness=Trust(), callers=3),
    Way("a cache, restarted", cache=_MEMORY_CACHE, restarts=True),
    Way("both, many callers", _MEMORY, _MEMORY_CACHE, callers=3),
    Way("snapshots of text", OfText, restarts=True),
    Way("a trusted cache of text", cache=OfText, freshness=Trust(), callers=2),
    Way("snapshots that are copies", OfCopies, restarts=True),
    Way("a trusted cache of copies", cache=OfCopies, freshness=Trust(), callers=2),
)


@dataclass(slots=True)
class Told:
    """What was answered in one way, and what it says of itself.

    `was_kept` has an entry for each event of the changing aggregate and of the other one: whether
    the state after it was read from a store.
    """

    answers: list[str] = field(default_factory=list)
    was_kept: list[bool] = field(default_factory=list)
    other_was_kept: list[bool] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    misses: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)

    def counted(self, what: str) -> int:
        """Of the caches and of the snapshots together."""
        return sum(self.counters.get(f"{store}.{what}", 0) for store in ("cache", "snapshot"))


def difference(wanted: Told, found: Told) -> str:
    """The first answer that isn't the wanted one, or nothing."""
    pairs = enumerate(zip(wanted.answers, found.answers, strict=True), 1)
    return next((f"answer {n}: {two}, wanted {one}" for n, (one, two) in pairs if one != two), "")


def truth(cls: type[Holder]) -> Told:
    """What is to be answered: folded here, from the first event each time."""
    told, turns, others = Told(), list[int](), list[int]()
    for number in range(len(cls.steps)):
        told.answers.append(_turned(_folded(cls, ID, turns), number).told())
        turns.append(number)
        if number:
            told.answers.append(_turned(_folded(cls, OTHER, others), 0).told())
            others.append(0)
        told.answers.append(look(_folded(cls, ID, turns)))
        told.answers.append(look(_folded(cls, OTHER, others)))
        told.answers.append(_folded(cls, ID, turns).told())
        told.answers.append(look(_folded(cls, ID, turns)))
    return told


def _folded(cls: type[Holder], aggregate_id: UUID, turns: Sequence[int]) -> Holder:
    state = cls(id=aggregate_id)
    for number in turns:
        _turned(state, number)
    return _without_cached(state)


def _turned(state: Holder, number: int) -> Holder:
    state.__dict__["version"] += 1
    _without_cached(state).on_turned(Turned(number=number))
    return state


def _without_cached(state: Holder) -> Holder:
    for name in cached_names(state):
        state.__dict__.pop(name, None)
    return state


def told(cls: type[Holder], way: Way) -> Told:
    """What is answered to all turns of the class, one after the other, in this way."""
    return asyncio.run(_Telling(cls, way).told())


class _Telling:
    def __init__(self, cls: type[Holder], way: Way) -> None:
        self._cls = cls
        self._way = way
        self._events = way.events()
        self._snapshots = way.snapshots and way.snapshots()
        self._cache = way.cache and way.cache()
        self._reports: list[LoadReport] = []
        self._told = Told()

    async def told(self) -> Told:
        with logged(self._told.lines):
            app = await self._started()
            for number in range(len(self._cls.steps)):
                await self._dispatch(app, Turn(aggregate_id=ID, number=number))
                if number:
                    await self._dispatch(app, Turn(aggregate_id=OTHER, number=0))
                if self._way.restarts:
                    await self._stop(app)
                    app = await self._started()
                self._told.was_kept.append(await self._load(app, ID))
                self._told.other_was_kept.append(await self._load(app, OTHER))
                await self._dispatch(app, Tell(aggregate_id=ID))
                await self._load(app, ID)
            await self._stop(app)
        return self._told

    async def _started(self) -> Application:
        builder = ApplicationBuilder().register_event_store(self._events)
        builder.register_observer(OnLoad(self._reports.append))
        builder.register_aggregate(
            self._cls,
            freshness=self._way.freshness,
            snapshot_strategy=SnapshotWhen(_is_seen) if self._snapshots else None,
            snapshot_backend=self._snapshots,
            cache_strategy=CacheWhen(_is_seen) if self._cache else None,
            cache_backend=self._cache,
        )
        app = builder.build()
        await app.start()
        return app

    async def _stop(self, app: Application) -> None:
        await app.close()
        for name, count in app.counters().items():
            self._told.counters[name] = self._told.counters.get(name, 0) + count

    async def _dispatch(self, app: Application, command: Command[str]) -> None:
        try:
            answer = await app.dispatch(command)
        except Exception as error:  # noqa: BLE001 an error is an answer
            answer = f"{type(error).__name__}: {error}"
        self._told.answers.append(answer)

    async def _load(self, app: Application, aggregate_id: UUID) -> bool:
        """Whether the state was kept; each caller spoils what it got."""
        self._reports.clear()
        loads = (app.load(self._cls, aggregate_id) for _ in range(self._way.callers))
        answers = []
        for state in await asyncio.gather(*loads, return_exceptions=True):
            answers.append(_answer(state))
            spoil(state)
        is_same = len(set(answers)) == 1
        self._told.answers.append(answers[0] if is_same else f"callers differ: {answers}")
        self._told.misses |= {miss.reason.name for one in self._reports for miss in one.misses}
        return all(one.baseline_version == one.version for one in self._reports)


def _is_seen(moment: SnapshotMoment | CacheMoment) -> bool:
    """Always; a strategy is nosy too."""
    return all(look(getattr(moment.state, name)) for name in cached_names(moment.state))


def _answer(state: BaseModel | BaseException) -> str:
    return f"{type(state).__name__}: {state}" if isinstance(state, Exception) else look(state)


def spoil(value: object) -> None:
    """Empty whatever can be emptied in it: what is handed out is the caller's own."""
    inside: list[object] = []
    if isinstance(value, dict):
        inside = [*value.values()]
        value.clear()
    elif isinstance(value, list | set | deque):
        inside = [*value]
        value.clear()
    elif isinstance(value, tuple):
        inside = [*value]
    elif isinstance(value, BaseModel) or is_dataclass(value):
        inside = [*getattr(value, "__dict__", {}).values()]
        if is_mutable(value):
            vars(value).clear()
    for one in inside:
        spoil(one)


@contextmanager
def entry_points_once() -> Iterator[None]:
    """Look up what is installed once: a thousand applications are built."""
    found = Catalogue.installed()
    with patch.object(Catalogue, "installed", lambda: found):
        yield


@contextmanager
def logged(lines: list[str]) -> Iterator[None]:
    """Collect what Interlock logs, and show it nowhere else."""
    logger, handler = logging.getLogger("interlock"), _Lines(lines)
    before = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate, logger.level = False, logging.DEBUG
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate, logger.level = before


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
