"""Processes on a full disk, without descriptors, forked, or on a file that is replaced."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

import extremes
from chaos_log import CallLog
from chaos_site import Client, Site
from clients import FORKS, PATIENCE
from sql_rig import Place, dropped, made

_EVERYWHERE = ("sqlite", "postgresql", "mariadb")


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path, in_memory=False)  # beside the log, where it is looked for
    yield place
    dropped(place)


@pytest.mark.parametrize(
    ("place", "extreme"),
    [
        ("sqlite", "a full disk"),
        ("sqlite", "a file replaced"),
        *((kind, "no descriptors") for kind in _EVERYWHERE),
        *((kind, "a fork after the start") for kind in _EVERYWHERE),
    ],
    indirect=["place"],
)
async def test_calls_fail_as_documented_and_succeed_afterwards(
    place: Place, extreme: str, tmp_path: Path
) -> None:
    site = Site(place.url, tmp_path, place.prefix, timeout="5s")
    if extreme == "a file replaced":  # two stores may take the log of the one for that of the other
        site = replace(site, snapshots=None)
    aggregate_id = uuid4()
    process = FORKS.Process(target=extremes.run, args=(site, extreme, aggregate_id))
    process.start()
    await asyncio.to_thread(process.join, PATIENCE)
    assert process.exitcode == 0
    client = Client(site.application(), CallLog(tmp_path / "own.log", 0))
    async with client.application:
        await client.check(site, aggregate_id)
