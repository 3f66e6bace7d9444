import asyncio
import importlib.util
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest

from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend

OpenBackend = Callable[..., Awaitable[DiskCacheAggregateCacheBackend]]
PROCESS = Path(__file__).with_name("diskcache_process.py")


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("diskcache_process", PROCESS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


process = _load()
KEYS, record = process.KEYS, process.record
KEY = KEYS[0]


@asynccontextmanager
async def started(directory: Path, task: str, argument: object) -> AsyncIterator[Process]:
    words = [str(word) for word in (PROCESS, directory, task, argument)]
    child = await asyncio.create_subprocess_exec(sys.executable, *words, stdin=PIPE, stdout=PIPE)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def line(child: Process) -> str:
    assert child.stdout is not None
    return (await child.stdout.readline()).decode().strip()


async def tell(child: Process, word: object) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{word}\n".encode())
    await child.stdin.drain()


async def test_of_what_four_processes_put_the_newest_stands(
    open_backend: OpenBackend, directory: Path
) -> None:
    async with (
        started(directory, "write", 1) as one,
        started(directory, "write", 2) as two,
        started(directory, "write", 3) as three,
        started(directory, "write", 4) as four,
    ):
        children = (one, two, three, four)
        outputs = await asyncio.gather(*(child.communicate(b"150\n") for child in children))
        assert [child.returncode for child in children] == [0] * 4
    lines = [text.split() for output, _ in outputs for text in output.decode().splitlines()]
    assert len(lines) == 600
    newest = {number: max(int(v) for n, v in lines if n == str(number)) for number in range(8)}
    backend = await open_backend()
    assert await backend.read_many(KEYS) == {
        KEYS[number]: record(KEYS[number], version) for number, version in newest.items()
    }


@pytest.mark.parametrize(("stopped", "waiting"), [(5, 6), (6, 5)])
async def test_a_put_waits_for_another_processs_put_and_the_newer_stands(
    open_backend: OpenBackend, directory: Path, stopped: int, waiting: int
) -> None:
    backend = await open_backend()
    await backend.put(KEY, record(KEY, 1))
    async with started(directory, "stop-inside", stopped) as child:
        assert await line(child) == "inside"
        put = asyncio.create_task(backend.put(KEY, record(KEY, waiting)))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not put.done()
        assert await backend.read(KEY) == record(KEY, 1)
        await tell(child, "go on")
        assert await line(child) == "done"
        await put
    assert await backend.read(KEY) == record(KEY, 6)


async def test_a_removal_by_stamp_leaves_what_another_process_is_putting(
    open_backend: OpenBackend, directory: Path
) -> None:
    backend = await open_backend()
    await backend.put(KEY, record(KEY, 1))
    async with started(directory, "stop-inside", 2) as child:
        assert await line(child) == "inside"
        removal = asyncio.create_task(backend.remove(KEY, record(KEY, 1).stamp))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not removal.done()
        await tell(child, "go on")
        await removal
    assert await backend.read(KEY) == record(KEY, 2)


async def test_a_process_killed_inside_a_put_leaves_what_stood_and_no_lock(
    open_backend: OpenBackend, directory: Path
) -> None:
    backend = await open_backend()
    await backend.put(KEY, record(KEY, 1))
    async with started(directory, "stop-inside", 9) as child:
        assert await line(child) == "inside"
        child.kill()
        await child.wait()
    assert await backend.read(KEY) == record(KEY, 1)
    await backend.put(KEY, record(KEY, 2))
    assert await (await open_backend()).read(KEY) == record(KEY, 2)


async def test_processes_killed_at_any_moment_leave_a_readable_cache(
    open_backend: OpenBackend, directory: Path
) -> None:
    newest: dict[int, int] = {}
    for seed in range(5):
        async with started(directory, "write", seed) as child:
            await tell(child, -1)
            lines = [await line(child) for _ in range(15)]
            child.kill()
            assert child.stdout is not None
            lines += (await child.stdout.read()).decode().split("\n")[:-1]
        for number, version in (map(int, text.split()) for text in lines if " " in text):
            newest[number] = max(version, newest.get(number, 0))
        backend = await open_backend()
        for number, acknowledged in newest.items():
            found = await backend.read(KEYS[number])
            assert found is not None
            assert found.version >= acknowledged
            assert found == record(KEYS[number], found.version)
        await backend.put(KEY, record(KEY, 20_000 + seed))
        await backend.close()
        newest[0] = 20_000 + seed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_backend_made_before_a_fork_is_opened_after_it(directory: Path) -> None:
    code = f"""
import asyncio, os, sys
sys.path.insert(0, {str(PROCESS.parent)!r})
from diskcache_process import *
backend = DiskCacheAggregateCacheBackend(DiskCacheConfig(directory={str(directory)!r}))
async def use():
    await backend.open()
    own = KEYS[os.getpid() % 7 + 1]
    await backend.put(own, record(own, 1))
    await backend.put(KEYS[0], record(KEYS[0], 1))
    assert await backend.read(KEYS[0]) == record(KEYS[0], 1)
    await backend.close()
children = []
for _ in range(3):
    pid = os.fork()
    if not pid:
        asyncio.run(use())
        os._exit(0)
    children.append(pid)
asyncio.run(use())
sys.exit(max(os.waitpid(pid, 0)[1] for pid in children))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 # our own
    assert done.returncode == 0
