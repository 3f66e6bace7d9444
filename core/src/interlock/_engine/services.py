"""All that serves one registered aggregate, wired."""

from interlock._engine.archiving import Archiving
from interlock._engine.batch_loading import BatchLoader
from interlock._engine.cache import AggregateCache
from interlock._engine.command_handling import CommandHandler
from interlock._engine.context import TypeContext
from interlock._engine.forgetting import Forgetting
from interlock._engine.inspecting import Inspection
from interlock._engine.loading import Loader
from interlock._engine.observed import ObservedCache, ObservedCommands, ObservedSnapshots
from interlock._engine.reading import StateReader
from interlock._engine.rebuilding import Rebuilding
from interlock._engine.reports import OperationKind
from interlock._engine.shadowing import ShadowChecks
from interlock._engine.snapshots import SnapshotHistory
from interlock._engine.state_records import StateRecords
from interlock._engine.write_back import WriteBack


class TypeServices:
    """Loads, handles commands of, forgets and rebuilds the aggregates of one type."""

    def __init__(self, context: TypeContext) -> None:
        self.context = context
        records = StateRecords(context.registration)
        tells = context.reporting.tells
        of_cache = ObservedCache if tells(OperationKind.CACHE) else AggregateCache
        of_snapshots = ObservedSnapshots if tells(OperationKind.SNAPSHOT) else SnapshotHistory
        of_commands = ObservedCommands if tells(OperationKind.DISPATCH) else CommandHandler
        cache = of_cache(context, records)
        self.snapshots = snapshots = of_snapshots(context, records)
        reader = StateReader(context, cache, snapshots)
        self._shadow = ShadowChecks(context, cache, reader.tail)
        cache.checks = self._shadow if context.registration.shadow else None
        self._write_back = write_back = WriteBack(context, cache, snapshots, records)
        self.loader = loader = Loader(context, cache, records, reader, write_back)
        self.batches = BatchLoader(
            context,
            cache=cache,
            snapshots=snapshots,
            records=records,
            reader=reader,
            loader=loader,
        )
        self.commands = of_commands(
            context,
            cache=cache,
            records=records,
            reader=reader,
            write_back=write_back,
            loader=loader,
        )
        self.forgetting = Forgetting(
            context,
            cache=cache,
            snapshots=snapshots,
            write_back=write_back,
            loader=loader,
            commands=self.commands,
        )
        self.inspection = Inspection(context, cache, reader)
        self.archiving = Archiving(context, self.inspection, self.commands)
        self.rebuilding = Rebuilding(context, snapshots, reader, write_back)

    def start(self) -> None:
        """Begin a new life: nothing of an earlier one, which may have had another loop, is kept."""
        self.context.replay_slots.start()
        self._write_back.start()
        self.loader.start()
        self._shadow.start()
        self.commands.start()

    async def drain(self) -> None:
        """Wait until no command and no load is under way, and what they keep is written."""
        await self.commands.drain()
        await self.loader.drain()

    def give_up(self) -> None:
        """Write nothing any more that goes on behind; what is lost is counted and named."""
        self._write_back.give_up()
        self._shadow.give_up()
