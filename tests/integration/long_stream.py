"""`python long_stream.py load|rebuild|die tracemalloc|rss URL PREFIX LENGTH`: the peak of memory.

Loads the stream of that length cold, or rebuilds its snapshots, telling each one's version; or dies
once it has stored two. What is told last is the peak in bytes: what Python allocated, or the
process's resident set.
"""

import asyncio
import gc
import os
import resource
import sys
import tracemalloc
from signal import SIGKILL
from uuid import UUID

from interlock.application import (
    Application,
    ApplicationBuilder,
    LoadReport,
    OnLoad,
    RebuildProgress,
    backend,
)
from interlock.application.aggregates import Replay
from teller import Account

EVERY = 50_000 if "INTERLOCK_EVENTS" in os.environ else 25_000
"""Versions between two snapshots that a rebuild stores."""

_KIBIBYTE = 1_024


def application(url: str, prefix: str, reports: list[LoadReport]) -> Application:
    """On the place's tables."""
    where = {"url": url, "create_schema": True}
    return (
        ApplicationBuilder()
        .register_event_store(
            backend("sqlalchemy-events", **where, table=f"{prefix}interlock_events")
        )
        .register_aggregate(
            Account,
            snapshot_backend=backend(
                "sqlalchemy-snapshots", **where, table=f"{prefix}interlock_snapshots"
            ),
        )
        .register_observer(OnLoad(reports.append))
        .build()
    )


def tell(number: int) -> None:
    """To whoever started the script."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


async def peak(what: str, measure: str, url: str, prefix: str, length: int) -> int:
    """That of one load or rebuild, after a short one has warmed up."""
    reports = list[LoadReport]()
    async with application(url, prefix, reports) as app:
        await app.load(Account, UUID(int=1), freshness=Replay())
        gc.collect()
        if measure == "tracemalloc":
            tracemalloc.start()
        if what != "load":

            def progress(step: RebuildProgress) -> None:
                tell(step.version)
                if what == "die" and step.version == 2 * EVERY:
                    os.kill(os.getpid(), SIGKILL)

            ids = [UUID(int=length)]
            await app.rebuild_snapshots(Account, ids, every=EVERY, progress=progress)
        account = await app.load(Account, UUID(int=length))
        assert (account.version, account.balance) == (length, length)
        assert reports[-1].events_folded == (length if what == "load" else 0)
        if measure == "tracemalloc":
            return tracemalloc.get_traced_memory()[1]
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE


if __name__ == "__main__":
    what, measure, url, prefix, length = sys.argv[1:]
    tell(asyncio.run(peak(what, measure, url, prefix, int(length))))
