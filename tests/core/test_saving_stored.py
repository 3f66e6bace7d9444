"""What is kept after a commit is the fold of what is stored, whoever changed or forged a state."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from interlock.application.aggregates import Replay
from interlock.errors import BackendUnavailableError, InterlockError
from rig import Rig, snapshotting, unharmed
from rig_domain import ID, Account, Deposit, Deposited

Action = Callable[[Account], Any]


class TestForgedEntries:
    """A cached state that the stream never had fails no command, whatever the store says to it."""

    @staticmethod
    async def _forged() -> Rig:
        rig = Rig()
        await rig.app.start()
        await rig.deposit(1)
        version = 2**63 - 3
        payload = rig.cache.found.payload.replace(b'"version":1', b'"version":%d' % version)
        rig.cache.plant(rig.cache.found, version=version, payload=payload)
        return rig

    @pytest.mark.parametrize(
        "failure",
        [
            BackendUnavailableError("value out of int64 range", nothing_done=True),
            OverflowError("Python int too large to convert to SQLite INTEGER"),
        ],
    )
    async def test_one_that_the_store_refuses_is_dropped(self, failure: Exception) -> None:
        rig = await self._forged()
        rig.events.then("append", failure)
        with unharmed("the entry failed the command"):
            assert await rig.app.dispatch(Deposit(aggregate_id=ID, amount=4)) == 5
        assert rig.cache.found.version == 2
        await rig.app.close()

    async def test_during_an_outage_an_entry_stays(self) -> None:
        rig = await self._forged()
        forged = rig.cache.found
        rig.events.down |= {"append", "read"}
        with pytest.raises(InterlockError):
            await rig.app.dispatch(Deposit(aggregate_id=ID, amount=4))
        assert rig.cache.found == forged
        await rig.app.close()


class TestStoredBytes:
    """What is kept is the fold of what is stored; the handler's object is thrown away."""

    @pytest.mark.parametrize("more", [{}, snapshotting()], ids=["cache", "snapshot"])
    @pytest.mark.parametrize(
        "scribble",
        [
            lambda account: setattr(account, "balance", 99),
            lambda account: account.marks.append("scribbled"),
            lambda account: account.__dict__.update(version=7),
        ],
        ids=["field", "nested state", "version"],
    )
    async def test_what_a_handler_does_to_its_object_is_not_kept(
        self, scribble: Action, more: dict[str, Any]
    ) -> None:
        def emit_and_scribble(account: Account) -> None:
            account.emit(Deposited(amount=1, marks=["a"]))
            scribble(account)

        async with Rig(**more) as rig:
            await rig.do(emit_and_scribble)
            assert await rig.load() == await rig.load(freshness=Replay())
            assert rig.report.events_folded == 1
            assert (await rig.load()).balance == 1

    async def test_what_a_handler_that_emits_nothing_does_is_not_kept(self) -> None:
        async with Rig() as rig:
            rig.events.write(1)
            await rig.do(lambda account: account.marks.append("scribbled"))
            assert (await rig.load()).marks == []

    async def test_an_event_that_is_changed_after_emit_is_stored_as_it_was_emitted(self) -> None:
        def emit_and_change(account: Account) -> None:
            event = Deposited(amount=1, marks=["a"])
            account.emit(event)
            event.amount = 99
            event.marks.append("later")

        async with Rig() as rig:
            await rig.do(emit_and_change)
            assert (await rig.load(freshness=Replay())).marks == ["a"]
            assert (await rig.load()) == await rig.load(freshness=Replay())

    async def test_an_applier_that_keeps_the_events_list_changes_no_stored_event(self) -> None:
        def emit_twice(account: Account) -> None:
            account.emit(Deposited(amount=1, marks=["a"]))
            account.marks.append("aliased")
            account.emit(Deposited(amount=2))

        async with Rig() as rig:
            await rig.do(emit_twice)
            assert (await rig.load(freshness=Replay())).marks == ["a"]
            assert (await rig.load()).marks == ["a"]

    async def test_all_events_of_a_commit_are_in_the_kept_state(self) -> None:
        def emit_three(account: Account) -> None:
            for amount in (1, 2, 4):
                account.emit(Deposited(amount=amount))

        async with Rig(**snapshotting(2)) as rig:
            await rig.do(emit_three)
            ((version, record),) = rig.snapshots.records().items()
            assert version == record.version == 3
            assert json.loads(record.payload)["balance"] == 7
            assert record.last_event_id.bytes == rig.events.rows()[2].event_id
