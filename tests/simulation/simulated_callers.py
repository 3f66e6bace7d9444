"""Callers: what they ask of processes, and the notes that they take."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from history import Call, End
from interlock.application.aggregates import Freshness
from interlock.domain import Command
from noted_calls import ACCOUNTS, NotedCalls
from simulated_bank import Look, Move, MoveAndRefuse, Moved, MoveLater, MoveOnce
from simulated_process import Process
from simulated_settings import FRESHNESS, Action

_KINDS: Sequence[type[Move]] = (Move, Move, MoveLater, MoveOnce, MoveAndRefuse)


class Callers(NotedCalls):
    """Those who dispatch and load, many with `pauses` in between."""

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

    async def load_many(
        self, process: Process, freshness: Freshness | None, *, among: Sequence[UUID] = ()
    ) -> list[Call]:
        """Load several, of which one may be named twice, with pauses in between."""
        choices = self._around.choices
        ids = [choices.one_of(among or self.accounts) for _ in range(choices.one_of((2, 3)))]
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
                await asyncio.sleep(choices.one_of(self.pauses))
                for following in calls[calls.index(call) + 1 :]:
                    self._ask_now(following)

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
                    await self._delete(process, aggregate_id)

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

    async def delete(self, process: Process, aggregate_id: UUID) -> Call:
        """Forget it with its events."""
        call = self._begin(process, aggregate_id)
        call.sees, call.may_fail = False, True

        async def work() -> None:
            await self._delete(process, aggregate_id)

        await self._run(process, [call], work)
        return call

    async def _delete(self, process: Process, aggregate_id: UUID) -> None:
        await process.application.forget(process.release, aggregate_id, events=True)
        process.forgot[aggregate_id] = len(self._events.past[aggregate_id])

    async def _read_events(self, process: Process, call: Call) -> None:
        call.sees, call.is_remembered = True, False
        found = process.application.events(process.release, UUID(call.aggregate), of=Moved)
        events = [event.event async for event in found]
        balance = sum(event.amount for event in events)
        call.state(version=len(events), balance=balance, tags=[event.tag for event in events])
