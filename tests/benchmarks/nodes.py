"""`python tests/benchmarks/nodes.py [--rounds N]`: events on three nodes of NATS, on PostgreSQL.

PostgreSQL is one server, and a primary with a synchronous standby; all sync to the disk before they
acknowledge. The servers are started here, and share this machine. All stores take turns in one
process, and what each has stored is loaded and compared. Times are medians in milliseconds.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from uuid import UUID, uuid4

from pydantic import BaseModel

from account import Account, history
from interlock.application import Application, ApplicationBuilder
from interlock.application.aggregates import AlwaysCache, FastForward, InMemoryAggregateCacheBackend
from interlock.backends import EventStore
from interlock_nats_events.backend import NatsEventStore
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from nats_rig import cluster, config_at
from sql_servers import OwnPostgreSQL, own_postgresql
from stores import append_to

_APPENDS, _CALLERS = 20, 32
_CALLS = 8
"""Appends of each caller."""

_LONG, _COMMIT = 10_000, 10
"""The events of a long stream, and of each of its commits."""

_SHORT = 1_000
"""The events of a stream whose commits have one each."""


@dataclass(frozen=True)
class Place:
    """An application on a store; `cached` has a cache, and reads the stream behind it."""

    store: EventStore
    plain: Application
    cached: Application


Work = Callable[[Place], Awaitable[None]]


@contextmanager
def stores() -> Iterator[Mapping[str, Callable[[], EventStore]]]:
    """What makes the stores; their servers run until the block ends."""
    with ExitStack() as stack:
        single = stack.enter_context(own_postgresql())
        primary = stack.enter_context(own_postgresql())
        standby = stack.enter_context(own_postgresql(follows=primary))
        for server in (single, primary, standby):
            _set(server, "fsync = on")
        _set(primary, "synchronous_standby_names = '*'")
        nodes = stack.enter_context(cluster())
        yield {
            "PostgreSQL": lambda: _on_postgresql(single),
            "PostgreSQL, synchronous standby": lambda: _on_postgresql(primary),
            "NATS, three nodes": lambda: NatsEventStore(config_at(nodes)),
        }


def _set(server: OwnPostgreSQL, setting: str) -> None:
    with (server.data / "postgresql.conf").open("a") as file:
        file.write(f"{setting}\n")
    server.restart()


def _on_postgresql(server: OwnPostgreSQL) -> EventStore:
    return SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=server.url, create_schema=True))


def _application(store: EventStore, *, is_cached: bool) -> Application:
    cache = {"cache_strategy": AlwaysCache, "cache_backend": InMemoryAggregateCacheBackend}
    builder = ApplicationBuilder().register_event_store(store)
    builder.register_aggregate(Account, **(cache if is_cached else {}))  # type: ignore[arg-type] # these two
    return builder.build()


async def _filled(store: EventStore, events: Sequence[BaseModel], commit: int) -> UUID:
    """A new stream of these events, so many in a commit."""
    account_id, head = uuid4(), None
    for start in range(0, len(events), commit):
        head = await append_to(store, account_id, events[start : start + commit], after=head)
    return account_id


async def _appended(place: Place, count: int) -> UUID:
    return await _filled(place.store, history(count), 1)


async def _expect(place: Place, account_id: UUID, count: int) -> None:
    """Raise `AssertionError` unless the account is what its history makes of it."""
    wanted = Account(id=account_id)
    for event in history(count):
        wanted.emit(event)
    found = await place.plain.load(Account, account_id)
    if (found.version, found.owner, found.balance) != (count, wanted.owner, wanted.balance):
        raise AssertionError(f"{type(place.store).__name__}: found {found!r}, wanted {wanted!r}")


class Runs:
    """The workloads, each with how many operations it makes."""

    def __init__(self, long: Mapping[int, UUID], short: Mapping[int, UUID]) -> None:
        self._long = long
        self._short = short
        self.appended: list[tuple[Place, UUID, int]] = []

    @property
    def all(self) -> Mapping[str, tuple[Work, int]]:
        """By name."""
        return {
            "append of one event": (self.append, _APPENDS),
            f"the same by {_CALLERS} callers at once": (self.append_at_once, _CALLERS * _CALLS),
            f"cold load of {_LONG:,} events, {_COMMIT} in a commit": (self.load_long, 1),
            f"cold load of {_SHORT:,} events, one in a commit": (self.load_short, 1),
            "load of a cached head, `FastForward`": (self.load_cached, _APPENDS),
        }

    async def append(self, place: Place) -> None:
        """One after the other."""
        self.appended.append((place, await _appended(place, _APPENDS), _APPENDS))

    async def append_at_once(self, place: Place) -> None:
        """Callers with a stream each."""
        ids = await asyncio.gather(*(_appended(place, _CALLS) for _ in range(_CALLERS)))
        self.appended += [(place, account_id, _CALLS) for account_id in ids]

    async def load_long(self, place: Place) -> None:
        """All events."""
        account = await place.plain.load(Account, self._long[id(place)])
        assert account.version == _LONG

    async def load_short(self, place: Place) -> None:
        """All events."""
        account = await place.plain.load(Account, self._short[id(place)])
        assert account.version == _SHORT

    async def load_cached(self, place: Place) -> None:
        """None of the events, or the last one."""
        for _ in range(_APPENDS):
            account = await place.cached.load(
                Account, self._short[id(place)], freshness=FastForward()
            )
            assert account.version == _SHORT


async def main(rounds: int) -> None:
    """Measure, and print the table."""
    with stores() as makes:
        async with AsyncExitStack() as stack:
            places: dict[str, Place] = {}
            for name, make in makes.items():
                store = make()
                plain = await stack.enter_async_context(_application(store, is_cached=False))
                cached = await stack.enter_async_context(_application(make(), is_cached=True))
                places[name] = Place(store, plain, cached)
            print(", ".join([await _told(place.store) for place in places.values()]))
            long, short = [
                {id(p): await _filled(p.store, history(count), commit) for p in places.values()}
                for count, commit in ((_LONG, _COMMIT), (_SHORT, 1))
            ]
            runs = Runs(long, short)
            spent = await _measured(runs, places, rounds)
            for place in places.values():
                await _expect(place, long[id(place)], _LONG)
                await _expect(place, short[id(place)], _SHORT)
            for place, account_id, count in runs.appended:
                await _expect(place, account_id, count)
    print(f"| | {' | '.join(places)} |\n|---|{'---|' * len(places)}")
    for workload, by_place in spent.items():
        cells = " | ".join(f"{median(times) * 1e3:,.2f}" for times in by_place.values())
        print(f"| {workload} | {cells} |")


async def _measured(
    runs: Runs, places: Mapping[str, Place], rounds: int
) -> Mapping[str, Mapping[str, Sequence[float]]]:
    spent: dict[str, dict[str, list[float]]] = {
        workload: {name: [] for name in places} for workload in runs.all
    }
    for turn in range(rounds + 1):  # the first warms up
        for workload, (work, operations) in runs.all.items():
            for name, place in places.items():
                began = time.perf_counter()
                await work(place)
                if turn:
                    spent[workload][name].append((time.perf_counter() - began) / operations)
    return spent


async def _told(store: EventStore) -> str:
    version: str = await store.server_version()  # type: ignore[attr-defined] # both have it
    return version


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    asyncio.run(main(parser.parse_args().rounds))
