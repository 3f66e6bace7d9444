"""`interlock advise`: the `n` for `SnapshotAfterN`, from the streams and what loads cost here."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated
from uuid import UUID

import typer

from interlock._app.application import Application
from interlock._engine.registration import Registration
from interlock._model.strategies import Freshness, NeverSnapshot, Replay, SnapshotAfterN
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.long_work import ANEW
from interlock.cli.operating import AppName, operate, print_json, registered
from interlock.cli.screen import counted, tell
from interlock.cli.streams import Stats, stats_of
from interlock.errors import ConfigurationError

_TIMES = 9
"""So often each load is measured; the median counts."""
_FEW = 20
"""Events of a short tail."""
_MILLISECOND = 1e-3
_LEAST = 1e-9  # seconds: a clock that saw nothing
_ROUND: Sequence[int] = [step * 10**power for power in range(1, 6) for step in (1, 2, 5)]


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of a load that begins with a snapshot, and of each event that it folds onto it."""

    alone: float
    each: float

    def load(self, events: float) -> float:
        """Seconds of a load that folds so many events."""
        return self.alone + events * self.each

    @property
    def n(self) -> int:
        """The `n` from which on folding costs more than all the rest, as a round number.

        Below it a load gains next to nothing, and snapshots are written all the more often.
        """
        ratio = self.alone / self.each
        return min(_ROUND, key=lambda step: abs(math.log(step / ratio)))


@dataclass(frozen=True, slots=True)
class Advice:
    """What is advised for a type; `n` is None where its streams are too short for snapshots.

    `now` and `then` are the seconds of a mean load of the longest stream without a cache, as it is
    configured and as it is advised.
    """

    stats: Stats
    costs: Costs
    n: int | None
    now: float
    then: float


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
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say how often snapshots are worth their while.

    It counts the streams, and measures loads of the longest one on this machine: nothing is
    written. The advice is TOML to paste.
    """

    async def advised(application: Application) -> list[Advice]:
        found = []
        for stats in await stats_of(application, type_name):
            if stats.longest_id is not None:
                registration = registered(application, stats.type)
                costs = await _costs(application, registration, stats.longest_id, stats.longest)
                found.append(_advice(registration, stats, costs))
        if plot is not None and len(found) != 1:
            raise ConfigurationError("--plot draws one type; name one that has streams")
        return found

    found = operate(app, config, advised, as_json=as_json, when_stopped=ANEW)
    if plot is not None:
        plot.write_text(_drawn(found[0]), encoding="utf-8")
    if as_json:
        print_json([{**asdict(each), "stats": each.stats.as_json()} for each in found])
        return
    for each in found:
        for line in _lines(each):
            tell(line)
    if not found:
        typer.echo("no type has a stream")


async def _costs(
    application: Application, registration: Registration, aggregate_id: UUID, version: int
) -> Costs:
    """Measure loads with and without a tail.

    A tail costs a read, however short it is; that of a few events says how much. Where the stream
    has no snapshot, one is taken to cost a read as short as the first event's, and the decoding of
    the state.
    """
    cls, mapper = registration.aggregate_type, registration.mapper

    async def seconds(version: int, freshness: Freshness | None = None) -> float:
        spent = []
        for _ in range(_TIMES):
            began = perf_counter()
            await application.explain(cls, aggregate_id, version=version, freshness=freshness)
            spent.append(perf_counter() - began)
        return median(spent)

    first = await seconds(1, Replay())
    each = (await seconds(version, Replay()) - first) / (version - 1) if version > 1 else first
    few = min(version, _FEW)
    tail = max(first, await seconds(few, Replay()) - few * each)
    with suppress(ConfigurationError):  # it keeps none
        for kept in await application.snapshots(cls, aggregate_id):
            if kept.problem is None and kept.version is not None:
                return Costs(await seconds(kept.version) + tail, max(each, _LEAST))
    payload = mapper.encode(await application.load(cls, aggregate_id))
    decoding = []
    for _ in range(_TIMES):
        began = perf_counter()
        mapper.codec.decode(cls, payload)
        decoding.append(perf_counter() - began)
    return Costs(first + median(decoding) + tail, max(each, _LEAST))


def _advice(registration: Registration, stats: Stats, costs: Costs) -> Advice:
    strategy, n = registration.snapshot_strategy, costs.n
    is_worth_it = stats.longest > 2 * n
    now = min(strategy.n, stats.longest) / 2 if isinstance(strategy, SnapshotAfterN) else 0
    if isinstance(strategy, NeverSnapshot):
        now = stats.longest
    then = n / 2 if is_worth_it else stats.longest
    return Advice(stats, costs, n if is_worth_it else None, costs.load(now), costs.load(then))


def _lines(of: Advice) -> Iterator[str]:
    stats, costs = of.stats, of.costs
    yield (
        f"{stats.type}: {counted(stats.streams, 'stream')}; half have at most "
        f"{counted(stats.median, 'event')}, 95 % at most {stats.p95:,}, "
        f"the longest {stats.longest:,}"
    )
    yield f"  a load takes {_told(costs.alone)}, and {_told(costs.each)} for each event it folds"
    if of.n is None:
        yield f"  so short streams need no snapshots: the longest loads in {_told(of.then)}"
        return
    yield (
        f"  a load of the longest takes {_told(of.now)} as it is configured, and with this "
        f"{_told(of.then)}, on average:"
    )
    yield f"[aggregates.{stats.type}]"
    yield f'snapshot_strategy = {{ use = "after-n", n = {of.n} }}'


def _told(seconds: float) -> str:
    if seconds >= _MILLISECOND:
        return f"{seconds * 1e3:,.1f} ms"
    return f"{seconds * 1e6:,.1f} us"


def _drawn(of: Advice) -> str:
    """A plot of what a mean load of the longest stream costs against `n`, both logarithmic."""
    ns = _ROUND
    costs = [of.costs.load(min(n / 2, of.stats.longest)) * 1e3 for n in ns]
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
