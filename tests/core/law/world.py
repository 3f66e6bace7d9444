"""Two processes on one event store, and the law that all they answer is measured by.

Whatever is stored was decided by a plain replay of what stands before it. A command that stored
nothing was answered as a plain replay of some prefix between its begin and its end would. A load
is the fold of such a prefix; a trusting one may be of an earlier prefix, within its bounds.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from interlock._engine.reports import LoadReport
from interlock.application import ApplicationBuilder, OnLoad
from interlock.application.aggregates import NeverCache
from interlock.domain import Aggregate
from interlock.errors import BackendUnavailableError, ConfigurationError
from law import badge, domain
from law.asking import Asking
from law.calls import (
    Arm,
    Evict,
    ForgetAll,
    Load,
    Outside,
    Plan,
    Restart,
    Restore,
    Step,
    Together,
    Wait,
)
from law.fault_lists import Faults, Subject
from law.faults import Plain, RecordCache, RecordSnapshots
from law.faulty_events import ConfirmingEvents, Events
from law.history import History, subject_of
from law.run_state import BrokenError, Process

TYPES: tuple[type[Aggregate], ...] = (domain.Ledger, badge.Badge)


class World:
    """Takes steps; `BrokenError` where the law is broken."""

    def __init__(self, plan: Plan, seen: Counter[str]) -> None:
        self.plan = plan
        self.seen = seen
        self.history = History(self._event_store(plan, seen))
        self.events = self.history.events
        self.unproven: set[tuple[int, Subject]] = set()
        self.snapshot_faults = Faults[Any]("snapshots", seen, plan.turns)
        self.snapshots = self._backends(plan.snapshots, self.snapshot_faults, RecordSnapshots)
        self.cache_faults = [Faults[Any]("cache", seen, plan.turns) for _ in range(2)]
        self.caches = [self._backends(plan.cache, one, RecordCache) for one in self.cache_faults]
        if plan.is_cache_shared:
            self.caches[1], self.cache_faults[1] = self.caches[0], self.cache_faults[0]
        self.processes: list[Process] = []
        self._asking = Asking(self)

    async def run(self, steps: list[Step]) -> None:
        self.processes = [await self._started(number) for number in range(2)]
        try:
            for step in steps:
                await self._take(step)
            settled = [Load(n, (cls, i)) for n in range(2) for cls, i in self._subjects()]
            for load in settled:
                await self._asking.together(Together((load,)))
        finally:
            for process in self.processes:
                await process.app.close()

    def _event_store(self, plan: Plan, seen: Counter[str]) -> Events:
        cls = ConfirmingEvents if plan.confirms_heads else Events
        return cls(seen, plan.turns, plan.chunk, reads_ahead=plan.reads_ahead)

    def _subjects(self) -> Iterator[tuple[type[Aggregate], UUID]]:
        for name, aggregate_id in self.history.streams:
            yield next(cls for cls in TYPES if cls.__name__ == name), aggregate_id

    async def _take(self, step: Step) -> None:
        match step:
            case Together():
                await self._asking.together(step)
            case Outside(commands):
                self.history.write_all(commands)
            case Restore():
                self._restore(step)
            case Arm(where, fault):
                for store in self._armed(where):
                    store.arm(fault)
            case Wait():
                self.history.wait(step)
            case Evict(where):
                self._evict(where)
            case Restart(number):
                await self.processes[number].app.close()
                self.processes[number] = await self._started(number)
            case ForgetAll():
                await self._forget_all(step)

    def _armed(self, where: str) -> Sequence[Events | Faults[Any]]:
        if where == "events":
            return [self.events]
        return self.cache_faults if where == "cache" else [self.snapshot_faults]

    def _evict(self, where: str) -> None:
        for backends in [self.snapshots] if where == "snapshots" else self.caches:
            for store in backends.values():
                store.evict()

    def _backends(
        self, kind: str, faults: Faults[Any], records: type[RecordCache | RecordSnapshots]
    ) -> dict[type[Aggregate], Any]:
        if kind != "records":
            shares = kind == "objects"
            return {cls: Plain(faults, cls.__name__, shares=shares) for cls in TYPES}
        snapshots = {"keep": self.plan.keep, "clock": self.history.clock}
        more = snapshots if records is RecordSnapshots else {}
        store = records(faults, self.plan.timeout, **more)
        return dict.fromkeys(TYPES, store)

    async def _started(self, number: int) -> Process:
        setup, reports = self.plan.setups[number], list[LoadReport]()
        builder = ApplicationBuilder(clock=self.history.clock).register_event_store(self.events)
        builder.register_observer(OnLoad(reports.append))
        for cls in TYPES:
            builder.register_aggregate(
                cls,
                snapshot_strategy=setup.snapshot_strategy,
                snapshot_backend=self.snapshots[cls],
                cache_strategy=setup.cache_strategy,
                cache_backend=self.caches[number][cls],
                freshness=setup.freshness,
                codec=setup.codec,
                on_unavailable=setup.on_unavailable,
                replay_limit=setup.replay_limit,
            )
        app = builder.build()
        await app.start()
        return Process(app, reports, Counter())

    def _restore(self, step: Restore) -> None:
        subject = (step.subject[0].__name__, step.subject[1])
        length = len(self.history.stream(subject).events)
        kept = max(length - step.loses, 0)
        if kept < length:
            self.seen["events restored"] += 1
            self.events.restore(subject, kept)
            self._lose(subject, kept)
        for command in step.commands:
            if subject_of(command)[0] == subject[0]:
                self.history.write(command.model_copy(update={"aggregate_id": subject[1]}))

    async def _forget_all(self, step: ForgetAll) -> None:
        """The process that forgets knows it, whoever else has a cache of its own doesn't."""
        number, subject = step.process, (step.subject[0].__name__, step.subject[1])
        self.history.sync(subject)
        failed = self.failed()
        error: Exception | None = None
        try:
            await self.processes[number].app.forget(*step.subject, events=True)
        except (BackendUnavailableError, ConfigurationError) as caught:
            error = caught
        if error is not None and not self._may_refuse(error, failed):
            raise BrokenError(f"{step!r}: {error!r}")
        if self.events.rows(subject):
            if error is None:
                raise BrokenError(f"{step!r}: its events stand")
            return
        self.seen["events forgotten"] += 1
        self._lose(subject, 0)
        if error is None:
            is_shared = self.plan.is_cache_shared and self.caches_states(number)
            self.prove(number, subject, shared=is_shared)

    def _may_refuse(self, error: Exception, failed: list[int]) -> bool:
        """Whether a forget may fail so: a plain snapshot store can't, others may be down."""
        if isinstance(error, ConfigurationError):
            return self.plan.snapshots != "records"
        return failed != self.failed()

    def _lose(self, subject: Subject, kept: int) -> None:
        self.history.lose(subject, kept)
        for faults in (self.snapshot_faults, *self.cache_faults):
            faults.restored(subject, kept)
        for number, process in enumerate(self.processes):
            process.floor[subject] = 0
            self.unproven.add((number, subject))

    def prove(self, number: int, subject: Subject, *, shared: bool) -> None:
        """What this process has in its cache is the stream's; if `shared`, the other one's too."""
        self.unproven.discard((number, subject))
        if shared:
            self.unproven.discard((1 - number, subject))

    def is_exempt(self, process: int, subject: Subject) -> bool:
        """Whether a cache of this process may hold what was rolled back."""
        haunted = self.cache_faults[process].haunted
        return subject in haunted or (process, subject) in self.unproven

    def caches_states(self, number: int) -> bool:
        return not isinstance(self.plan.setups[number].cache_strategy, NeverCache)

    def failed(self) -> list[int]:
        """How often each store has failed: the events, the snapshots, the caches."""
        faults = [self.snapshot_faults, *self.cache_faults]
        return [self.events.failed, *(one.failed for one in faults)]
