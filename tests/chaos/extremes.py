"""What a process does on a full disk, without descriptors, forked, or on a replaced file."""

import asyncio
import logging
import os
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import UUID

from chaos_log import CallLog
from chaos_site import ACCOUNT, Client, Site
from history import End
from interlock.application.aggregates import FastForward
from interlock.errors import BackendUnavailableError, ConfigurationError

_MANY = 200


def run(site: Site, extreme: str, aggregate_id: UUID) -> None:
    """Do it, in a process of its own. Raises `AssertionError`."""
    logging.disable()
    EXTREMES[extreme](Client(site.application(), CallLog(site.folder / "1.log", 1)), aggregate_id)


def _full_disk(client: Client, aggregate_id: UUID) -> None:
    async def fill() -> None:
        async with client.application:
            assert await client.move(aggregate_id, 5) is End.ACKNOWLEDGED
            files = client.log.folder.glob("test.db*")
            largest = max(file.stat().st_size for file in files)
            with _limited(resource.RLIMIT_FSIZE, largest + (1 << 16)):
                for _ in range(_MANY):
                    end = await client.move(aggregate_id, 5, 7, 11)
                    if end is not End.ACKNOWLEDGED:
                        break
                assert end is not End.ACKNOWLEDGED
                await client.load(aggregate_id, FastForward())
            assert await client.move(aggregate_id, 7) is End.ACKNOWLEDGED

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    asyncio.run(fill())


def _no_descriptors(client: Client, aggregate_id: UUID) -> None:
    async def exhaust() -> None:
        with _exhausted(), suppress(BackendUnavailableError):
            await client.application.start()
        await client.application.close()
        async with client.application:
            assert await client.move(aggregate_id, 5) is End.ACKNOWLEDGED
            with _exhausted():
                for _ in range(10):
                    await client.move(aggregate_id, 5)
                    await client.load(aggregate_id, FastForward())
            assert await client.move(aggregate_id, 7) is End.ACKNOWLEDGED

    asyncio.run(exhaust())


def _fork(client: Client, aggregate_id: UUID) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(client.application.start())
    assert loop.run_until_complete(client.move(aggregate_id, 5)) is End.ACKNOWLEDGED
    child = os.fork()
    if not child:
        try:
            asyncio.run(client.application.load(ACCOUNT, aggregate_id))
        except ConfigurationError:
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert loop.run_until_complete(client.move(aggregate_id, 7)) is End.ACKNOWLEDGED
    loop.run_until_complete(client.application.close())
    loop.close()


def _replaced_file(client: Client, aggregate_id: UUID) -> None:
    path = client.log.folder / "test.db"

    async def replace() -> None:
        async with client.application:
            for _ in range(10):
                assert await client.move(aggregate_id, 5) is End.ACKNOWLEDGED
                await asyncio.to_thread(_replaced_by_copy, path)
                assert await client.load(aggregate_id, FastForward()) is End.ACKNOWLEDGED
                assert await client.move(aggregate_id, 7) is End.ACKNOWLEDGED

    asyncio.run(replace())


EXTREMES: dict[str, Callable[[Client, UUID], None]] = {
    "a full disk": _full_disk,
    "no descriptors": _no_descriptors,
    "a fork after the start": _fork,
    "a file replaced": _replaced_file,
}


def _replaced_by_copy(path: Path) -> None:
    copy = path.with_suffix(".copy")
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    copy.replace(path)


@contextmanager
def _limited(kind: int, limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


def _last_descriptor() -> int:
    return max(int(path.name) for path in Path("/proc/self/fd").iterdir())


@contextmanager
def _exhausted() -> Iterator[None]:
    """Within it this process can't open anything."""
    opened: list[int] = []
    with _limited(resource.RLIMIT_NOFILE, _last_descriptor() + 1):
        with suppress(OSError):
            while True:
                opened.append(os.open("/dev/null", os.O_RDONLY))
        try:
            yield
        finally:
            for descriptor in opened:
                os.close(descriptor)
