"""A commit stands even if its state can't be folded."""

from rig import Rig, unharmed
from rig_domain import Account, Deposited


class Fickle(Account):
    """Its applier fails at its second call."""

    type_name = "Account"
    revision = "1"

    def apply_deposited(self, event: Deposited) -> None:
        if event.marks and CALLS.count(event.marks[0]) == 1:
            CALLS.append(event.marks[0])
            raise RuntimeError("fickle")
        CALLS.extend(event.marks)
        self.balance += event.amount


CALLS: list[str] = []


async def test_a_state_that_cannot_be_folded_after_the_commit_does_not_fail_the_command() -> None:
    CALLS.clear()
    async with Rig(Fickle) as rig:
        await rig.deposit(1)

        def emit(account: Account) -> str:
            account.emit(Deposited(amount=2, marks=["x"]))
            return "done"

        with unharmed("a committed command was reported as failed"):
            assert await rig.do(emit) == "done"
        assert rig.cache.record is None
        assert (await rig.load()).balance == 3
