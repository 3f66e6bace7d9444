"""`interlock advise`: snapshots and a cache, from the streams and what loads cost here."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from interlock._app.application import Application
from interlock._engine.registration import Registration
from interlock._model.strategies import NeverSnapshot, SnapshotAfterN
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.costs import ROUND, Costs, costs_of
from interlock.cli.growth import growth_line
from interlock.cli.long_work import ANEW, AtOnce, Rate
from interlock.cli.operating import AppName, operate, print_json, registered
from interlock.cli.screen import counted, tell
from interlock.cli.streams import Stats, stats_of
from interlock.errors import ConfigurationError

_MILLISECOND = 1e-3
_DAYS = 7
"""So long back it is counted how many events are stored."""
_WORTH = 1.5
"""So many times as fast a cache has to make a load."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is advised for a type; `n` is None where its streams are too short for snapshots.

    `now` and `then` are the seconds of a mean load of the longest stream without a cache, as it is
    configured and with the snapshots that are advised. `cache` says whether a cache in the process
    is worth it besides. `measured` is the version of the stream that costs are of.
    """

    stats: Stats
    costs: Costs
    n: int | None
    now: float
    then: float
    cache: bool
    measured: int


def advise(
    type_name: Annotated[
        str | None,
        typer.Argument(metavar="TYPE", help="The stored name of a type; else all of them."),
    ] = None,
    *,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw what a load costs against n, as SVG."),
    ] = None,
    concurrency: AtOnce = 8,
    rate: Rate = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say which snapshots and cache pay.

    It counts the streams and how they grow, and measures loads of the longest one on this machine
    that isn't archived: nothing is written. The advice is TOML to paste.
    """

    async def advised(application: Application) -> tuple[list[Advice], list[Stats]]:
        counts = await stats_of(application, type_name, at_once=concurrency, rate=rate, days=_DAYS)
        found, archived = await _advised(application, counts)
        if plot is not None and len(found) != 1:
            raise ConfigurationError("--plot draws one type; name one that has streams")
        return found, archived

    found, archived = operate(app, config, advised, as_json=as_json, when_stopped=ANEW)
    if plot is not None:
        plot.write_text(_drawn(found[0]), encoding="utf-8")
    if as_json:
        print_json([{**asdict(each), "stats": each.stats.as_json()} for each in found])
        return
    for each in found:
        for line in _lines(each):
            tell(line)
    for stats in archived:
        tell(_unmeasured(stats))
    if not found and not archived:
        typer.echo("no type has a stream")


async def _advised(
    application: Application, counts: Sequence[Stats]
) -> tuple[list[Advice], list[Stats]]:
    """The advice for each type, and the types whose streams can't be measured."""
    found, archived = [], []
    for stats in counts:
        registration = registered(application, stats.type)
        costs = await costs_of(application, registration, stats.longest_ids)
        if costs is not None:
            found.append(_advice(registration, stats, *costs))
        elif stats.streams:
            archived.append(stats)
    return found, archived


def _advice(registration: Registration, stats: Stats, costs: Costs, measured: int) -> Advice:
    strategy, n = registration.snapshot_strategy, costs.n
    is_worth_it = stats.longest > 2 * n
    now = costs.load(0)
    if isinstance(strategy, SnapshotAfterN):
        now = _longest_load(costs, strategy.n, stats.longest)
    elif isinstance(strategy, NeverSnapshot):
        now = costs.load(stats.longest)
    then = costs.mean_load(n) if is_worth_it else costs.load(stats.longest)
    cache = then >= _WORTH * costs.cached
    return Advice(stats, costs, n if is_worth_it else None, now, then, cache, measured)


def _longest_load(costs: Costs, n: int, longest: int) -> float:
    """A mean load of the longest stream, which has no snapshot if it is shorter than n."""
    return costs.mean_load(n) if n <= longest else costs.load(longest)


def _unmeasured(stats: Stats) -> str:
    return (
        f"{stats.type}: its {counted(len(stats.longest_ids), 'longest stream')} can't be replayed, "
        "since the first events are archived or deleted: nothing can be measured"
    )


def _lines(of: Advice) -> Iterator[str]:
    stats, costs = of.stats, of.costs
    yield (
        f"{stats.type}: {counted(stats.streams, 'stream')}; half have at most "
        f"{counted(stats.median, 'event')}, 95 % at most {stats.p95:,}, "
        f"the longest {stats.longest:,}"
    )
    if stats.growth is not None:
        yield growth_line(stats.growth, stats.streams)
    yield f"  a load takes {_told(costs.alone)}, and {_told(costs.each)} for each event it folds"
    if of.measured < stats.longest:
        yield f"  measured on a stream of {of.measured:,}, since longer ones are archived"
    if of.n is None:
        yield "  so short streams need no snapshots"
    yield from _table(of)
    if of.n is not None or of.cache:
        yield f"[aggregates.{stats.type}]"
    if of.n is not None:
        yield f'snapshot_strategy = {{ use = "after-n", n = {of.n} }}'
    if of.cache:
        yield 'cache_strategy = "always"'
        yield 'cache_backend = "memory-cache"'
        yield 'freshness = "fast-forward"'


def _table(of: Advice) -> Iterator[str]:
    """What a mean load of the longest stream costs."""
    yield "  a mean load of the longest takes"
    rows = [("as it is configured, without a cache", of.now)]
    if of.n is not None:
        rows.append(("with the snapshots below", of.then))
    rows.append(("and with the cache" if of.cache else "with a cache", of.costs.cached))
    for name, seconds in rows:
        faster = of.now / (seconds or of.now)
        yield f"    {name:<36} {_told(seconds):>10}  {faster:>7,.1f}x as fast"
    if of.n is not None and of.stats.growth is not None:
        yield f"  at most {of.stats.growth.a_day / of.n:,.1f} snapshots a day are written"


def _told(seconds: float) -> str:
    if seconds >= _MILLISECOND:
        return f"{seconds * 1e3:,.1f} ms"
    return f"{seconds * 1e6:,.1f} us"


def _drawn(of: Advice) -> str:
    """A plot of what a mean load of the longest stream costs against `n`, both logarithmic."""
    ns = ROUND
    costs = [_longest_load(of.costs, n, of.stats.longest) * 1e3 for n in ns]
    points = " ".join(
        f"{_place(n, ns, 60, 580):.0f},{_place(cost, costs, 280, 40):.0f}"
        for n, cost in zip(ns, costs, strict=True)
    )
    marked = of.costs.n
    labels = [
        f'<text x="{_place(n, ns, 60, 580):.0f}" y="305" text-anchor="middle">{n:,}</text>'
        for n in ns[::3]
    ]
    labels += [
        f'<text x="55" y="{_place(cost, costs, 280, 40):.0f}" text-anchor="end">{cost:.2f}</text>'
        for cost in (costs[0], costs[-1])
    ]
    x = _place(marked, ns, 60, 580)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 340"
 font-family="sans-serif" font-size="12">
<rect width="640" height="340" fill="white"/>
<text x="60" y="24">{of.stats.type}: milliseconds of a mean load, by n</text>
<line x1="{x:.0f}" x2="{x:.0f}" y1="40" y2="280" stroke="#999" stroke-dasharray="4"/>
<text x="{x + 4:.0f}" y="52">n = {marked:,}</text>
<polyline fill="none" stroke="#2563eb" stroke-width="2" points="{points}"/>
<path fill="none" stroke="#333" d="M60 40V280H580"/>
{"".join(labels)}
<text x="320" y="330" text-anchor="middle">n of after-n</text>
</svg>
"""


def _place(value: float, among: Sequence[float], low: float, high: float) -> float:
    """Where a value stands on a logarithmic axis from the least to the greatest."""
    least, greatest = math.log(min(among)), math.log(max(among))
    return low + (math.log(value) - least) / ((greatest - least) or 1.0) * (high - low)
