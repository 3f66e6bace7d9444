"""Everything that is done with snapshots and streams, by several applications at once."""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from interlock.application import Application, backend
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    Freshness,
    NeverCache,
    Replay,
    SnapshotAfterN,
    Trust,
)
from interlock.errors import ConcurrencyError, VersionNotFoundError
from rig_domain import Account, Deposit
from sql_bank import application, assert_as_replayed, stored
from sql_rig import Place, dropped, everywhere, made

pytestmark = pytest.mark.faults

APPLICATIONS, WORKERS, CALLS = 3, 4, 150
FRESHNESSES: tuple[Freshness, ...] = (Trust(), FastForward(), Replay())
IDS = [UUID(int=number) for number in range(1, 6)]


@pytest.fixture(params=everywhere())
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


class Worker:
    """Does what chance says, with one of the ids, and counts it.

    While no stream is deleted each answer has to be the fold of the first events of its stream,
    and the events that one worker has read of a stream are `known` to all.
    """

    def __init__(
        self,
        app: Application,
        seed: int,
        done: Counter[str],
        known: dict[UUID, list[int]],
        *,
        deletes: bool,
    ) -> None:
        self._app = app
        self._known = known
        self._chance = random.Random(seed)  # noqa: S311 no secret
        self._done = done
        self._deletes = deletes
        self._calls: dict[Callable[[UUID], Awaitable[object]], int] = {
            self.dispatch: 40,
            self.load: 20,
            self.load_many: 6,
            self.load_version: 8,
            self.forget: 6,
            self.prune: 5,
            self.rebuild: 5,
            **({self.delete: 4} if deletes else {}),
        }

    async def work(self) -> None:
        """All calls, one after the other."""
        for _ in range(CALLS):
            (call,) = self._chance.choices([*self._calls], [*self._calls.values()])
            try:
                await call(self._chance.choice(IDS))
            except ConcurrencyError:
                self._done["conflict"] += 1
            self._done[call.__name__] += 1

    async def dispatch(self, aggregate_id: UUID) -> None:
        amount = self._chance.randint(1, 9)
        await self._app.dispatch(Deposit(aggregate_id=aggregate_id, amount=amount))

    async def load(self, aggregate_id: UUID) -> None:
        freshness = self._chance.choice(FRESHNESSES)
        await self._check(await self._app.load(Account, aggregate_id, freshness=freshness))

    async def load_many(self, aggregate_id: UUID) -> None:
        async for account in self._app.load_many(Account, [*IDS, aggregate_id]):
            await self._check(account)

    async def load_version(self, aggregate_id: UUID) -> None:
        head = (await self._app.load(Account, aggregate_id)).version
        version = self._chance.randint(0, head)
        try:
            account = await self._app.load(Account, aggregate_id, version=version)
        except VersionNotFoundError:
            assert self._deletes
        else:
            assert account.version == version
            await self._check(account)

    async def forget(self, aggregate_id: UUID) -> None:
        await self._app.forget(Account, aggregate_id)

    async def delete(self, aggregate_id: UUID) -> None:
        await self._app.forget(Account, aggregate_id, events=True)

    async def prune(self, _: UUID) -> None:
        await self._app.prune(Account)

    async def rebuild(self, aggregate_id: UUID) -> None:
        every = self._chance.randint(1, 7)
        try:
            await self._app.rebuild_snapshots(Account, [aggregate_id], every=every)
        except VersionNotFoundError:  # the stream isn't the one that it began with
            assert self._deletes

    async def _check(self, account: Account) -> None:
        if not self._deletes:
            known = self._known[account.id]
            if account.version > len(known):
                more = await stored(self._app, account.id, first=len(known) + 1)
                # Another worker may have read some of them meanwhile.
                known = self._known[account.id] = max(
                    known + more, self._known[account.id], key=len
                )
            assert account.balance == sum(known[: account.version])
            assert account.version <= len(known)


def registration(place: Place, number: int) -> dict[str, Any]:
    snapshots = backend(
        "sqlalchemy-snapshots",
        url=place.url,
        table=place.table("interlock_snapshots"),
        create_schema=True,
        keep=2,
    )
    return {
        "snapshot_strategy": SnapshotAfterN(3),
        "snapshot_backend": snapshots,
        "cache_strategy": (AlwaysCache, NeverCache)[number % 2],
    }


@pytest.mark.parametrize("deletes", [False, True], ids=["streams-stay", "streams-go"])
async def test_every_answer_is_that_of_a_replay(
    place: Place, capsys: pytest.CaptureFixture[str], *, deletes: bool
) -> None:
    done = Counter[str]()
    known: dict[UUID, list[int]] = {aggregate_id: [] for aggregate_id in IDS}

    async def run(number: int) -> None:
        async with application(place, **registration(place, number)) as app:
            seeds = range(number * WORKERS, (number + 1) * WORKERS)
            workers = [Worker(app, seed, done, known, deletes=deletes) for seed in seeds]
            await asyncio.gather(*(worker.work() for worker in workers))

    await asyncio.gather(*map(run, range(APPLICATIONS)))
    async with application(place, **registration(place, 0)) as app:
        for aggregate_id in IDS:
            await assert_as_replayed(app, aggregate_id)
            amounts = await stored(app, aggregate_id)
            assert amounts[: len(known[aggregate_id])] == known[aggregate_id]
    with capsys.disabled():
        sys.stdout.write(f"\n{place.kind}: {dict(done)}\n")
