"""Runs in which the cache is cut off from one process or all, is back, and is looked into then."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar
from uuid import UUID

from awaits import Reached
from choices import Choices
from interlock.application.aggregates import (
    AlwaysCache,
    CacheAfterVersion,
    CacheStrategy,
    CacheWhen,
    FastForward,
    Freshness,
    Trust,
)
from interlock.backends import AggregateRecord, RecordCacheBackend, RecordKey, Stamp
from noted_calls import ACCOUNTS
from simulated_bank import Move
from simulated_caches import CacheServer, RemoteCache
from simulated_loop import SimulatedLoop
from simulated_process import Process
from simulated_settings import Settings
from simulated_world import World

T = TypeVar("T")

_CALLS = 12
_CACHES: Sequence[CacheStrategy] = (
    AlwaysCache(),
    AlwaysCache(),
    CacheAfterVersion(4),
    CacheWhen(lambda moment: moment.version % 2 == 0),
)
_FRESHNESS: Sequence[Freshness] = (Trust(), Trust(), FastForward())
_PAUSES = (0.0, 0.01, 0.1, 0.5)
_MOMENTS = (0.0, 0.05, 0.2, 0.35, 0.45, 0.7, 2.0, 31.0)  # around those of a short and a long rest
_LONGER_THAN_A_REST = 40.0
_PUTS_TAKE = (0.0, 0.0, 0.001, 0.3)  # mostly nothing, so that commands wait for few ms


class CutCache(RemoteCache):
    """The cache as a process sees it that may be cut off from it."""

    is_cut = False
    does_refuse = False

    async def read(self, key: RecordKey) -> AggregateRecord | None:
        return await self._unless_cut(lambda: super(CutCache, self).read(key))

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await self._unless_cut(lambda: super(CutCache, self).put(key, record, supersedes))

    async def remove(self, key: RecordKey, stamp: Stamp | None = None) -> None:
        await self._unless_cut(lambda: super(CutCache, self).remove(key, stamp))

    async def _unless_cut(self, do: Callable[[], Awaitable[T]]) -> T:
        if self.is_cut and self.does_refuse:
            await asyncio.sleep(0.001)
            raise ConnectionRefusedError
        if self.is_cut:
            await self._wire.surroundings.wait_for_ever()
        return await do()


class CutProcess(Process):
    """A process that may be cut off from the cache, and knows the head of the latest id only."""

    floor_size = 1
    cache: CutCache

    def _cache(self, server: CacheServer) -> RecordCacheBackend:
        self.cache = CutCache(self.wire, server, lies=False)
        return self.cache


class OutageWorld(World):
    """Stores and processes without a fault but one: the cache is away for a while."""

    make_process = CutProcess
    has_faults = False

    def __init__(
        self,
        choices: Choices,
        loop: SimulatedLoop,
        *,
        is_faulty: bool,
        hunted: Reached,
        settings: Settings | None = None,
    ) -> None:
        settings = settings or Settings(cache=choices.one_of(_CACHES), are_events_safe=True)
        super().__init__(choices, loop, is_faulty=is_faulty, hunted=hunted, settings=settings)

    async def live(self) -> None:
        """Let callers call and the cache be away, and look at what is left of that."""
        for _ in range(2):
            self.processes.append(await self._process())
        self.callers.heads_known = CutProcess.floor_size  # puts go on behind the answers
        work = [self._call(process) for process in self.processes for _ in range(2)]
        work += [self._cut(process) for process in self.processes]
        await asyncio.gather(*map(self.around.start, work))
        await asyncio.sleep(2)  # in virtual time: nothing is under way any more
        self.callers.are_commits_known = True
        for process in self.processes:
            assert isinstance(process, CutProcess)
            process.cache.is_cut = False
        await asyncio.gather(*(self.around.start(self._go_on(each)) for each in self.processes))
        self.processes.append(await self._process())
        for aggregate_id in ACCOUNTS:
            call = await self.callers.load(self.processes[-1], aggregate_id, Trust(), None)
            call.max_age = 0.0  # nothing outdated is left
        for process in self.processes:
            await process.application.close()

    async def _call(self, process: Process) -> None:
        choices = self.around.choices
        for _ in range(choices.below(_CALLS + 1)):
            await asyncio.sleep(choices.one_of(_PAUSES))
            aggregate_id = choices.one_of(ACCOUNTS)
            freshness = choices.one_of(_FRESHNESS)
            match choices.below(8):
                case 0 | 1 | 2 | 3:
                    await self.callers.move(process, aggregate_id)
                case 4 | 5:
                    await self.callers.load(process, aggregate_id, freshness, None)
                case 6:
                    await self.callers.look(process, aggregate_id)
                case _:
                    await self.callers.load_many(process, freshness)

    async def _cut(self, process: Process) -> None:
        assert isinstance(process, CutProcess)
        await asyncio.sleep(self.around.choices.one_of((0.0, 0.1, 0.5, 2.0)))
        process.cache.is_cut = self.around.choices.below(4) > 0
        process.cache.does_refuse = self.around.choices.below(2) > 0

    async def _go_on(self, process: Process) -> None:
        """Load now and then while the cache is back, or end."""
        choices = self.around.choices
        is_ending = choices.below(3) == 0
        for _ in range(choices.below(4)):
            await asyncio.sleep(choices.one_of(_MOMENTS))
            if choices.below(2):
                await self.callers.load_many(process, Trust())
            else:
                await self.callers.load(process, choices.one_of(ACCOUNTS), Trust(), None)
        if is_ending:
            await process.application.close()
        await asyncio.sleep(_LONGER_THAN_A_REST)


class DecliningWorld(OutageWorld):
    """The cache is away while commands make states that aren't to be cached."""

    def __init__(
        self, choices: Choices, loop: SimulatedLoop, *, is_faulty: bool, hunted: Reached
    ) -> None:
        settings = Settings(
            cache=choices.one_of(_CACHES[2:]),
            are_events_safe=True,
            is_forgetful=choices.one_of((False, True)),
        )
        super().__init__(choices, loop, is_faulty=is_faulty, hunted=hunted, settings=settings)
        self.callers.heads_known, self.callers.are_commits_known = CutProcess.floor_size, True
        self.callers.accounts = tuple(UUID(int=number) for number in range(1, 22))

    async def live(self) -> None:
        """Let entries be outdated while the cache rests, and look at what is left of them."""
        self.processes.append(await self._process())
        (process,) = self.processes
        assert isinstance(process, CutProcess)
        other, *accounts = self.callers.accounts
        for aggregate_id in accounts:
            await self.callers.move(process, aggregate_id, of=Move)
            await self.callers.move(process, aggregate_id, of=Move)
        await asyncio.sleep(2)  # in virtual time: the puts have gone on behind
        process.cache.is_cut = True
        process.cache.does_refuse = self.around.choices.below(2) > 0
        for _ in range(self.settings.crowd.failures):
            await self.callers.load(process, other, FastForward(), None)
        for aggregate_id in accounts:
            for _ in range(self.around.choices.below(3)):
                await self.callers.move(process, aggregate_id, of=Move)
        process.cache.is_cut = False
        await asyncio.sleep(self.around.choices.one_of(_MOMENTS))
        for aggregate_id in accounts:
            await self.callers.load(process, aggregate_id, Trust(), None)
        await self._go_on(process)
        self.processes.append(await self._process())
        for aggregate_id in accounts:
            call = await self.callers.load(self.processes[-1], aggregate_id, Trust(), None)
            if not self.settings.is_forgetful:
                call.max_age = 0.0  # nothing outdated is left
        for each in self.processes:
            await each.application.close()


class SlowCache(RemoteCache):
    """A cache whose puts come late, and replace whatever is there."""

    puts_take: Sequence[float] = _PUTS_TAKE

    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        await asyncio.sleep(self._wire.surroundings.choices.one_of(self.puts_take))
        self._wire.used()
        self._server.store.discard(key)
        self._server.put(key, record, supersedes, self)


class SlowProcess(Process):
    """A process whose puts go on behind its answers."""

    cache_type = SlowCache

    def _cache(self, server: CacheServer) -> RecordCacheBackend:
        return self.cache_type(self.wire, server, lies=False)


class SlowWorld(World):
    """One process whose commands meet each other on a cache that has the latest put."""

    make_process = SlowProcess
    has_faults = False

    def __init__(
        self, choices: Choices, loop: SimulatedLoop, *, is_faulty: bool, hunted: Reached
    ) -> None:
        settings = Settings(are_events_safe=True)
        super().__init__(choices, loop, is_faulty=is_faulty, hunted=hunted, settings=settings)
        self.callers.accounts = tuple(UUID(int=number) for number in range(1, 17))
        self.late_writes = choices.one_of((256, 1, 0))

    async def live(self) -> None:
        """Let callers command, and look at what stands in the cache once all is put."""
        self.processes.append(await self._process())
        (process,) = self.processes
        await asyncio.gather(*(self.around.start(self._command(process)) for _ in range(24)))
        await process.application.close()
        process.wire.is_closed = True
        self.processes.append(await self._process())
        await asyncio.sleep(_LONGER_THAN_A_REST)
        for aggregate_id in self.callers.accounts:
            call = await self.callers.load(self.processes[-1], aggregate_id, Trust(), None)
            call.max_age = 0.0  # nothing outdated is left
        await self.processes[-1].application.close()

    async def _command(self, process: Process) -> None:
        choices = self.around.choices
        for _ in range(choices.below(_CALLS // 2)):
            await asyncio.sleep(choices.one_of(_PAUSES[:2]))
            await self.callers.move(process, choices.one_of(self.callers.accounts))
