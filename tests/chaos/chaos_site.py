"""Where processes keep things, and the applications that they make of it."""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from chaos_log import CallLog, Recorded, State, history_of
from history import End
from history_checker import check
from interlock._app.builder import utc_now
from interlock._engine.context import Clock
from interlock.application import Application, ApplicationBuilder, backend
from interlock.application.aggregates import (
    AlwaysCache,
    FastForward,
    Freshness,
    NeverCache,
    NeverSnapshot,
    Replay,
    SnapshotAfterN,
    SnapshotStrategy,
    Trust,
)
from simulated_bank import RELEASES, Look, Move, Moved

ACCOUNT = RELEASES[0]
FRESHNESS: tuple[Freshness, ...] = (Trust(), FastForward(), Replay())


@dataclass(frozen=True)
class Site:
    """A database, perhaps a cache, and the folder of the logs; it can be sent to a process."""

    url: str
    folder: Path
    prefix: str = ""
    suffix: str = ""
    cache: tuple[str, dict[str, Any]] | None = None  # Any: options of whatever kind
    timeout: str = "2s"
    keep: int = 2
    snapshots: SnapshotStrategy | None = field(default_factory=partial(SnapshotAfterN, 3))
    """None leaves out the store of snapshots."""

    def application(self, clock: Clock = utc_now) -> Application:
        """Make an application."""
        where = {"url": self.url, "create_schema": True, "timeout": self.timeout}
        if not self.url.startswith("sqlite"):
            where |= {"statement_timeout": self.timeout, "connect_timeout": self.timeout}
        events = f"{self.prefix}events{self.suffix}"
        snapshots = f"{self.prefix}snapshots{self.suffix}"
        cached: dict[str, Any] = {"cache_strategy": NeverCache()}  # Any: options
        if self.cache is not None:
            name, options = self.cache
            cached = {"cache_strategy": AlwaysCache(), "cache_backend": backend(name, **options)}
        return (
            ApplicationBuilder(clock=clock)
            .configure(max_attempts=20)
            .register_event_store(backend("sqlalchemy-events", **where, table=events))
            .register_aggregate(
                ACCOUNT,
                snapshot_strategy=self.snapshots or NeverSnapshot(),
                snapshot_backend=None
                if self.snapshots is None
                else backend("sqlalchemy-snapshots", **where, table=snapshots, keep=self.keep),
                **cached,
            )
            .build()
        )


class Client:
    """One process's application, and the log of its calls."""

    def __init__(self, application: Application, log: CallLog) -> None:
        self.application = application
        self.log = log

    async def move(self, aggregate_id: UUID, *amounts: int) -> End:
        """Dispatch a command that emits an event for each amount; none only looks."""
        kind = Move if amounts else Look
        given = {"amounts": amounts} if amounts else {}
        command = kind.model_validate(
            {"aggregate_id": aggregate_id, "command_id": uuid4(), **given}
        )

        async def work() -> State:
            return *await self.application.dispatch(command), None

        return await self.log.call(
            aggregate_id, work, command=str(command.command_id), amounts=amounts
        )

    async def load(self, aggregate_id: UUID, freshness: Freshness) -> End:
        """Load it."""

        async def work() -> State:
            account = await self.application.load(ACCOUNT, aggregate_id, freshness=freshness)
            return account.version, account.balance, account.tags

        max_age = None if isinstance(freshness, Trust) else 0.0
        return await self.log.call(aggregate_id, work, max_age=max_age)

    async def stream(self, aggregate_id: UUID) -> list[Recorded]:
        """Read the stream."""
        found = self.application.events(ACCOUNT, aggregate_id, of=Moved)
        return [recorded async for recorded in found]

    async def check(self, site: Site, *ids: UUID) -> Counter[End]:
        """Look at everything, and hold all logs against the streams; how calls ended."""
        for aggregate_id in ids:
            for freshness in FRESHNESS:
                assert await self.load(aggregate_id, freshness) is End.ACKNOWLEDGED
        streams = {str(each): await self.stream(each) for each in ids}
        history = history_of(sorted(site.folder.glob("*.log")), streams)
        check(history)
        return Counter(call.end for call in history.calls)
