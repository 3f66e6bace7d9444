"""Callers: what they ask of processes, and the notes that they take."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from history import Call, End
from interlock.application.aggregates import Freshness, MaxAge, Trust
from interlock.domain import Command
from interlock.errors import ConfigurationError
from outcomes import end_of
from simulated_bank import Look, Move, MoveAndRefuse, Moved, MoveLater, MoveOnce, RefusedError
from simulated_process import Process, Stores, owner
from simulated_settings import AGE, FRESHNESS, Action, Place, Settings
from surroundings import Fault, Surroundings

ACCOUNTS = (UUID(int=1), UUID(int=2))
_LONGEST = 1000.0  # seconds, of a call that may wait for many others

_KINDS: Sequence[type[Move]] = (Move, Move, MoveLater, MoveOnce, MoveAndRefuse)

_Work = Callable[[], Awaitable[None]]
_Cancel = Callable[[asyncio.Task[object]], None]


class Callers:
    """Those who dispatch and load; `calls` are in the order in which they began.

    Once it `is_quiet` nothing fails any more, and no store rests. `heads_known` is of how many
    streams a process knows the head, 0 for all.
    """

    def __init__(
        self,
        around: Surroundings,
        stores: Stores,
        settings: Settings,
        processes: Sequence[Process],
        cancel: _Cancel,
    ) -> None:
        self.calls: list[Call] = []
        self.is_quiet = False
        self.heads_known = settings.limit_of(0)
        self._around = around
        self._events = stores.events
        self._settings = settings
        self._processes = processes
        self._cancel = cancel
        self._count = 0

    async def call(self, number: int) -> None:
        """Call again and again."""
        choices, crowd = self._around.choices, self._settings.crowd
        for _ in range(choices.below(crowd.most_calls + 1)):
            await asyncio.sleep(choices.one_of(crowd.pauses))
            index = number % len(self._processes)
            process = self._processes[index]
            if process.is_ending:
                continue
            aggregate_id = ACCOUNTS[choices.happens(crowd.second_one_in)]
            freshness = choices.one_of(FRESHNESS) if choices.happens(4) else None
            match choices.one_of(self._settings.roles[index]):
                case Action.MOVE:
                    await self.move(process, aggregate_id)
                case Action.LOOK:
                    await self.look(process, aggregate_id)
                case Action.LOAD_VERSION:
                    asked = choices.below(len(self._events.stood_at[aggregate_id]) + 2)
                    await self.load(process, aggregate_id, None, asked)
                case Action.LOAD:
                    await self.load(process, aggregate_id, freshness, None)
                case Action.LOAD_MANY:
                    await self.load_many(process, freshness)
                case Action.MAINTAIN:
                    await self._maintain(process, aggregate_id)

    async def load(
        self,
        process: Process,
        aggregate_id: UUID,
        freshness: Freshness | None,
        version: int | None,
    ) -> Call:
        """Load one, perhaps of a version, and change what was got."""
        call = self._begin(process, aggregate_id)
        call.asked_version = version
        self._allow(process, call, freshness)
        if version is not None:
            call.max_age = 0.0

        async def work() -> None:
            account = await process.application.load(
                process.release, aggregate_id, version=version, freshness=freshness
            )
            call.state(version=account.version, balance=account.balance, tags=account.tags)
            account.tags.append("the caller's own")

        await self._run(process, [call], work)
        return call

    async def load_many(self, process: Process, freshness: Freshness | None) -> list[Call]:
        """Load several, of which one may be named twice."""
        choices = self._around.choices
        ids = [choices.one_of(ACCOUNTS) for _ in range(choices.one_of((2, 3)))]
        calls = [self._begin(process, aggregate_id) for aggregate_id in ids]
        for call in calls:
            self._allow(process, call, freshness)

        async def work() -> None:
            accounts = process.application.load_many(process.release, ids, freshness=freshness)
            waiting = iter(calls)
            async for account in accounts:
                call = next(waiting)
                call.state(version=account.version, balance=account.balance, tags=account.tags)
                account.tags.append("the caller's own")
                self._end(call, End.ACKNOWLEDGED, "")
                await asyncio.sleep(choices.one_of((0.0, 0.01)))

        await self._run(process, calls, work)
        return calls

    async def move(
        self, process: Process, aggregate_id: UUID, *, of: type[Move] | None = None
    ) -> Call:
        """Dispatch a command of any kind that emits, or of the kind that is given."""
        choices = self._around.choices
        kind = of or choices.one_of(_KINDS if self._around.is_faulty else _KINDS[:3])
        amounts = tuple(choices.one_of((5, 7, 11, -3)) for _ in range(choices.one_of((1, 1, 2, 3))))
        command = kind(aggregate_id=aggregate_id, command_id=choices.new_id(), amounts=amounts)
        return await self._dispatch(process, command, amounts)

    async def look(self, process: Process, aggregate_id: UUID) -> Call:
        """Dispatch a command that emits nothing."""
        command = Look(aggregate_id=aggregate_id, command_id=self._around.choices.new_id())
        return await self._dispatch(process, command, ())

    async def _dispatch(
        self, process: Process, command: Command[tuple[int, int]], amounts: tuple[int, ...]
    ) -> Call:
        call = self._begin(process, command.aggregate_id)
        call.command, call.amounts = str(command.command_id), amounts

        async def work() -> None:
            version, balance = await process.application.dispatch(command)
            call.state(version=version, balance=balance)

        await self._run(process, [call], work)
        return call

    async def _maintain(self, process: Process, aggregate_id: UUID) -> None:
        """Do to the stores what operators do, or read the events themselves."""
        application, release = process.application, process.release
        call = self._begin(process, aggregate_id)
        call.sees, call.may_fail = False, True

        async def work() -> None:
            match self._around.choices.below(8 if self._around.is_faulty else 6):
                case 0 | 1:
                    await self._read_events(process, call)
                case 2:
                    await application.prune(release)
                case 3 | 4:
                    every = self._around.choices.one_of((1, 4))
                    await application.rebuild_snapshots(release, [aggregate_id], every=every)
                case 5 | 6:
                    await application.forget(release, aggregate_id)
                case _:
                    await application.forget(release, aggregate_id, events=True)
                    process.forgot[aggregate_id] = len(self._events.past[aggregate_id])

        await self._run(process, [call], work)

    async def read_events(self, process: Process, aggregate_id: UUID) -> Call:
        """Read the events themselves."""
        call = self._begin(process, aggregate_id)

        async def work() -> None:
            await self._read_events(process, call)

        await self._run(process, [call], work)
        return call

    async def forget(self, process: Process, aggregate_id: UUID) -> Call:
        """Forget what is derived."""
        call = self._begin(process, aggregate_id)
        call.sees, call.may_fail = False, True

        async def work() -> None:
            await process.application.forget(process.release, aggregate_id)

        await self._run(process, [call], work)
        return call

    async def _read_events(self, process: Process, call: Call) -> None:
        call.sees, call.is_remembered = True, False
        found = process.application.events(process.release, UUID(call.aggregate), of=Moved)
        events = [event.event async for event in found]
        balance = sum(event.amount for event in events)
        call.state(version=len(events), balance=balance, tags=[event.tag for event in events])

    def _allow(self, process: Process, call: Call, freshness: Freshness | None) -> None:
        """Note how old a state may be; as old as any, if the age comes from who lies about it."""
        is_told_wrong = self._settings.does_cache_lie or self._settings.do_clocks_step
        match freshness or self._settings.freshness:
            case Trust():
                call.max_age = None
            case MaxAge():
                call.max_age = None if is_told_wrong else AGE
        if self._settings.place is Place.OWN:
            call.forgot = process.forgot.get(UUID(call.aggregate), 0)

    def _begin(self, process: Process, aggregate_id: UUID) -> Call:
        self._count += 1
        head = len(self._events.stood_at[aggregate_id])
        now = self._around.loop.time()
        call = Call(process.number, str(aggregate_id), self._count, now, head)
        call.era_before = len(self._events.past[aggregate_id])
        call.heads_known = self.heads_known
        are_snapshots_needed = self._settings.on_unavailable == "fail" or (
            self._settings.replay_limit is not None
        )
        call.may_fail = not self.is_quiet and (
            not self._settings.are_events_safe or are_snapshots_needed
        )
        self.calls.append(call)
        return call

    def _end(self, call: Call, end: End, note: object) -> None:
        self._count += 1
        call.end, call.ended, call.note = end, self._count, repr(note)
        call.may_fail |= isinstance(note, ConfigurationError)  # closed meanwhile
        call.head_after = len(self._events.stood_at[UUID(call.aggregate)])
        call.era_after = len(self._events.past[UUID(call.aggregate)])

    async def _run(self, process: Process, calls: Sequence[Call], work: _Work) -> None:
        """Call, perhaps cancel the call, and note how it ended; a crash ends it too."""
        task = self._around.start(_end_of(process, work))
        process.tasks.append(task)
        process.calls.append(task)
        one_in = self._settings.crowd.disturbed_one_in // 2
        if self._around.fault([Fault.CANCELLATION], one_in=one_in) is not Fault.NONE:
            self._around.start(self._cancel_soon(task))
        await asyncio.wait(
            {task, process.crashed}, timeout=_LONGEST, return_when=asyncio.FIRST_COMPLETED
        )
        if not (task.done() or process.wire.is_cut):
            return
        end: End
        note: object
        if process.wire.is_cut:
            end, note = End.UNKNOWN, "crashed"
        elif task.cancelled():
            is_meant = task.cancelling() > 0
            end = End.UNKNOWN if is_meant else End.UNDOCUMENTED
            note = "cancelled" if is_meant else "cancelled by nobody"
        else:
            end, note = task.result()
        for call in calls:
            if call.end is End.OPEN:
                if isinstance(note, RefusedError):
                    call.state(version=note.version, balance=note.balance)
                self._end(call, end, note)

    async def _cancel_soon(self, task: asyncio.Task[object]) -> None:
        choices = self._around.choices
        await asyncio.sleep(choices.one_of((0.0, 0.0, 0.001, 0.02, 0.3, 1.0)))
        for _ in range(choices.below(8)):
            await asyncio.sleep(0)
        if not task.done():
            self._cancel(task)


async def _end_of(process: Process, work: _Work) -> tuple[End, object]:
    """How the work ends, and what there is to say of it."""
    owner.set(process)
    try:
        await work()
    except Exception as error:  # noqa: BLE001 whatever it is, it is noted
        if process.is_ending and isinstance(error, ConfigurationError):
            return End.FAILED, error  # closed meanwhile
        return end_of(error), error
    return End.ACKNOWLEDGED, ""
