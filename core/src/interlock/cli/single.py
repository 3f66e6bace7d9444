"""Commands about one aggregate: how it loads, what the cache has of it, how to forget it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from interlock._app.application import Application
from interlock._engine.inspecting import KeptState
from interlock._engine.registration import Registration
from interlock._engine.reports import LoadReport, Miss, Reason, Source
from interlock._model.strategies import NeverCache, NeverSnapshot
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.long_work import AGAIN, UNCHANGED
from interlock.cli.operating import (
    AggregateId,
    AppName,
    TypeName,
    an_id,
    operate,
    print_json,
    registered,
)
from interlock.cli.screen import counted, tell
from interlock.errors import ConfigurationError

cache_app = typer.Typer(
    help="The cache's entry of an aggregate.", no_args_is_help=True, rich_markup_mode=None
)

_WORDS = {
    Reason.ABSENT: "there is none",
    Reason.TOO_LARGE: "the last state was above the store's limit",
    Reason.NOT_KEPT: "the last state would not come back from its record as it was",
    Reason.NOT_WRITTEN: "a newer one could not be written",
    Reason.UNAVAILABLE: "the store did not answer",
    Reason.UNUSABLE: "the record can't be used",
    Reason.BELOW_FLOOR: "this process has seen a later version",
    Reason.NOT_IN_STREAM: "no event stands at its version: the stream was rolled back",
    Reason.OTHER_BRANCH: "another event stands at its version: the stream was rolled back",
}
_MANY = 100
"""So many events are worth a snapshot."""
_NAME = "one of `interlock plugins list`"


def explain(
    type_name: TypeName,
    aggregate_id: AggregateId,
    *,
    version: Annotated[
        int | None, typer.Option("--version", min=0, metavar="N", help="As it was then.")
    ] = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Load an aggregate, and say how that went.

    It says what would make it faster, too. A cache in the memory of another process isn't seen from
    here.
    """

    async def explained(application: Application) -> tuple[Registration, LoadReport]:
        registration = registered(application, type_name)
        report = await application.explain(
            registration.aggregate_type, an_id(aggregate_id), version=version
        )
        return registration, report

    registration, report = operate(app, config, explained, as_json=as_json)
    advice = _advice(registration, report)
    if as_json:
        told = asdict(report)
        told["freshness"] = repr(report.freshness)
        told["phases"] = {name: spent.total_seconds() for name, spent in report.phases.items()}
        print_json({**told, "advice": advice})
        return
    for line in _lines(report):
        tell(line)
    for line in advice:
        typer.echo(line)  # TOML isn't broken


def forget(
    type_name: TypeName,
    aggregate_id: AggregateId,
    *,
    app: AppName = None,
    config: ConfigFile = None,
    events: Annotated[
        bool, typer.Option("--events", help="Delete its events too, for good.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove an aggregate's snapshots and cache entry.

    Its snapshots and its cache entry go, with --events its stream, too.
    """

    async def forgotten(application: Application) -> tuple[int, int | None, bool]:
        registration, wanted = registered(application, type_name), an_id(aggregate_id)
        cls, snapshots = registration.aggregate_type, None
        version = await application.version(cls, wanted)
        entry = await application.cache_entry(cls, wanted)
        with suppress(ConfigurationError):  # it keeps none
            snapshots = len(await application.snapshots(cls, wanted))
        if not dry_run:
            await application.forget(cls, wanted, events=events)
        return version, snapshots, entry is not None

    stopped = UNCHANGED if dry_run else AGAIN
    version, snapshots, is_cached = operate(
        app, config, forgotten, as_json=as_json, when_stopped=stopped
    )
    if as_json:
        print_json(
            {
                "forgotten": not dry_run,
                "version": version,
                "events": events,
                "snapshots": snapshots,
                "cached": is_cached,
            }
        )
        return
    count = snapshots or 0
    parts = [
        f"{count:,} snapshot{'s' * (count != 1)}",
        "a cache entry" if is_cached else "no cache entry",
    ]
    parts += [f"the stream, of version {version:,}"] * events
    typer.echo(f"{'would remove' if dry_run else 'removed'}: {', '.join(parts)}")


@cache_app.command("show")
def show_entry(
    type_name: TypeName,
    aggregate_id: AggregateId,
    *,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say what the cache has of an aggregate."""

    async def found(application: Application) -> KeptState | None:
        cls = registered(application, type_name).aggregate_type
        return await application.cache_entry(cls, an_id(aggregate_id))

    entry = operate(app, config, found, as_json=as_json)
    if as_json:
        print_json(None if entry is None else asdict(entry))
    elif entry is None:
        typer.echo("no entry")
    else:
        tell(f"version {entry.version}, {entry.size or 0:,} bytes, of revision {entry.revision}")
        if entry.problem is not None:
            tell(f"not used: {entry.problem}")


@cache_app.command()
def evict(
    type_name: TypeName,
    aggregate_id: AggregateId,
    *,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Remove the cache's entry of an aggregate.

    What other processes hold in memory stays.
    """

    async def evicted(application: Application) -> None:
        cls = registered(application, type_name).aggregate_type
        await application.evict(cls, an_id(aggregate_id))

    operate(app, config, evicted, as_json=as_json)
    if as_json:
        print_json({"evicted": True})
    else:
        typer.echo("evicted")


def _lines(report: LoadReport) -> Iterator[str]:
    total = sum(report.phases.values(), timedelta(0))
    yield f"{report.aggregate_type} {report.aggregate_id}, version {report.version:,}"
    if report.baseline is Source.EMPTY:
        yield f"began with nothing and folded {counted(report.events_folded, 'event')}"
    else:
        yield (
            f"began with the {report.baseline} of version {report.baseline_version:,} and folded "
            f"{counted(report.events_folded, 'event')}"
        )
    for miss in report.misses:
        yield f"  {_said(miss)}"
    spent = ", ".join(f"{name} {_millis(each)}" for name, each in report.phases.items())
    yield f"it took {_millis(total)}" + (f": {spent}" if spent else "")


def _said(miss: Miss) -> str:
    detail = f" ({miss.detail})" if miss.detail else ""
    return f"no {miss.source}: {_WORDS[miss.reason]}{detail}"


def _millis(spent: timedelta) -> str:
    return f"{spent / timedelta(milliseconds=1):.1f} ms"


def _advice(registration: Registration, report: LoadReport) -> list[str]:
    """What would make such a load faster, as lines of TOML below a comment."""
    if report.events_folded < _MANY:
        return []
    lines = []
    if isinstance(registration.snapshot_strategy, NeverSnapshot):
        lines = [
            f'snapshot_strategy = {{ use = "after-n", n = {_MANY} }}',
            f'snapshot_backend = "{_NAME}"',
        ]
    elif report.baseline is Source.EMPTY and report.asked_version is None:
        first = f"interlock snapshots take {registration.name} {report.aggregate_id}"
        return [f"# its first snapshot: {first}"]
    if isinstance(registration.cache_strategy, NeverCache):
        lines += ['cache_strategy = "always"', f'cache_backend = "{_NAME}"']
    if not lines:
        return []
    return [
        f"# {report.events_folded:,} events were folded; this makes it fewer:",
        f"[aggregates.{registration.name}]",
        *lines,
    ]
