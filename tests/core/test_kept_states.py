"""A state is kept if it comes back as it is; one that doesn't is loaded from its events."""

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from interlock._engine.reports import Reason, Source
from interlock._model.aggregate import Aggregate
from interlock._model.stamp import STAMP_KEY
from interlock._storage.codecs import Codec, JsonCodec, ZlibJsonCodec
from interlock.application.aggregates import (
    AlwaysCache,
    CacheWhen,
    Replay,
    SnapshotAfterN,
)
from interlock.errors import EventApplyError, StateNotKeptError
from interlock.routing import applies_event
from rig import (
    ID,
    Account,
    Cache,
    Deposited,
    Rig,
    Sharing,
    Snapshots,
    settled,
    unharmed,
)

EVERY = SnapshotAfterN(1)


class Line(BaseModel):
    sku: str = ""
    count: int = 0
    note: str = ""


class Lossy(Account):
    """Holds a tuple after an odd amount, and JSON has none."""

    type_name = "Account"
    revision = "1"

    pair: Any = None

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount
        self.pair = (event.amount,) if event.amount % 2 else [event.amount]


class Bounded(Account):
    """Its own record can't give it back once the balance is below zero."""

    type_name = "Account"
    revision = "1"

    balance: Annotated[int, Field(ge=0)] = 0


class Tangled(Account):
    """Holds the same line in a list and in an index, and leaves names unset."""

    type_name = "Account"
    revision = "1"

    lines: list[Line] = []
    by_sku: dict[str, Line] = {}

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount
        if not self.lines:
            self.lines.append(Line(sku="a"))  # what isn't assigned isn't dumped
            self.by_sku["a"] = self.lines[0]
        self.by_sku["a"].count += event.amount


class Locked(Account):
    """Holds what can't even be copied."""

    type_name = "Account"
    revision = "1"

    lock: Any = None

    @applies_event
    def apply_deposited(self, event: Deposited) -> None:
        self.balance += event.amount
        self.lock = threading.Lock()


async def test_what_would_be_lost_is_named_counted_and_not_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig(Lossy, snapshot_strategy=EVERY) as rig:
        with caplog.at_level(logging.WARNING, "interlock"):
            await rig.deposit(2, 1, 3)
        assert rig.cache.record is None
        assert list(rig.snapshots.records()) == [1]
        assert rig.app.counters()["cache.not_kept"] == 2
        assert rig.app.counters()["snapshot.not_kept"] == 2
        await rig.load()
        assert rig.misses == [
            (Source.CACHE, Reason.NOT_KEPT),
            (Source.SNAPSHOT, Reason.NOT_KEPT),
        ]
        assert rig.report.misses[0].detail == "$.pair: a tuple comes back as a list"
    assert len(caplog.messages) == 1
    assert "$.pair: a tuple comes back as a list" in caplog.messages[0]


async def test_the_type_is_not_condemned() -> None:
    async with Rig(Lossy, snapshot_strategy=EVERY) as rig:
        await rig.deposit(1, 2)
        assert rig.cache.found.version == 2
        assert list(rig.snapshots.records()) == [2]
        await rig.load()
        assert rig.misses == []
        rig.cache.evict()
        await rig.load()
        assert rig.misses == [(Source.CACHE, Reason.ABSENT)]


async def test_what_was_forgotten_has_no_reason() -> None:
    async with Rig(Lossy, snapshot_strategy=EVERY) as rig:
        await rig.deposit(1)
        await rig.forget()
        await rig.load()
        assert rig.misses == [(Source.CACHE, Reason.ABSENT), (Source.SNAPSHOT, Reason.ABSENT)]


async def test_an_entry_goes_when_the_next_state_cannot_be_kept() -> None:
    async with Rig(Lossy) as rig:
        await rig.deposit(2)
        assert rig.cache.found.version == 1
        await rig.deposit(1)
        assert rig.cache.record is None


async def test_loads_that_share_a_flight_do_not_hang_on_the_record() -> None:
    async with Rig(Bounded) as rig:
        rig.events.write(-5)
        gate = rig.events.hold("read")
        loads = [asyncio.create_task(rig.load()) for _ in range(2)]
        await gate.reached.wait()
        await settled()
        gate.opened.set()
        states = await asyncio.gather(*loads)
        assert [state.balance for state in states] == [-5, -5]
        assert states[0] is not states[1]
        assert rig.cache.record is None
        assert await rig.do(lambda account: account.balance) == -5


async def test_states_that_cannot_be_copied_are_loaded_for_each_caller() -> None:
    async with Rig(Locked) as rig:
        await rig.deposit(1, 2)
        gate = rig.events.hold("read")
        loads = [asyncio.create_task(rig.load()) for _ in range(3)]
        await gate.reached.wait()
        await settled()
        gate.opened.set()
        states = await asyncio.gather(*loads)
        assert [state.balance for state in states] == [3] * 3
        assert len({id(state) for state in states}) == 3
        first, second = [state async for state in rig.app.load_many(Locked, [ID, ID])]
        assert first.balance == second.balance == 3
        assert first is not second
        assert await rig.do(lambda account: account.balance) == 3


async def test_a_state_that_its_handler_was_given_is_kept_by_nobody() -> None:
    async with Rig(Locked) as rig:
        await rig.deposit(1)
        await rig.do(lambda account: setattr(account, "lock", None))
        assert rig.cache.record is None
        state = await rig.load()
        assert isinstance(state, Locked)
        assert state.lock is not None
        await rig.deposit(2)
        assert (await rig.load()).balance == 3
        assert "commit.fold_failed" not in rig.app.counters()


class TestDetails:
    """What JSON can't say comes along in the record."""

    @pytest.fixture(params=["cache", "snapshots", "plain cache", "plain snapshots"])
    def rig(self, request: pytest.FixtureRequest) -> Rig:
        all_options: dict[str, dict[str, Any]] = {
            "cache": {},
            "snapshots": {"snapshot_strategy": EVERY, "cache": Cache()},
            "plain cache": {"cache": Written()},
            "plain snapshots": {"snapshot_strategy": EVERY, "snapshots": Written()},
        }
        options = all_options[request.param]
        if "snapshots" in request.param:
            options["cache_strategy"] = CacheWhen(lambda _: False)
        return Rig(Tangled, **options)

    async def test_one_object_stays_one_and_what_is_unset_stays_so(self, rig: Rig) -> None:
        async with rig:
            await rig.deposit(1, 2)
            state = await rig.load()
            assert isinstance(state, Tangled)
            assert rig.report.baseline is not Source.EMPTY
            assert state.lines[0] is state.by_sku["a"]
            assert state.lines[0].count == 3
            replayed = await rig.load(freshness=Replay())
            for dumped in (state, replayed):
                lines = dumped.model_dump(exclude_unset=True)["lines"]
                assert lines == [{"sku": "a", "count": 3}]

    def test_the_stamp_has_them(self) -> None:
        state = Tangled(id=ID)
        state.lines.append(Line())
        state.by_sku["a"] = state.lines[0]
        back = Tangled.model_validate_json(state.model_dump_json())
        assert isinstance(back, Tangled)
        assert back.lines[0] is back.by_sku["a"]
        assert back.lines[0].model_fields_set == set()
        full = Account.model_validate(Account(id=ID).model_dump())
        assert "details" not in full.model_dump(mode="json")[STAMP_KEY]


class Written(Sharing):
    """A plain class that keeps JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[Any, str] = {}

    async def get_aggregate(self, aggregate_id: Any) -> Aggregate | None:
        text = self.written.get(aggregate_id)
        return None if text is None else Tangled.model_validate_json(text)

    async def set_aggregate(self, aggregate: Aggregate) -> None:
        self.written[aggregate.id] = aggregate.model_dump_json()

    async def load_snapshot(
        self, aggregate_id: Any, intended_version: int | None = None
    ) -> Aggregate | None:
        return await self.get_aggregate(aggregate_id)

    async def save_snapshot(self, aggregate: Aggregate) -> None:
        await self.set_aggregate(aggregate)


class Remembering(JsonCodec):
    """Keeps the very states, whatever they hold."""

    name = "remembering"

    def __init__(self) -> None:
        self._states: list[Aggregate] = []

    def encode(self, state: Aggregate) -> bytes:
        self._states.append(state.model_copy(deep=True))
        return str(len(self._states) - 1).encode()

    def decode(self, aggregate_type: type[Any], payload: bytes) -> Any:
        copy = self._states[int(payload)].model_copy(deep=True)
        copy.__pydantic_fields_set__.update(aggregate_type.model_fields)
        return copy


class RememberingOnly:
    """The same as a codec that isn't JSON."""

    name = "remembering"

    def __init__(self) -> None:
        codec = Remembering()
        self.encode, self.decode = codec.encode, codec.decode


@pytest.mark.parametrize("codec", [Remembering, RememberingOnly])
async def test_a_plain_class_gets_nothing_that_its_json_would_lose(
    codec: Callable[[], Codec],
) -> None:
    for cache, is_kept in ((Cache(), True), (Sharing(), False)):
        async with Rig(Lossy, cache=cache, codec=codec()) as rig:
            await rig.deposit(1)
            assert rig.app.counters().get("cache.not_kept", 0) == (0 if is_kept else 1)


async def test_a_codec_that_loses_something_is_found_out() -> None:
    class Forgetful(JsonCodec):
        name = "forgetful"

        def decode(self, aggregate_type: type[Any], payload: bytes) -> Any:
            state = super().decode(aggregate_type, payload)
            state.balance = min(state.balance, 10)
            return state

    async with Rig(codec=Forgetful()) as rig:
        await rig.deposit(11)
        assert rig.cache.record is None
        assert rig.app.counters()["cache.not_kept"] == 1


async def test_a_state_that_a_codec_finds_too_large_is_said_to_be() -> None:
    large = Deposited(amount=1, marks=["x" * 100])
    async with Rig(codec=ZlibJsonCodec(max_bytes=100), snapshot_strategy=EVERY) as rig:
        with unharmed("what is too large failed a command or a load"):
            await rig.do(lambda account: account.emit(large))
            await rig.load()
        assert rig.misses[0] == (Source.CACHE, Reason.TOO_LARGE)
        assert rig.app.counters()["snapshot.failed"] > 0


@pytest.mark.parametrize("method", ["encode", "decode"])
async def test_what_a_codec_says_of_values_is_not_repeated(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Talkative(JsonCodec):
        name = "talkative"

    def fail(*_: object) -> None:
        raise ValueError("the card is 4111")

    codec = Talkative()
    async with Rig(codec=codec) as rig:
        setattr(codec, method, fail)
        await rig.deposit(1)
        await rig.load()
        assert rig.misses[0] == (Source.CACHE, Reason.NOT_KEPT)
        assert "ValueError" in rig.report.misses[0].detail
    assert "4111" not in rig.report.misses[0].detail + caplog.text


async def test_what_a_plain_class_gives_back_and_was_not_given_is_no_state() -> None:
    plain = Sharing()
    async with Rig(Lossy, cache=plain) as rig:
        await rig.deposit(2)
        kept = plain.kept[ID]
        assert isinstance(kept, Lossy)
        kept.pair = (1,)
        with unharmed("what the class gave back failed a load"):
            state = await rig.load()
        assert isinstance(state, Lossy)
        assert state.pair == [2]
        assert rig.misses[0] == (Source.CACHE, Reason.UNUSABLE)


class TestCachedProperties:
    """They are no state: nobody meets one from before an event."""

    class Sums(Account):
        """Looks at its cached property wherever it can."""

        type_name = "Account"
        revision = "1"
        seen: list[int] = []

        @cached_property
        def doubled(self) -> int:
            return self.balance * 2

        @cached_property
        def place(self) -> int:
            return self.version

        @applies_event
        def apply_deposited(self, event: Deposited) -> None:
            self.seen.append(self.doubled)
            self.marks.append(f"{self.place}")
            self.balance += event.amount

    class Looking(Sums):
        """Looks at it as soon as it is decoded."""

        type_name = "Account"
        revision = "1"

        def model_post_init(self, _: Any, /) -> None:
            assert self.doubled == self.balance * 2

    async def test_appliers_and_handlers_compute_it_anew(self) -> None:
        wanted = [0, 2, 6]
        looks = CacheWhen(lambda moment: getattr(moment.state, "doubled", 0) >= 0)
        registrations: list[dict[str, Any]] = [{}, {"cache_strategy": looks}]
        for options in registrations:
            async with Rig(self.Sums, **options) as rig:
                await rig.deposit(1, 2, 3)
                state = await rig.load()
                assert isinstance(state, self.Sums)
                assert state.seen == wanted
                replayed = await rig.load(freshness=Replay())
                assert isinstance(replayed, self.Sums)
                assert replayed.doubled == 12
                assert await rig.do(lambda account: account.doubled) == 12
                assert rig.cache.found.version == 3

    async def test_what_a_handler_looked_at_is_computed_anew_for_the_event(self) -> None:
        def look_and_emit(account: Any) -> list[str]:
            assert account.place == account.version
            account.emit(Deposited(amount=1))
            assert account.doubled == 2
            assert account.place == 1
            return list(account.marks)

        async with Rig(self.Sums) as rig:
            assert await rig.do(look_and_emit) == ["1"]

    async def test_a_handler_does_not_see_whether_its_state_was_decoded(self) -> None:
        async with Rig(self.Looking) as rig:
            seen = []
            for _ in range(2):
                seen.append(await rig.do(lambda account: "doubled" in vars(account)))
                await rig.deposit(1)
            assert seen == [False, False]

    async def test_a_state_that_was_kept_is_handed_out_without_them(self) -> None:
        looks = CacheWhen(lambda moment: getattr(moment.state, "doubled", 0) >= 0)
        async with Rig(self.Sums, cache_strategy=looks) as rig:
            rig.events.write(1)
            state = await rig.load()
            assert rig.cache.found.version == 1
            assert "doubled" not in vars(state)


async def test_a_snapshot_that_is_asked_for_and_cannot_be_kept_is_left_out() -> None:
    async with Rig(Lossy, snapshot_strategy=SnapshotAfterN(10)) as rig:
        rig.events.write(2, 1, 4)
        with unharmed("a state that can't be kept stopped the rebuild"):
            assert await rig.app.rebuild_snapshots(Lossy, [ID], every=1) == 2
        assert sorted(rig.snapshots.records()) == [1, 3]
        assert rig.app.counters()["snapshot.not_kept"] == 1


async def test_who_sets_a_state_by_hand_is_told() -> None:
    snapshots = Snapshots()
    async with Rig(Lossy, snapshots=snapshots) as rig:
        await rig.deposit(1)
        state = await rig.load()
        assert isinstance(state, Lossy)
        bound = snapshots.bind(rig.app._services[Lossy].context.registration.mapper)
        with pytest.raises(StateNotKeptError, match=r"\$\.pair: a tuple comes back as a list"):
            await bound.save_snapshot(state)


@pytest.mark.parametrize("cache_strategy", [AlwaysCache()])
async def test_an_event_that_loses_something_is_not_recorded(cache_strategy: AlwaysCache) -> None:
    class Noted(BaseModel):
        note: Any = None

    class Book(Account):
        type_name = "Account"
        notes: list[Any] = []

        @applies_event
        def apply_noted(self, event: Noted) -> None:
            self.notes.append(event.note)

    async with Rig(Book, cache_strategy=cache_strategy) as rig:
        name = "ann"
        with pytest.raises(EventApplyError) as caught:
            await rig.do(lambda book: book.emit(Noted(note=(name,))))
        assert "$.note: a tuple comes back as a list" in str(caught.value)
        assert name not in str(caught.value)
        with pytest.raises(EventApplyError, match=r"doesn't survive its JSON \(\$\.note: "):
            await rig.do(lambda book: book.emit(Noted(note=object())))
        await rig.do(lambda book: book.emit(Noted(note=[name])))
        assert len(rig.events.rows()) == 1


async def test_what_pydantic_would_warn_of_is_told_by_its_path_and_without_its_value() -> None:
    class Numbered(BaseModel):
        numbers: tuple[int, ...] = ()

    class Sheet(Account):
        type_name = "Account"
        numbers: tuple[int, ...] = ()

        @applies_event
        def apply_numbered(self, event: Numbered) -> None:
            self.numbers = [*event.numbers]  # type: ignore[assignment] # it is what is wrong

    async with Rig(Sheet) as rig:
        event = Numbered.model_construct(numbers=[4111])  # type: ignore[arg-type] # as above
        with pytest.raises(EventApplyError, match=r"\$\.numbers: a list comes back as a tuple"):
            await rig.do(lambda sheet: sheet.emit(event))
        await rig.do(lambda sheet: sheet.emit(Numbered(numbers=(4111,))))
        await rig.load()
        assert rig.report.misses[0].detail == "$.numbers: a list comes back as a tuple"
