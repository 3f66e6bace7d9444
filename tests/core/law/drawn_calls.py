"""The calls and commands of the law, as Hypothesis draws them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from interlock.application.aggregates import (
    FastForward,
    MaxAge,
    Replay,
    Trust,
)
from interlock.domain import Aggregate, Command
from law import badge, domain
from law.calls import (
    IDS,
    Dispatch,
    Events,
    Forget,
    Load,
    LoadMany,
    Outside,
    Subject,
)

AWKWARD = ("", "a", "b", "nul\0nul", '"quoted\\', "é \U0001f680", "\u2028line", " ")
words = st.sampled_from(AWKWARD)
ids = st.sampled_from((*[IDS[0]] * 5, IDS[1]))
decimals = st.sampled_from(
    [Decimal(text) for text in ("0", "1.10", "2.50", "1E+2", "-1", "-0.05", "1e-9", "12345678901")]
)
moments = st.builds(
    lambda zone, second: datetime(2030, 3, 31, 1, 30, second, second, tzinfo=zone),
    st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-8))]),
    st.integers(0, 59),
)
payments = st.one_of(
    st.builds(domain.Card, number=words),
    st.builds(domain.Cash, coins=st.lists(st.integers(-1, 2), max_size=2).map(tuple)),
)
posting: dict[str, st.SearchStrategy[Any]] = {
    "aggregate_id": ids,
    "text": words,
    "amount": decimals,
    "payment": payments,
    "reference": st.one_of(st.none(), st.integers(0, 3), words),
    "times": st.integers(1, 4),
}
ledger_commands = st.one_of(
    st.builds(domain.Post, **posting),
    st.builds(domain.PostLater, **posting, turns=st.integers(1, 4)),
    st.builds(domain.Tag, aggregate_id=ids, tags=st.lists(words, max_size=3)),
    st.builds(domain.Meddle, aggregate_id=ids, keeps=st.booleans()),
    st.builds(domain.Describe, aggregate_id=ids, turns=st.integers(0, 3), raises=st.booleans()),
    st.one_of(
        st.builds(domain.Open, aggregate_id=ids, owner=words, at=moments),
        st.builds(domain.PostOnce, **posting),
        st.builds(domain.PostAndRaise, aggregate_id=ids, text=words),
        st.builds(domain.Poison, aggregate_id=ids, text=words),
    ),
)
medals = st.builds(badge.Medal, name=words, weight=decimals, kind=st.sampled_from(["gold", "tin"]))
badge_commands = st.one_of(
    st.builds(badge.Award, aggregate_id=ids, medal=medals, points=st.integers(0, 5), until=moments),
    st.builds(badge.Spend, aggregate_id=ids, points=st.integers(1, 4), at_once=st.integers(1, 3)),
    st.builds(badge.Show, aggregate_id=ids, raises=st.booleans()),
)
questions = st.one_of(
    st.builds(domain.Describe, aggregate_id=ids, turns=st.integers(0, 3), raises=st.booleans()),
    st.builds(domain.Meddle, aggregate_id=ids, keeps=st.booleans()),
    st.builds(badge.Show, aggregate_id=ids, raises=st.booleans()),
)
commands = st.one_of(ledger_commands, ledger_commands, badge_commands)
writing_ledger = st.one_of(
    st.builds(domain.Post, **posting),
    st.builds(domain.Tag, aggregate_id=ids, tags=st.lists(words, max_size=2)),
)
writing_badge = st.builds(
    badge.Award, aggregate_id=ids, medal=medals, points=st.integers(0, 5), until=moments
)
writing = st.one_of(writing_ledger, writing_ledger, writing_badge)
writing_of: dict[type[Aggregate], st.SearchStrategy[Command[Any]]] = {
    domain.Ledger: writing_ledger,
    badge.Badge: writing_badge,
}
question_of: dict[type[Aggregate], Callable[..., Command[Any]]] = {
    domain.Ledger: domain.Describe,
    badge.Badge: badge.Show,
}
types: list[type[Aggregate]] = [domain.Ledger, domain.Ledger, domain.Ledger, badge.Badge]
subjects: st.SearchStrategy[Subject] = st.tuples(st.sampled_from(types), ids)
freshnesses = st.sampled_from(
    [
        Trust(),
        Trust(),
        MaxAge(timedelta(seconds=10)),
        MaxAge(timedelta(seconds=10)),
        MaxAge(timedelta(seconds=100)),
        FastForward(),
        FastForward(),
        Replay(),
    ]
)
processes = st.integers(0, 1)
dispatches = st.builds(Dispatch, processes, commands)
loads = st.one_of(
    st.builds(Load, processes, subjects, st.one_of(st.none(), freshnesses)),
    st.builds(Load, processes, subjects, freshnesses),
    st.builds(Load, processes, subjects, st.none(), st.integers(-1, 6)),
)
many = st.builds(
    LoadMany,
    processes,
    st.sampled_from(types),
    st.lists(ids, min_size=2, max_size=4).map(tuple),
    st.one_of(st.none(), freshnesses),
)
calls = st.one_of(
    dispatches,
    loads,
    dispatches,
    st.one_of(loads, many),
    st.one_of(st.builds(Events, processes, subjects), st.builds(Forget, processes, subjects)),
)
outside = st.builds(Outside, st.lists(writing, min_size=1, max_size=2).map(tuple))
