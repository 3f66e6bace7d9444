"""The calls of a run: made in a process, perhaps cancelled, and noted as they began and ended."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from history import Call, End
from interlock.application.aggregates import Freshness, MaxAge, Trust
from interlock.errors import ConfigurationError
from outcomes import end_of
from simulated_bank import RefusedError
from simulated_process import Process, Stores, owner
from simulated_settings import AGE, Place, Settings
from surroundings import Fault, Surroundings

ACCOUNTS = (UUID(int=1), UUID(int=2))
_LONGEST = 1000.0  # seconds, of a call that may wait for many others

_Work = Callable[[], Awaitable[None]]
_Cancel = Callable[[asyncio.Task[object]], None]


class NotedCalls:
    """The calls in the order in which they began.

    Once it `is_quiet` nothing fails any more, and no store rests. `heads_known` is of how many
    streams a process knows the head, 0 for all; `are_commits_known` tells that of others it hasn't
    forgotten what it committed.
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
        self.accounts: Sequence[UUID] = ACCOUNTS
        self.pauses: Sequence[float] = (0.0, 0.01)
        self.is_quiet = False
        self.heads_known = settings.limit_of(0)
        self.are_commits_known = False
        self._around = around
        self._events = stores.events
        self._settings = settings
        self._processes = processes
        self._cancel = cancel
        self._count = 0

    def _allow(self, process: Process, call: Call, freshness: Freshness | None) -> None:
        """Note how old a state may be; as old as any, if the age comes from who lies about it."""
        is_told_wrong = self._settings.does_cache_lie or self._settings.do_clocks_step
        match freshness or self._settings.freshness:
            case Trust():
                call.max_age = None
            case MaxAge():
                call.max_age = None if is_told_wrong else AGE
        if self._settings.place is Place.OWN or self._settings.is_alone:
            call.forgot = process.forgot.get(UUID(call.aggregate), 0)

    def _begin(self, process: Process, aggregate_id: UUID) -> Call:
        self._count += 1
        head = len(self._events.stood_at[aggregate_id])
        now = self._around.loop.time()
        call = Call(process.number, str(aggregate_id), self._count, now, head)
        call.era_before = len(self._events.past[aggregate_id])
        call.heads_known, call.are_commits_known = self.heads_known, self.are_commits_known
        are_snapshots_needed = self._settings.on_unavailable == "fail" or (
            self._settings.replay_limit is not None
        )
        call.may_fail = not self.is_quiet and (
            not (self._settings.are_events_safe or self._settings.does_all_answer)
            or are_snapshots_needed
        )
        self.calls.append(call)
        return call

    def _ask_now(self, call: Call) -> None:
        """Note of one of many that it is asked for now; what proves it the head was read before."""
        self._count += 1
        call.asked = self._count
        if call.max_age != 0:
            call.began_at = self._around.loop.time()
            call.head_before = len(self._events.stood_at[UUID(call.aggregate)])
            call.era_before = len(self._events.past[UUID(call.aggregate)])

    def _end(self, call: Call, end: End, note: object) -> None:
        self._count += 1
        call.end, call.ended, call.note = end, self._count, repr(note)
        call.may_fail |= isinstance(note, ConfigurationError)  # closed meanwhile
        call.head_after = len(self._events.stood_at[UUID(call.aggregate)])
        call.era_after = len(self._events.past[UUID(call.aggregate)])
        call.may_fail |= self._settings.does_all_answer and call.era_before != call.era_after

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
