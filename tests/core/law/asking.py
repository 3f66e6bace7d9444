"""The calls that a run makes of its processes, and what their reports tell."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from interlock._engine.reports import LoadReport, Reason
from interlock.application.aggregates import Replay
from interlock.domain import Aggregate
from law.answers import Check, vandalise
from law.calls import Call, Dispatch, Forget, Load, LoadMany, Together
from law.calls import Events as ReadEvents
from law.history import subject_of
from law.run_state import UNANSWERED, BrokenError, Called, One, Process

if TYPE_CHECKING:
    from law.world import World


_LEAVING = (Reason.BELOW_FLOOR, Reason.UNAVAILABLE)


class Asking:
    """Makes calls at the same time, and holds each answer against the law."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._history = world.history

    async def together(self, together: Together) -> None:
        """Make the calls; `BrokenError` if one is answered as plain replay never would."""
        world, history = self._world, self._history
        failed = world.failed()
        lies = self._lies()
        for one in world.cache_faults:
            one.haunted.clear()
        delays = (*together.delays, 0, 0, 0, 0)
        asked = [
            [Called(one, delay) for one in self._anew(call)]
            for call, delay in zip(together.calls, delays, strict=False)
        ]
        await asyncio.gather(*(self._call(called) for called in asked))
        for subject in list(history.streams):
            history.sync(subject)
        if history.broken:
            raise BrokenError(history.broken[0])
        bit = [now - before for now, before in zip(world.failed(), failed, strict=True)]
        for called in (one for each in asked for one in each):
            if called.answer is UNANSWERED:
                continue
            Check(world, called, bit)(called.call, called.answer)
            if isinstance(called.answer, Aggregate):
                vandalise(called.answer)  # before the next answer is looked at
        self._note(self._lies() > lies)

    def _lies(self) -> int:
        return sum(one.taken + one.failed for one in self._world.cache_faults)

    def _anew(self, call: Call) -> list[One]:
        """The same call, of many one for each; a command gets an id of its own."""
        if isinstance(call, LoadMany):
            return [Load(call.process, (call.cls, i), call.freshness) for i in call.ids]
        if not isinstance(call, Dispatch):
            return [call]
        return [Dispatch(call.process, self._history.renewed(call.command))]

    async def _call(self, many: Sequence[Called]) -> None:
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
            self._history.sync(called.subject)
            self._raise_floor(self._world.processes[called.call.process], called)

    def _begin(self, called: Called) -> None:
        call, history = called.call, self._history
        if isinstance(call, Dispatch):
            called.subject = subject = subject_of(call.command)
        else:
            called.subject = subject = (call.subject[0].__name__, call.subject[1])
        history.sync(subject)
        called.begin, called.began = len(history.stream(subject).events), history.now
        called.floor = Counter(self._world.processes[call.process].floor)

    def _raise_floor(self, process: Process, called: Called) -> None:
        """What is known to be committed or returned from now on."""
        call, answer, subject, known = called.call, called.answer, called.subject, 0
        if isinstance(call, Dispatch) and not isinstance(answer, Exception):
            accepted = self._history.stream(subject).accepted
            known = accepted.get(call.command.command_id, (None, 0))[1]
        elif isinstance(answer, Aggregate) and isinstance(call, Load) and call.version is None:
            known = 0 if self._world.is_exempt(call.process, subject) else answer.version
        process.floor[subject] = max(process.floor[subject], known)

    async def _answers(self, calls: Sequence[One]) -> AsyncIterator[Any]:
        """That of the one call, or of each of those that are loaded at once."""
        call, app = calls[0], self._world.processes[calls[0].process].app
        match call:
            case Load() if len(calls) > 1:
                ids = [one.subject[1] for one in calls if isinstance(one, Load)]
                async for answer in app.load_many(call.subject[0], ids, freshness=call.freshness):
                    self._world.seen["loaded with others"] += 1
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
        return max(len(self._history.stream(subject).events) - call.version, 0)

    def _note(self, cache_lied: bool) -> None:  # noqa: FBT001 told by the one caller
        """Count what was taken, and what a read of the tail has proven."""
        world = self._world
        for number, process in enumerate(world.processes):
            for report in process.reports:
                self._count(report)
                subject = (report.aggregate_type, report.aggregate_id)
                looked = world.caches_states(number) and report.is_current
                # What is below the floor stays there, and so does what a cache has that rests.
                left = any(miss.reason in _LEAVING for miss in report.misses)
                is_replay = isinstance(report.freshness, Replay)
                if looked and report.asked_version is None and not is_replay and not left:
                    if cache_lied:
                        continue
                    world.prove(number, subject, shared=world.plan.is_cache_shared)
            process.reports.clear()

    def _count(self, report: LoadReport) -> None:
        seen = self._world.seen
        seen[f"baseline {report.baseline}"] += 1
        if report.asked_version is not None:
            seen["freshness version="] += 1
        else:
            seen[f"freshness {type(report.freshness).__name__}"] += 1
            if not report.is_current:
                seen[f"answered by {type(report.freshness).__name__} alone"] += 1
        for miss in report.misses:
            seen[f"{miss.source} found {miss.reason}"] += 1
