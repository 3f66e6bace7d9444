"""What a call through `interlock.sync` costs: against the same call awaited, in one run.

`python tests/benchmarks/sync_calls.py [--calls N]`. Both applications are in memory and alike, and
are asked in turn; shown is the fastest of 50 rounds.
"""

import argparse
import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

from account import Account, Deposit
from interlock import ApplicationBuilder
from interlock.application import Application
from interlock.application.aggregates import AlwaysCache, InMemoryAggregateCacheBackend
from interlock.sync import SyncApplication

_ID = UUID(int=1)
_ROUNDS = 50
_THREADS = 32


def main() -> None:
    """Print a line for each kind of call."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=320)
    calls = parser.parse_args().calls
    loop = asyncio.new_event_loop()
    application = _made()
    loop.run_until_complete(application.start())
    with SyncApplication(_made()) as app:
        kinds: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "load": (
                lambda: loop.run_until_complete(_loads(application, calls)),
                lambda: [app.load(Account, _ID) for _ in range(calls)],
            ),
            "dispatch": (
                lambda: loop.run_until_complete(_dispatches(application, calls)),
                lambda: [app.dispatch(_command()) for _ in range(calls)],
            ),
            f"dispatch, {_THREADS} threads": (
                lambda: loop.run_until_complete(_dispatches(application, calls)),
                partial(_in_threads, app, calls),
            ),
        }
        print(f"{'':22} {'awaited':>10} {'sync':>10} {'ratio':>7}   (microseconds a call)")
        for name, (awaited, threaded) in kinds.items():
            _show(name, calls, awaited, threaded)
    loop.run_until_complete(application.close())
    loop.close()


def _show(
    name: str, calls: int, awaited: Callable[[], object], threaded: Callable[[], object]
) -> None:
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS):
        for kind, call in zip(spent, (awaited, threaded), strict=True):
            began = time.perf_counter()
            call()
            kind.append((time.perf_counter() - began) / calls * 1e6)
    one, other = map(min, spent)  # whatever else runs only adds to them
    print(f"{name:22} {one:10.1f} {other:10.1f} {other / one:7.1f}")


def _made() -> Application:
    builder = ApplicationBuilder().configure(queue_size=_THREADS)
    builder.register_aggregate(
        Account, cache_strategy=AlwaysCache, cache_backend=InMemoryAggregateCacheBackend
    )
    return builder.build()


async def _loads(application: Application, calls: int) -> None:
    for _ in range(calls):
        await application.load(Account, _ID)


async def _dispatches(application: Application, calls: int) -> None:
    for _ in range(calls):
        await application.dispatch(_command())


def _in_threads(app: SyncApplication, calls: int) -> None:
    def work(_: int) -> None:
        for _ in range(calls // _THREADS):
            app.dispatch(_command())

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, range(_THREADS)))


def _command() -> Deposit:
    return Deposit(aggregate_id=_ID, amount=1)


if __name__ == "__main__":
    main()
