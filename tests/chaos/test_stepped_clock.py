"""The clock of a real process is stepped under it: no state is younger for that, no call fails."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

import stepped_clock
from chaos_log import CallLog
from chaos_site import Client, Site
from clients import PATIENCE
from sql_rig import Place, dropped, made

_STANDS_BEFORE = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")


@pytest.fixture(scope="module")
def faketime() -> str:
    found = [str(path) for each in _STANDS_BEFORE for path in Path("/").glob(each[1:])]
    if not found:  # Debian's package libfaketime has it
        is_required = "faketime" in os.environ.get("INTERLOCK_REQUIRE", "").split(",")
        (pytest.fail if is_required else pytest.skip)("needs faketime: it isn't installed")
    return found[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path, in_memory=False)
    yield place
    dropped(place)


async def test_a_step_makes_no_state_young_and_fails_no_call(
    place: Place, faketime: str, tmp_path: Path
) -> None:
    site = Site(place.url, tmp_path, place.prefix, timeout="5s")
    aggregate_id, clock = uuid4(), tmp_path / "clock"
    clock.write_text("+0", "utf-8")
    told = json.dumps({"url": site.url, "folder": str(site.folder), "prefix": site.prefix})
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LD_PRELOAD": faketime,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, stepped_clock.__file__, told, str(aggregate_id), str(clock)),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(3 * PATIENCE):  # each look at the clock reads a file
        _, printed = await process.communicate()
    assert process.returncode == 0, printed.decode()
    client = Client(site.application(), CallLog(tmp_path / "own.log", 0))
    async with client.application:
        await client.check(site, aggregate_id)
