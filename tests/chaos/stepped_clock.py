"""`stepped_clock.py SITE ID CLOCK`: a process that loads and commands while its clock is stepped.

It runs with libfaketime in front of the C library, which adds to the time what stands in the file
CLOCK. Timers go on by the monotonic clock, which nobody can set.
"""

import asyncio
import json
import logging
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from chaos_log import CallLog
from chaos_site import Client, Site
from history import End
from interlock.application.aggregates import FastForward, MaxAge

_STEPS = (7200, -7200, 90, -90, 0)  # seconds from the right time
_OLDEST = MaxAge(timedelta(seconds=60))


async def _live(site: Site, aggregate_id: UUID, clock: Path) -> None:
    cached = replace(site, cache=("memory-cache", {}))
    one = Client(cached.application(), CallLog(site.folder / "1.log", 1))
    other = Client(site.application(), CallLog(site.folder / "2.log", 2))
    async with one.application, other.application:
        assert await one.move(aggregate_id, 5) is End.ACKNOWLEDGED
        is_off = 0
        for step in _STEPS:
            assert await one.load(aggregate_id, FastForward()) is End.ACKNOWLEDGED
            assert await other.move(aggregate_id, 5, 7) is End.ACKNOWLEDGED
            began = time.time() - time.monotonic()
            clock.write_text(f"{step:+}", "utf-8")  # noqa: ASYNC240 between two calls
            stepped = time.time() - time.monotonic() - began
            assert abs(stepped - (step - is_off)) < 1, f"stepped by {stepped}"
            is_off = step
            # What was cached a moment ago is old now, or of the future: neither is an answer.
            assert await one.load(aggregate_id, _OLDEST) is End.ACKNOWLEDGED
            assert await one.move(aggregate_id, 7) is End.ACKNOWLEDGED


if __name__ == "__main__":
    logging.disable()
    _site, _id, _clock = sys.argv[1:]
    _made = json.loads(_site)
    _live_site = Site(_made["url"], Path(_made["folder"]), _made["prefix"], timeout="5s")
    asyncio.run(_live(_live_site, UUID(_id), Path(_clock)))
