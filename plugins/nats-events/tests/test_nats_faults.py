"""Leaders that are killed, stopped and woken under load: nothing is lost, doubled or stale."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random

from interlock_nats_events.backend import NatsEventStore
from nats_checker import Ledger
from nats_rig import Node, answers, leader, wait_until_healthy

FAULTS = int(os.environ.get("INTERLOCK_FAULTS") or 2)
WRITERS = int(os.environ.get("INTERLOCK_WRITERS") or 12)
REPORT = os.environ.get("INTERLOCK_FAULTS_REPORT")

Opened = Callable[..., Awaitable[NatsEventStore]]


async def test_nothing_is_lost_doubled_or_stale(three: list[Node], opened: Opened) -> None:
    random, ledger, over = Random(1), Ledger(), asyncio.Event()  # noqa: S311 # a test's
    # One for each node, which is tried first, and knows the others.
    stores = [await opened([node, *three], timeout="30s") for node in three]
    working = [
        asyncio.ensure_future(work(stores[place % 3], over, Random(place)))  # noqa: S311 # as above
        for place in range(WRITERS)
        for work in ([ledger.write, ledger.read] if place < 3 else [ledger.write])
    ]
    moved = 0
    for number in range(FAULTS):
        await progress(ledger)
        victim = await asyncio.to_thread(leader, three)
        others = [node for node in three if node is not victim]
        await (killed if number % 2 else stopped)(victim, others, ledger)
        moved += await asyncio.to_thread(leader, three) is not victim
    await progress(ledger)
    over.set()
    await asyncio.gather(*working)
    wrong = await ledger.judge(stores[random.randrange(3)])
    note(wrong, moved, ledger)
    assert not any(wrong.values()), (wrong, ledger.stale[:5])
    assert moved >= FAULTS // 2, "the faults hit the leader, and another one led"
    asked = sum(ledger.outcomes[name] for name in ("acknowledged", "unavailable appends"))
    assert ledger.outcomes["acknowledged"] >= 0.95 * asked, ledger.outcomes


async def stopped(victim: Node, others: Sequence[Node], ledger: Ledger) -> None:
    """It stands still until another leads, and wakes up as the leader that it was."""
    victim.hang()
    try:
        await asyncio.to_thread(leader, others)
        await progress(ledger)
    finally:
        victim.go_on()


async def killed(victim: Node, others: Sequence[Node], ledger: Ledger) -> None:
    """It is killed, and comes back once another leads."""
    victim.kill()
    try:
        await asyncio.to_thread(leader, others)
        await progress(ledger)
    finally:
        victim.start()
        await asyncio.to_thread(wait_until_healthy, [victim, *others])


async def progress(ledger: Ledger) -> None:
    """Wait for twenty more appends to be acknowledged."""
    wanted = ledger.outcomes["acknowledged"] + 20
    async with asyncio.timeout(60):
        while ledger.outcomes["acknowledged"] < wanted:  # noqa: ASYNC110 # writers tell nobody
            await asyncio.sleep(0.01)  # until a writer has had its turn


def note(wrong: dict[str, int], moved: int, ledger: Ledger) -> None:
    """Print what was done, and keep it where a report is asked for."""
    events = sum(map(len, ledger.acknowledged.values()))
    lines = [
        f"NATS {', '.join(answers)}: {WRITERS} writers, {FAULTS} faults, {moved} changes of leader",
        f"{events} events acknowledged; {dict(ledger.outcomes)}",
        f"found: {wrong}",
    ]
    print("\n".join(lines))  # noqa: T201 # shown by -rP
    if REPORT:
        Path(REPORT).write_text("\n\n".join(lines) + "\n")
