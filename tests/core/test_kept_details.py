"""The details beside a state's JSON are kept with it."""

from functools import cached_property
from typing import Any

import pytest

from interlock._engine.reports import Source
from interlock._model.aggregate import Aggregate
from interlock._model.stamp import STAMP_KEY
from interlock.application.aggregates import (
    CacheWhen,
    Replay,
)
from interlock.routing import applies_event
from kept_classes import EVERY, Line, Tangled
from rig import Rig
from rig_domain import ID, Account, Deposited
from rig_stores import Cache, Sharing


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
