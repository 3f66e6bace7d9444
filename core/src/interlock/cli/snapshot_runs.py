"""The commands of `interlock snapshots` that go through all aggregates of a type."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Annotated
from uuid import UUID

import typer

from interlock._app.application import Application
from interlock.cli.configuration import AsJson, ConfigFile
from interlock.cli.long_work import (
    AGAIN,
    After,
    AtOnce,
    Rate,
    again,
    behind,
    over_all,
    waited,
)
from interlock.cli.operating import (
    AppName,
    Json,
    TypeName,
    an_id,
    an_id_or_none,
    operate,
    print_json,
    registered,
)
from interlock.cli.screen import counted, tell
from interlock.errors import (
    ArchiveError,
    ConfigurationError,
    EventApplyError,
    StreamTruncatedError,
    UnknownEventError,
)

_NAMED = 1_000
"""Of so many aggregates with which something is amiss it is told what; the others are counted."""
_OF_ONE = (ArchiveError, EventApplyError, StreamTruncatedError, UnknownEventError)
"""What is amiss with a single stream, and no reason to leave the others."""

MaybeId = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="An aggregate's id; else all of the type.")
]


@dataclass(slots=True)
class _Amiss:
    """What is amiss, in bounded memory; lines for people, and objects for JSON."""

    count: int = 0
    lines: list[str] = field(default_factory=list)
    problems: list[Json] = field(default_factory=list)

    def add(self, line: str, **problem: object) -> None:
        self.count += 1
        if self.count <= _NAMED:
            self.lines.append(line)
            self.problems.append(problem)

    @contextmanager
    def told(self, *, as_json: bool) -> Iterator[None]:
        """Tell people of it in the end, also of a run that is stopped."""
        try:
            yield
        finally:
            for line in () if as_json else self.lines:
                tell(line)
            if self.count > _NAMED and not as_json:
                tell(f"and {self.count - _NAMED:,} more")


def rebuild(
    type_name: TypeName,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="The aggregates' ids.")
    ] = None,
    *,
    every: Annotated[
        int, typer.Option("--every", min=1, metavar="N", help="One every so many events.")
    ] = 10_000,
    concurrency: AtOnce = 2,
    rate: Rate = None,
    after: After = None,
    app: AppName = None,
    config: ConfigFile = None,
    all_: Annotated[bool, typer.Option("--all", help="Of all aggregates of the type.")] = False,
    as_json: AsJson = False,
) -> None:
    """Store snapshots of the streams as they are now.

    A run that was stopped goes on where it was: with the same command, or with --after. With --all
    a stream that can't be folded is told of, and left out; the exit code is 1 then.
    """
    stored, amiss = 0, _Amiss()

    async def rebuilt(application: Application) -> None:
        if all_ == bool(ids):
            raise ConfigurationError("give the ids of aggregates, or --all")
        cls = registered(application, type_name).aggregate_type

        async def one(aggregate_id: UUID) -> None:
            nonlocal stored
            try:
                count = await application.rebuild_snapshots(cls, [aggregate_id], every=every)
                stored += count  # not in one line, which would read the sum before it waits
            except _OF_ONE as error:
                if not all_:
                    raise
                amiss.add(f"left out: {error}", id=aggregate_id, problem=str(error))

        listed = application.ids(cls, after=an_id_or_none(after)) if all_ else _given(ids or ())
        how, what = behind if all_ else again, f"streams of {type_name}"
        await over_all(listed, one, what=what, at_once=concurrency, rate=rate, how=how)

    def found() -> Json:
        return {"stored": stored, "left_out": amiss.count, "problems": amiss.problems}

    with amiss.told(as_json=as_json):
        operate(app, config, rebuilt, as_json=as_json, found=found)
    if as_json:
        print_json(found())
    else:
        tell_count(stored, "stored", as_json=False)
    raise typer.Exit(1 if amiss.count else 0)


def verify(
    type_name: TypeName,
    aggregate_id: MaybeId = None,
    *,
    concurrency: AtOnce = 2,
    rate: Rate = None,
    after: After = None,
    app: AppName = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Compare snapshots with what their events give.

    Each is read, and all events up to its version are replayed. The exit code is 1 if one is of no
    use, or if a stream can't be folded.
    """
    compared, amiss = 0, _Amiss()

    async def verified(application: Application) -> None:
        cls = registered(application, type_name).aggregate_type

        async def one(each: UUID) -> None:
            nonlocal compared
            try:
                found = await application.snapshots(cls, each, compare=True)
            except _OF_ONE as error:
                amiss.add(f"{error}", id=each, problem=str(error))
                return
            compared += len(found)
            for kept in found:
                if kept.problem is not None:
                    text = f"{each} version {kept.version} of {kept.revision}: {kept.problem}"
                    amiss.add(text, id=each, **asdict(kept))

        start = an_id_or_none(after)
        listed = _given([aggregate_id]) if aggregate_id else application.ids(cls, after=start)
        what = f"streams of {type_name}"
        await over_all(listed, one, what=what, at_once=concurrency, rate=rate, how=behind)

    def found() -> Json:
        return {"ok": not amiss.count, "compared": compared, "problems": amiss.problems}

    with amiss.told(as_json=as_json):
        operate(app, config, verified, as_json=as_json, found=found)
    if as_json:
        print_json(found())
    else:
        typer.echo(f"{compared:,} compared, {amiss.count:,} of no use")
    raise typer.Exit(1 if amiss.count else 0)


def prune(
    type_name: TypeName, *, app: AppName = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Apply the backend's retention to all aggregates of a type.

    The backend does it in small transactions of its own.
    """

    async def pruned(application: Application) -> int:
        cls = registered(application, type_name).aggregate_type
        return await waited(application.prune(cls), f"pruning {type_name}")

    count = operate(app, config, pruned, as_json=as_json, when_stopped=AGAIN)
    tell_count(count, "deleted", as_json=as_json)


def purge(
    type_name: TypeName,
    *,
    concurrency: AtOnce = 2,
    rate: Rate = None,
    after: After = None,
    app: AppName = None,
    config: ConfigFile = None,
    older_revisions: Annotated[
        bool,
        typer.Option("--older-revisions", help="Those of revisions that this code doesn't read."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete snapshots that this code doesn't read.

    Do it once the last process with the older code has ended.
    """
    deleted: Counter[str] = Counter()

    async def purged(application: Application) -> None:
        if not older_revisions:
            raise ConfigurationError("say which: --older-revisions")
        registration = registered(application, type_name)
        cls = registration.aggregate_type
        read = {registration.snapshot_scope.revision, *registration.reads_revisions}

        async def one(each: UUID) -> None:
            found = await application.snapshots(cls, each)
            for revision in {kept.revision for kept in found} - read:
                count = await application.delete_snapshots(cls, each, revision=revision)
                deleted[revision] += count

        listed, what = application.ids(cls, after=an_id_or_none(after)), f"streams of {type_name}"
        await over_all(listed, one, what=what, at_once=concurrency, rate=rate, how=behind)

    def found() -> Json:
        return {"deleted": deleted.total(), "revisions": dict(deleted)}

    operate(app, config, purged, as_json=as_json, found=found)
    if as_json:
        print_json(found())
        return
    for revision, count in sorted(deleted.items()):
        tell(f"{revision}: {count:,}")
    tell_count(deleted.total(), "deleted", as_json=False)


async def _given(ids: Sequence[str]) -> AsyncIterator[UUID]:
    for each in ids:
        yield an_id(each)


def tell_count(count: int, done: str, *, as_json: bool) -> None:
    """How many snapshots that was done to."""
    if as_json:
        print_json({done: count})
    else:
        typer.echo(f"{counted(count, 'snapshot')} {done}")
