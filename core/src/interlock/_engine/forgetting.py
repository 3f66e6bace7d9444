"""The forgetting of one aggregate."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from interlock._engine.archiving import alone
from interlock._engine.cache import AggregateCache
from interlock._engine.command_handling import CommandHandler
from interlock._engine.context import TypeContext
from interlock._engine.loading import Loader
from interlock._engine.snapshots import SnapshotHistory
from interlock._engine.write_back import WriteBack
from interlock.errors import ArchiveError, BackendUnavailableError, StreamTruncatedError

_Step = tuple[str, Callable[[UUID], Awaitable[None]]]


class Forgetting:
    """Forgets aggregates of one registered type.

    What is derived goes first: as long as the events stand, a failure leaves a state that is loaded
    from them, and true; once they are gone there is no record that a load would trust. It goes
    again after the events, for what another process derived from them meanwhile. Snapshots go
    before the cache entry, since loads fill the cache from them.
    """

    def __init__(
        self,
        context: TypeContext,
        *,
        cache: AggregateCache,
        snapshots: SnapshotHistory,
        write_back: WriteBack,
        loader: Loader,
        commands: CommandHandler,
    ) -> None:
        self._context = context
        self._cache = cache
        self._snapshots = snapshots
        self._write_back = write_back
        self._loader = loader
        self._commands = commands

    async def forget(self, aggregate_id: UUID, *, events: bool) -> None:
        """Forget it between two commands; no load that has begun keeps anything."""
        async with self._commands.turn(aggregate_id):
            with self._context.heads.forgets.forgetting(aggregate_id):
                try:
                    await self._write_back.forget(aggregate_id)
                    if not events:
                        await self._check_stands_alone(aggregate_id)
                    await self._take(self._steps(events=events), aggregate_id)
                finally:
                    self._loader.flights.detach(aggregate_id)

    def _steps(self, *, events: bool) -> list[_Step]:
        derived: list[_Step] = [
            ("removing its snapshots", self._snapshots.forget),
            ("removing its cache entry", self._cache.forget),
        ]
        if not events:
            return derived
        again = [(f"{what} that came meanwhile", step) for what, step in derived]
        steps = [*derived, ("deleting its events", self._delete_events), *again]
        if self._context.archive is not None:
            steps.append(("deleting its archive", self._delete_archive))
        return steps

    async def _take(self, steps: list[_Step], aggregate_id: UUID) -> None:
        for number, (what, step) in enumerate(steps):
            try:
                await step(aggregate_id)
            except (ArchiveError, BackendUnavailableError, OSError) as error:
                done = ", ".join(done for done, _ in steps[:number]) or "nothing"
                left = ", ".join(left for left, _ in steps[number + 1 :]) or "nothing"
                raise BackendUnavailableError(
                    f"{self._context.registration.name} {aggregate_id} isn't forgotten: {what} "
                    f"failed, as far as is known ({error}); done: {done}; not begun: {left}. "
                    "Forget it again, everything may be done twice"
                ) from error

    async def _check_stands_alone(self, aggregate_id: UUID) -> None:
        """Raise `StreamTruncatedError` if the events don't give the state without a snapshot."""
        if not self._snapshots.are_kept or await self._has_first_event(aggregate_id):
            return
        head = await self._context.stream.head(aggregate_id)
        # One that had no events a moment ago may have begun since.
        if head is None or await self._has_first_event(aggregate_id):
            return
        raise StreamTruncatedError(
            f"{self._context.registration.name} {aggregate_id} isn't forgotten: its first events "
            "are archived, and without a snapshot it could never be loaded again; forget it with "
            "events=True"
        )

    async def _has_first_event(self, aggregate_id: UUID) -> bool:
        return bool(await self._context.stream.ids(aggregate_id, 1, 1))

    async def _delete_events(self, aggregate_id: UUID) -> None:
        heads = self._context.heads
        with heads.forgets.deleting(aggregate_id):
            await self._context.stream.delete(aggregate_id)
            heads.forget(aggregate_id)

    async def _delete_archive(self, aggregate_id: UUID) -> None:
        file = self._context.archive_of(aggregate_id)
        if file is not None and await asyncio.to_thread(file.path.parent.exists):
            async with alone(file):
                await asyncio.to_thread(file.remove)
