"""What one command on a SQLite file consists of: the processor's work, the hop, and the commit."""

import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import uuid4

from account import Account, Deposit
from callers import memory_folder
from floor import Floor, PlainAccount
from interlock_sqlalchemy.worker import Worker
from stores import Ours

_SLICE = 128


class Parts(NamedTuple):
    """Microseconds of a cached command, one at a time; each measured by itself."""

    where: str
    whole: float
    cpu: float
    """The processor's time of the process, that within the commit included."""
    hop: float
    """An empty job that is given to a thread and waited for."""
    commit: float
    """The same row by hand, on the calling thread: three statements."""


async def parts(repetitions: int) -> list[Parts]:
    """On a disk, and on tmpfs where there is one."""
    found = []
    for where, parent in (("disk", None), ("tmpfs", memory_folder())):
        if where == "disk" or parent is not None:
            with tempfile.TemporaryDirectory(dir=parent) as folder:
                found.append(await _parts(where, Path(folder), repetitions))
    return found


async def _parts(where: str, folder: Path, repetitions: int) -> Parts:
    floor, account = Floor(folder / "floor.db"), PlainAccount(id=uuid4())
    account_id, worker = uuid4(), Worker("measured")
    ours = Ours(f"sqlite:///{folder / 'interlock.db'}")
    seconds: dict[str, list[float]] = {"whole": [], "cpu": [], "hop": [], "commit": []}
    async with ours.application(cache=True) as app:

        async def command() -> None:
            await app.dispatch(Deposit(aggregate_id=account_id, amount=1))

        async def hop() -> None:
            await worker.submit(int)

        async def commit() -> None:
            floor.deposit(account, 1)

        for _ in range(repetitions):
            whole, cpu = await _sliced(command)
            seconds["whole"].append(whole)
            seconds["cpu"].append(cpu)
            seconds["hop"].append((await _sliced(hop))[0])
            seconds["commit"].append((await _sliced(commit))[0])
        reached = await app.load(Account, account_id)
    await worker.stop(int)
    if reached.version != account.version:
        raise AssertionError(f"wanted version {account.version}, found {reached!r}")
    return Parts(where, **{name: median(each) / _SLICE * 1e6 for name, each in seconds.items()})


async def _sliced(operation: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(_SLICE):
        await operation()
    return time.perf_counter() - began, time.process_time() - cpu
