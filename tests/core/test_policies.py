"""Strategies decide on a moment, and on nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from interlock._model.aggregate import Aggregate
from interlock._model.strategies import (
    AllOf,
    AlwaysCache,
    AnyOf,
    CacheAfterVersion,
    CacheMoment,
    CacheWhen,
    MaxAge,
    NeverCache,
    NeverSnapshot,
    SnapshotAfterN,
    SnapshotAfterTime,
    SnapshotMoment,
    SnapshotOnEvent,
    SnapshotWhen,
    SnapshotWhenReplayed,
)
from interlock.errors import ConfigurationError

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Closed(BaseModel):
    pass


def moment(
    version: int = 10,
    before: int | None = None,
    *,
    folded: int = 0,
    names: tuple[str, ...] = ("Deposited",),
    since_anchor: timedelta = timedelta(0),
    is_commit: bool = True,
) -> SnapshotMoment:
    return SnapshotMoment(
        state=Aggregate(),
        version_before=version - len(names) if before is None else before,
        version=version,
        event_names=names if is_commit else (),
        events_folded=folded,
        last_event_at=NOW,
        anchor_at=NOW - since_anchor,
        is_commit=is_commit,
    )


def cache_moment(version: int) -> CacheMoment:
    return CacheMoment(Aggregate(), version, version, (), 0, NOW, is_commit=False)


def test_after_n_takes_each_multiple_once() -> None:
    strategy = SnapshotAfterN(100)
    due = [v for v in range(1, 401) if strategy.should_snapshot(moment(v, v - 1))]
    assert due == [100, 200, 300, 400]


def test_after_n_is_due_when_a_commit_steps_over_a_multiple() -> None:
    strategy = SnapshotAfterN(50)
    due = [v for v in range(6, 602, 6) if strategy.should_snapshot(moment(v, v - 6))]
    assert due == [54, 102, 150, 204, 252, 300, 354, 402, 450, 504, 552, 600]


def test_after_n_makes_good_what_was_missed_on_the_next_commit() -> None:
    strategy = SnapshotAfterN(100)
    assert strategy.should_snapshot(moment(251, 250, folded=100))
    assert not strategy.should_snapshot(moment(251, 250, folded=99))


def test_after_n_and_after_time_and_on_event_leave_reads_alone() -> None:
    read = moment(100, 100, folded=500, since_anchor=timedelta(days=1), is_commit=False)
    assert not SnapshotAfterN(100).should_snapshot(read)
    assert not SnapshotAfterTime(timedelta(hours=1)).should_snapshot(read)
    assert not SnapshotOnEvent("Deposited").should_snapshot(read)
    assert SnapshotWhenReplayed(500).should_snapshot(read)
    assert not SnapshotWhenReplayed(501).should_snapshot(read)


def test_after_time_measures_event_times_from_the_anchor() -> None:
    strategy = SnapshotAfterTime(timedelta(hours=1))
    assert strategy.should_snapshot(moment(since_anchor=timedelta(hours=1, seconds=1)))
    assert not strategy.should_snapshot(moment(since_anchor=timedelta(hours=1)))


def test_on_event_takes_classes_and_names() -> None:
    strategy = SnapshotOnEvent(Closed, "Merged")
    assert strategy.should_snapshot(moment(names=("Deposited", "Closed")))
    assert strategy.should_snapshot(moment(names=("Merged",)))
    assert not strategy.should_snapshot(moment(names=("Deposited",)))


def test_combinations() -> None:
    yes, no = SnapshotWhen(lambda _: True), NeverSnapshot()
    assert AnyOf(no, yes).should_snapshot(moment())
    assert not AnyOf(no, no).should_snapshot(moment())
    assert AllOf(yes, yes).should_snapshot(moment())
    assert not AllOf(yes, no).should_snapshot(moment())


def test_cache_strategies() -> None:
    assert AlwaysCache().should_cache(cache_moment(1))
    assert not NeverCache().should_cache(cache_moment(1))
    assert CacheAfterVersion(5).should_cache(cache_moment(5))
    assert not CacheAfterVersion(5).should_cache(cache_moment(4))
    assert CacheWhen(lambda m: m.version == 3).should_cache(cache_moment(3))


@pytest.mark.parametrize("make", [SnapshotAfterN, SnapshotWhenReplayed, CacheAfterVersion])
@pytest.mark.parametrize("value", [0, -1, 1.5, "3", True, None])
def test_counts_below_one_are_refused(make: Any, value: object) -> None:
    with pytest.raises(ConfigurationError, match="wanted an integer from 1"):
        make(value)


@pytest.mark.parametrize("make", [SnapshotAfterTime, MaxAge])
@pytest.mark.parametrize("value", [timedelta(0), timedelta(seconds=-1), 5, None])
def test_durations_of_nothing_are_refused(make: Any, value: object) -> None:
    with pytest.raises(ConfigurationError, match="wanted a timedelta above 0"):
        make(value)


@pytest.mark.parametrize("make", [AnyOf, AllOf, SnapshotOnEvent])
def test_combinations_of_nothing_are_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError, match="or more, found none"):
        make()
    if make is not SnapshotOnEvent:
        with pytest.raises(ConfigurationError, match="is no snapshot strategy"):
            make(AlwaysCache())
