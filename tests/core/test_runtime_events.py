"""An application tells the events of an aggregate, decoded."""

from uuid import UUID

import pytest
from pydantic import BaseModel

from interlock.errors import EventApplyError, StreamTruncatedError
from interlock.routing import applies_event
from rig import Rig, unharmed
from rig_domain import ID, Account, Deposit, Deposited


async def test_events_are_those_asked_for_decoded() -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2, 4, 8)
        found = [event async for event in rig.app.events(Account, ID, first=2, last=3)]
        assert [event.version for event in found] == [2, 3]
        assert [event.event for event in found] == [Deposited(amount=2), Deposited(amount=4)]
        assert found[0].event_id == UUID(bytes=rig.events.rows()[1].event_id)
        assert found[0].recorded_at == rig.clock.now
        assert set(found[0].metadata) == {"command_id"}


class Noted(BaseModel):
    text: str


class Remarked(Noted):
    pass


class Ledger(Account):
    """An account whose stream has events of several classes."""

    type_name = "Account"

    @applies_event
    def apply_noted(self, event: Noted) -> None: ...

    @applies_event
    def apply_remarked(self, event: Remarked) -> None: ...


@pytest.mark.parametrize(
    ("of", "versions"),
    [(BaseModel, [1, 2, 3]), (Deposited, [1]), (Noted, [2, 3]), (Remarked, [3])],
)
async def test_events_of_a_class_are_given_alone(of: type[BaseModel], versions: list[int]) -> None:
    def write(ledger: Ledger) -> None:
        for event in (Deposited(amount=1), Noted(text="a"), Remarked(text="b")):
            ledger.emit(event)

    async with Rig(Ledger) as rig:
        await rig.do(write)
        found = [event async for event in rig.app.events(Ledger, ID, of=of)]
        assert [event.version for event in found] == versions
        assert all(isinstance(event.event, of) for event in found)


async def test_events_of_other_classes_are_not_decoded() -> None:
    async with Rig(Ledger) as rig:
        await rig.do(lambda ledger: ledger.emit(Noted(text="a")))
        stream = rig.events._streams["Account", ID]
        stream[0] = stream[0]._replace(payload=b"{")
        with unharmed("it was decoded"):
            assert [each async for each in rig.app.events(Ledger, ID, of=Deposited)] == []
        with pytest.raises(EventApplyError):
            [each async for each in rig.app.events(Ledger, ID, of=Noted)]


async def test_a_class_that_no_event_has_is_refused() -> None:
    async with Rig() as rig:
        with pytest.raises(TypeError, match="Account applies no event that is a Deposit"):
            await anext(rig.app.events(Account, ID, of=Deposit))


@pytest.mark.parametrize("places", [(0, 1, 3), (0, 1, 1, 2), (1, 0)])
async def test_events_that_are_missing_behind_others_are_noticed(places: tuple[int, ...]) -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2, 4, 8)
        stream = rig.events._streams["Account", ID]
        stream[:] = [stream[place] for place in places]
        with pytest.raises(StreamTruncatedError, match="wanted the event of version"):
            [event async for event in rig.app.events(Account, ID)]


async def test_events_of_an_archived_stream_begin_where_it_does() -> None:
    async with Rig() as rig:
        await rig.deposit(1, 2, 4, 8)
        await rig.events.delete("Account", ID, below=3)
        assert [event.version async for event in rig.app.events(Account, ID)] == [3, 4]
