"""Two processes on one event store, and the law that all they answer is measured by.

Whatever is stored was decided by a plain replay of what stands before it. A command that stored
nothing was answered as a plain replay of some prefix between its begin and its end would. A load
is the fold of such a prefix; a trusting one may be of an earlier prefix, within its bounds.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from interlock._engine.reports import LoadReport, Reason
from interlock.application import ApplicationBuilder
from interlock.application.aggregates import NeverCache, Replay
from interlock.backends import EventRow
from interlock.domain import Aggregate, Command
from interlock.errors import (
    BackendUnavailableError,
    ConfigurationError,
)
from law import badge, domain
from law.answers import Check, vandalise
from law.calls import (
    Arm,
    Call,
    Dispatch,
    Evict,
    Forget,
    ForgetAll,
    Load,
    LoadMany,
    Outside,
    Plan,
    Restart,
    Restore,
    Step,
    Together,
    Wait,
)
from law.calls import Events as ReadEvents
from law.fault_lists import Faults, Subject
from law.faults import Plain, RecordCache, RecordSnapshots
from law.faulty_events import Events
from law.oracle import Decision, decide, fold
from law.plain import jsonable, plain
from law.run_state import UNANSWERED, BrokenError, Called, One, Process, Stream

TYPES: tuple[type[Aggregate], ...] = (domain.Ledger, badge.Badge)
YEAR = timedelta(days=365)
MOST_JUMPS = 9


class World:
    """Takes steps; `BrokenError` where the law is broken."""

    def __init__(self, plan: Plan, seen: Counter[str]) -> None:
        self.plan = plan
        self.seen = seen
        self.now = timedelta(0)  # the true time; the clock may have jumped back
        self.jumps = 0
        self.streams: dict[Subject, Stream] = {}
        self.commands: dict[UUID, Command[Any]] = {}
        self.unproven: set[tuple[int, Subject]] = set()
        self.broken: list[str] = []
        self.events = Events(seen, plan.turns, plan.chunk, reads_ahead=plan.reads_ahead)
        self.events.intrude = self._intrude
        self.events.dawdle = self._dawdle
        self.snapshot_faults = Faults[Any]("snapshots", seen, plan.turns)
        self.snapshots = self._backends(plan.snapshots, self.snapshot_faults, RecordSnapshots)
        self.cache_faults = [Faults[Any]("cache", seen, plan.turns) for _ in range(2)]
        self.caches = [self._backends(plan.cache, one, RecordCache) for one in self.cache_faults]
        if plan.is_cache_shared:
            self.caches[1], self.cache_faults[1] = self.caches[0], self.cache_faults[0]
        self.processes: list[Process] = []

    def clock(self) -> datetime:
        start = datetime(2040, 1, 1, tzinfo=UTC)
        return start + self.now - self.jumps * (YEAR + timedelta(days=1))

    async def run(self, steps: list[Step]) -> None:
        self.processes = [await self._started(number) for number in range(2)]
        try:
            for step in steps:
                await self._take(step)
            settled = [Load(n, (cls, i)) for n in range(2) for cls, i in self._subjects()]
            for load in settled:
                await self._together(Together((load,)))
        finally:
            for process in self.processes:
                await process.app.close()

    def _subjects(self) -> Iterator[tuple[type[Aggregate], UUID]]:
        for name, aggregate_id in self.streams:
            yield next(cls for cls in TYPES if cls.__name__ == name), aggregate_id

    async def _take(self, step: Step) -> None:
        match step:
            case Together():
                await self._together(step)
            case Outside(commands):
                self._outside(commands)
            case Restore():
                self._restore(step)
            case Arm(where, fault):
                for store in self._armed(where):
                    store.arm(fault)
            case Wait():
                self._wait(step)
            case Evict(where):
                self._evict(where)
            case Restart(number):
                await self.processes[number].app.close()
                self.processes[number] = await self._started(number)
            case ForgetAll():
                await self._forget_all(step)

    def _outside(self, commands: Sequence[Command[Any]]) -> None:
        for command in commands:
            self._write(command)

    def _wait(self, step: Wait) -> None:
        self.now += timedelta(seconds=step.seconds)
        if step.jumps_back and self.jumps < MOST_JUMPS:
            self.now += timedelta(days=1)
            self.jumps += 1

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
        snapshots = {"keep": self.plan.keep, "clock": self.clock}
        more = snapshots if records is RecordSnapshots else {}
        store = records(faults, self.plan.timeout, **more)
        return dict.fromkeys(TYPES, store)

    async def _started(self, number: int) -> Process:
        setup, reports = self.plan.setups[number], list[LoadReport]()
        builder = ApplicationBuilder(clock=self.clock).register_event_store(self.events)
        builder.register_observer(reports.append)
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

    def _subject(self, command: Command[Any]) -> Subject:
        name = "Badge" if isinstance(command, badge.Award | badge.Spend | badge.Show) else ""
        return name or "Ledger", command.aggregate_id

    def _write(self, command: Command[Any]) -> bool:
        """As another process does that replays; whether anything was written."""
        subject = self._subject(command)
        command = command.model_copy(update={"command_id": uuid4()})
        self.commands[command.command_id] = command
        self._sync(subject)
        stream = self._stream(subject)
        events = self._decided(subject, command, len(stream.events)).events
        metadata = json.dumps({"command_id": str(command.command_id)}).encode()
        self.events.write(
            subject,
            [
                EventRow(
                    version,
                    uuid4().bytes,
                    name,
                    1,
                    int(self.clock().timestamp()) * 1_000_000,
                    metadata,
                    json.dumps(jsonable(values)).encode(),
                )
                for version, (name, values) in enumerate(events, len(stream.events) + 1)
            ],
        )
        self._sync(subject)
        return bool(events)

    def _intrude(self, subject: Subject) -> bool:
        if subject[0] == "Badge":
            medal = badge.Medal(name="intruder", weight="0.5")
            until = datetime(2031, 1, 1, tzinfo=UTC)
            return self._write(
                badge.Award(aggregate_id=subject[1], medal=medal, points=1, until=until)
            )
        return self._write(domain.Tag(aggregate_id=subject[1], tags=["intruder"]))

    def _dawdle(self) -> None:
        """What was read is no longer true, and old, before it is answered."""
        self.now += timedelta(seconds=11)

    def _restore(self, step: Restore) -> None:
        subject = (step.subject[0].__name__, step.subject[1])
        length = len(self._stream(subject).events)
        kept = max(length - step.loses, 0)
        if kept < length:
            self.seen["events restored"] += 1
            self.events.restore(subject, kept)
            self._lose(subject, kept)
        for command in step.commands:
            if self._subject(command)[0] == subject[0]:
                self._write(command.model_copy(update={"aggregate_id": subject[1]}))

    async def _forget_all(self, step: ForgetAll) -> None:
        """The process that forgets knows it, whoever else has a cache of its own doesn't."""
        number, subject = step.process, (step.subject[0].__name__, step.subject[1])
        self._sync(subject)
        failed = self._failed()
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
        self.seen["forgotten with events"] += 1
        self._lose(subject, 0)
        if error is None:
            self.unproven.discard((number, subject))
            if self.plan.is_cache_shared and self._caches(number):
                self.unproven.discard((1 - number, subject))

    def _may_refuse(self, error: Exception, failed: list[int]) -> bool:
        """Whether a forget may fail so: a plain snapshot store can't, others may be down."""
        if isinstance(error, ConfigurationError):
            return self.plan.snapshots != "records"
        return failed != self._failed()

    def _lose(self, subject: Subject, kept: int) -> None:
        """The stream ends here now; a cache may hold what it was."""
        stream = self._stream(subject)
        length = len(stream.events)
        stream.ghosts += [fold(*subject, stream.events[:n]) for n in range(kept + 1, length + 1)]
        for numbers in (stream.events, stream.ids, stream.born):
            del numbers[kept:]
        for faults in (self.snapshot_faults, *self.cache_faults):
            faults.restored(subject, kept)
        for number, process in enumerate(self.processes):
            process.floor[subject] = 0
            self.unproven.add((number, subject))

    def _caches(self, number: int) -> bool:
        return not isinstance(self.plan.setups[number].cache_strategy, NeverCache)

    def _failed(self) -> list[int]:
        """How often each store has failed: the events, the snapshots, the caches."""
        faults = [self.snapshot_faults, *self.cache_faults]
        return [self.events.failed, *(one.failed for one in faults)]

    def _stream(self, subject: Subject) -> Stream:
        return self.streams.setdefault(subject, Stream())

    def _decided(self, subject: Subject, command: Command[Any], version: int) -> Decision:
        state = fold(*subject, self._stream(subject).events[:version])
        return decide(type(command).__name__, plain(command), state)

    def _sync(self, subject: Subject) -> None:
        """Take in what was appended, command by command, each decided on what stands before."""
        stream, rows = self._stream(subject), self.events.rows(subject)
        known = len(stream.ids)
        self._demand([row[1] for row in rows[:known]] == stream.ids, f"{subject} was rewritten")
        self._demand(
            [row[0] for row in rows] == list(range(1, len(rows) + 1)), f"{subject} has a gap"
        )
        while len(stream.ids) < len(rows):
            begin = len(stream.ids)
            command_id = _command_id(rows[begin])
            group = [row for row in rows[begin:] if _command_id(row) == command_id]
            self._demand(command_id not in stream.accepted, f"{command_id} is accepted twice")
            decision = self._decided(subject, self.commands[command_id], begin)
            found = [(row[2], json.loads(row[6])) for row in group]
            wanted = [(name, jsonable(values)) for name, values in decision.events]
            self._demand(
                found == wanted, f"{self.commands[command_id]!r}: stored {found}, wanted {wanted}"
            )
            if found != wanted:
                raise BrokenError(self.broken[-1])
            stream.events += decision.events
            stream.ids += [row[1] for row in group]
            stream.born += [self.now] * len(group)
            stream.accepted[command_id] = (decision.outcome, begin + len(group))

    def _demand(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001 as assert's
        if not holds:
            self.broken.append(otherwise)

    async def _together(self, together: Together) -> None:
        failed = self._failed()
        taken = sum(one.taken + one.failed for one in self.cache_faults)
        for one in self.cache_faults:
            one.haunted.clear()
        delays = (*together.delays, 0, 0, 0, 0)
        asked = [
            [Called(one, delay) for one in self._anew(call)]
            for call, delay in zip(together.calls, delays, strict=False)
        ]
        await asyncio.gather(*(self._call(called) for called in asked))
        for subject in list(self.streams):
            self._sync(subject)
        if self.broken:
            raise BrokenError(self.broken[0])
        bit = [now - before for now, before in zip(self._failed(), failed, strict=True)]
        for called in (one for each in asked for one in each):
            if called.answer is UNANSWERED:
                continue
            Check(self, called, bit)(called.call, called.answer)
            if isinstance(called.answer, Aggregate):
                vandalise(called.answer)  # before the next answer is looked at
        self._note(sum(one.taken + one.failed for one in self.cache_faults) > taken)

    def _anew(self, call: Call) -> list[One]:
        """The same call, of many one for each; a command gets an id of its own."""
        if isinstance(call, LoadMany):
            return [Load(call.process, (call.cls, i), call.freshness) for i in call.ids]
        if not isinstance(call, Dispatch):
            return [call]
        command = call.command.model_copy(update={"command_id": uuid4()})
        self.commands[command.command_id] = command
        return [Dispatch(call.process, command)]

    async def _call(self, many: "Sequence[Called]") -> None:
        for _ in range(many[0].delay):
            await asyncio.sleep(0)
        for called in many:
            self._begin(called)
        answers = self._answers([called.call for called in many])
        for called in many:
            try:
                called.answer = await anext(answers)
            except StopAsyncIteration:  # the one before it failed, and so did all
                break
            except Exception as error:  # noqa: BLE001 it is an answer too
                called.answer = error
            self._sync(called.subject)
            self._raise_floor(self.processes[called.call.process], called)

    def _begin(self, called: "Called") -> None:
        call = called.call
        if isinstance(call, Dispatch):
            called.subject = subject = self._subject(call.command)
        else:
            called.subject = subject = (call.subject[0].__name__, call.subject[1])
        self._sync(subject)
        called.begin, called.began = len(self._stream(subject).events), self.now
        called.floor = Counter(self.processes[call.process].floor)

    def _raise_floor(self, process: "Process", called: "Called") -> None:
        """What is known to be committed or returned from now on."""
        call, answer, subject, known = called.call, called.answer, called.subject, 0
        if isinstance(call, Dispatch) and not isinstance(answer, Exception):
            known = self._stream(subject).accepted.get(call.command.command_id, (None, 0))[1]
        elif isinstance(answer, Aggregate) and isinstance(call, Load) and call.version is None:
            known = 0 if self.is_exempt(call.process, subject) else answer.version
        process.floor[subject] = max(process.floor[subject], known)

    def is_exempt(self, process: int, subject: Subject) -> bool:
        """Whether a cache of this process may hold what was rolled back."""
        haunted = self.cache_faults[process].haunted
        return subject in haunted or (process, subject) in self.unproven

    async def _answers(self, calls: "Sequence[One]") -> AsyncIterator[Any]:
        """That of the one call, or of each of those that are loaded at once."""
        call, app = calls[0], self.processes[calls[0].process].app
        match call:
            case Load() if len(calls) > 1:
                ids = [one.subject[1] for one in calls if isinstance(one, Load)]
                async for answer in app.load_many(call.subject[0], ids, freshness=call.freshness):
                    self.seen["loaded with others"] += 1
                    yield answer
            case Load():
                version = self._asked(call)
                yield await app.load(*call.subject, version=version, freshness=call.freshness)
            case Dispatch():
                yield await app.dispatch(call.command)
            case ReadEvents():
                yield [event async for event in app.events(*call.subject)]
            case Forget():
                await app.forget(*call.subject)
                yield None

    def _asked(self, call: Load) -> int | None:
        if call.version is None:
            return None
        subject = (call.subject[0].__name__, call.subject[1])
        return max(len(self._stream(subject).events) - call.version, 0)

    def _note(self, cache_lied: bool) -> None:  # noqa: FBT001 as above
        """Count what was taken, and what a read of the tail has proven."""
        for number, process in enumerate(self.processes):
            for report in process.reports:
                self._count(report)
                subject = (report.aggregate_type, report.aggregate_id)
                looked = self._caches(number) and report.is_current and report.asked_version is None
                below = [miss for miss in report.misses if miss.reason is Reason.BELOW_FLOOR]
                if looked and not isinstance(report.freshness, Replay) and not below:
                    if cache_lied:
                        continue
                    self.unproven.discard((number, subject))
                    if self.plan.is_cache_shared:
                        self.unproven.discard((1 - number, subject))
            process.reports.clear()

    def _count(self, report: LoadReport) -> None:
        seen = self.seen
        seen[f"baseline {report.baseline}"] += 1
        if report.asked_version is not None:
            seen["freshness version="] += 1
        else:
            seen[f"freshness {type(report.freshness).__name__}"] += 1
            if not report.is_current:
                seen[f"answered by {type(report.freshness).__name__} alone"] += 1
        for miss in report.misses:
            seen[f"{miss.source} found {miss.reason}"] += 1


def _command_id(row: EventRow) -> UUID:
    return UUID(json.loads(row[5])["command_id"])
