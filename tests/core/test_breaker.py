"""A circuit breaker opens after failures, lets the store rest, and closes after a probe."""

from datetime import timedelta

import pytest

from interlock._engine.guard import call_through
from interlock._storage.breaker import Breaker, StoreRestsError
from interlock.errors import RecordTooLargeError
from virtual_time import in_virtual_time, pass_by

_ERROR = "the read failed: reset"


class Observed(Breaker):
    """Notes what it reports."""

    def __init__(self, *, failures: int = 3, rest_max: float = 30) -> None:
        self.told: list[tuple[str, str]] = []
        super().__init__(
            "Redis",
            failures=failures,
            rest_max=timedelta(seconds=rest_max),
            report=lambda change, text: self.told.append((change, text)),
        )

    @property
    def changes(self) -> list[str]:
        return [change for change, _ in self.told]

    def fail(self, times: int = 1, *, seconds: float = 0.01) -> None:
        for _ in range(times):
            self.failed(self.admit(), _ERROR, seconds)

    def refuses(self) -> bool:
        try:
            self.given_up(self.admit())
        except StoreRestsError:
            return True
        return False


@in_virtual_time
async def test_it_opens_after_failures_in_a_row() -> None:
    breaker = Observed()
    breaker.fail(2)
    breaker.answered(breaker.admit())
    for _ in range(2):
        breaker.fail()
        assert not breaker.refuses()
    breaker.fail()
    assert breaker.refuses()
    assert breaker.changes == ["opened"]


@in_virtual_time
async def test_a_call_that_was_given_up_counts_for_nothing() -> None:
    breaker = Observed()
    breaker.fail(2)
    breaker.given_up(breaker.admit())
    assert not breaker.refuses()
    breaker.fail()
    assert breaker.refuses()


@pytest.mark.parametrize(
    ("seconds", "rest"), [(0.0, 0.1), (0.001, 0.3), (0.02, 6), (1, 30)], ids=str
)
@in_virtual_time
async def test_the_rest_is_a_multiple_of_what_the_failures_cost(
    seconds: float, rest: float
) -> None:
    breaker = Observed()
    breaker.fail(3, seconds=seconds)
    await pass_by(rest - 0.01)
    assert breaker.refuses()
    await pass_by(0.02)
    assert not breaker.refuses()


@in_virtual_time
async def test_one_probe_passes_at_a_time() -> None:
    breaker = Observed()
    breaker.fail(3)
    await pass_by(3.1)
    probe = breaker.admit()
    assert breaker.refuses()
    breaker.failed(probe, _ERROR, 0.02)
    await pass_by(1.9)
    assert breaker.refuses()
    await pass_by(0.2)
    breaker.answered(breaker.admit())
    assert not breaker.refuses()
    assert breaker.changes == ["opened", "rests", "closed"]
    assert breaker.told[-1][1] == "Redis answers again, after 5.2 s; calls skipped: 2"


@in_virtual_time
async def test_a_probe_that_is_given_up_leaves_room_for_the_next() -> None:
    breaker = Observed()
    breaker.fail(3)
    await pass_by(3.1)
    breaker.given_up(breaker.admit())
    assert not breaker.refuses()
    assert breaker.changes == ["opened"]


@in_virtual_time
async def test_calls_from_before_it_opened_count_no_more() -> None:
    breaker = Observed()
    late = [breaker.admit() for _ in range(4)]
    breaker.fail(3)
    breaker.answered(late[0])
    assert breaker.refuses()
    await pass_by(3.1)
    probe = breaker.admit()
    breaker.given_up(late[1])
    breaker.failed(late[2], _ERROR, 100)
    breaker.answered(late[3])
    assert breaker.refuses()
    breaker.answered(probe)
    assert breaker.changes == ["opened", "closed"]
    breaker.fail(2)
    assert not breaker.refuses()


@in_virtual_time
async def test_a_refusal_says_since_when_for_how_long_and_why() -> None:
    breaker = Observed()
    breaker.fail(3)
    await pass_by(1)
    with pytest.raises(StoreRestsError) as refused:
        breaker.admit()
    assert str(refused.value) == (
        "Redis isn't asked: down for 1.0 s, and it is tried again in 2.0 s; the last error: "
        "the read failed: reset"
    )
    await pass_by(2.1)
    breaker.admit()
    with pytest.raises(StoreRestsError, match="and a call that tries it is under way"):
        breaker.admit()


def test_in_another_loop_it_is_closed() -> None:
    breaker = Observed()

    @in_virtual_time
    async def first() -> None:
        breaker.fail(3)
        assert breaker.refuses()

    @in_virtual_time
    async def second() -> None:
        assert not breaker.refuses()

    first()
    second()


@in_virtual_time
async def test_an_error_about_one_record_is_an_answer() -> None:
    breaker = Observed()

    async def too_large() -> None:
        await pass_by(1)
        raise RecordTooLargeError("2 MiB, the limit is 1 MiB")

    for _ in range(3):
        with pytest.raises(RecordTooLargeError):
            await call_through(breaker, None, too_large)
    assert not breaker.refuses()
    breaker.fail(3)
    await pass_by(3.1)
    with pytest.raises(RecordTooLargeError):
        await call_through(breaker, None, too_large)
    assert breaker.changes == ["opened", "closed"]
