"""Accounts for tests of loading many: each has the deposits 1, 2 and so on, up to its number."""

from collections.abc import Sequence
from uuid import UUID

from rig import Rig
from rig_domain import Account
from rig_stores import Events

IDS = [UUID(int=number) for number in range(1, 8)]  # ID is the last of them


async def filled(rig: Rig) -> None:
    """Each account has the deposits 1, 2 and so on, up to its number."""
    for number, aggregate_id in enumerate(IDS, 1):
        rig.events.write(*range(1, number + 1), aggregate_id=aggregate_id)


def balances(accounts: Sequence[Account]) -> list[int]:
    return [account.balance for account in accounts]


class OneByOne(Events):
    """An event store that reads one stream at a time."""

    read_many = None  # type: ignore[assignment] # as if it weren't there
