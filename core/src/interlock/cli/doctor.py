"""`interlock plugins doctor`: what is installed examined, what is configured opened."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from interlock._config.reader import load_settings
from interlock._config.settings import Settings
from interlock._config.toml import NoneFoundError
from interlock._model.strategies import NeverSnapshot
from interlock._plugins.catalogue import Catalogue, Listing
from interlock._plugins.durations import duration_text
from interlock._plugins.options import imported
from interlock._plugins.specs import BackendKind, BackendReference, ExtensionSpec
from interlock._storage.protocols import TellsNewest
from interlock.cli.options import described, model_of
from interlock.errors import BackendUnavailableError, ConfigurationError

T = TypeVar("T")

_MARGIN = timedelta(seconds=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Plugin:
    """The findings about an installed name."""

    name: str
    distribution: str
    version: str
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Snapshots:
    """When the newest snapshot of an aggregate type was taken; None: none is there."""

    aggregate: str
    taken_at: datetime | None


@dataclass(frozen=True, slots=True)
class Backend:
    """The findings about a configured backend; `problem` is why it can't be used.

    `server` is what it says of itself, `note` what can't be told.
    """

    where: str
    backend: str
    problem: str | None = None
    server: str | None = None
    snapshots: list[Snapshots] = field(default_factory=list)
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. Without a configuration its `source` is None, and nothing was opened.

    `notes` are of options that are valid, and hardly meant.
    """

    plugins: list[Plugin]
    source: str | None
    problem: str | None
    backends: list[Backend]
    notes: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether everything that is configured works."""
        return self.problem is None and not any(each.problem for each in self.backends)

    def as_json(self) -> dict[str, Any]:  # Any: JSON values
        """The report, in JSON's types."""
        found = asdict(self)
        for backend in found["backends"]:
            for each in backend["snapshots"]:
                each["taken_at"] = each["taken_at"] and each["taken_at"].isoformat()
        return {"ok": self.is_well, **found}


def examine(config: Path | None) -> Report:
    """Examine the installed plugins, and the backends of the configuration if there is one."""
    catalogue = Catalogue.installed()
    plugins = _plugins(catalogue)
    try:
        settings = load_settings(config)
    except NoneFoundError:
        return Report(plugins, None, None, [])
    except ConfigurationError as error:
        return Report(plugins, None, str(error), [])
    backends = asyncio.run(_backends(catalogue, settings))
    return Report(plugins, settings.source, None, backends, list(_notes(settings)))


def _notes(settings: Settings) -> Iterator[str]:
    for aggregate, own in {"default": settings.default, **settings.aggregates}.items():
        options = own.over(settings.default)
        if options.replay_limit_holds != "always":
            continue
        if options.replay_limit is None:
            yield f"aggregates.{aggregate}: replay_limit_holds is set, and replay_limit isn't"
        elif isinstance(options.snapshot_strategy, NeverSnapshot):
            yield (
                f"aggregates.{aggregate}: a stream of more than {options.replay_limit} events "
                "can't be loaded at all, since no snapshot is taken; choose a snapshot_strategy"
            )


def _plugins(catalogue: Catalogue) -> list[Plugin]:
    listings = catalogue.listing()
    claims = Counter((listing.group, listing.name) for listing in listings)
    plugins = []
    for listing in listings:
        problems = list(_problems(catalogue, listing))
        if claims[listing.group, listing.name] > 1:
            full = f"{listing.distribution}:{listing.name}"
            problems.append(f'another distribution registers this name too; this one is "{full}"')
        plugins.append(Plugin(listing.name, listing.distribution, listing.version, problems))
    return plugins


def _problems(catalogue: Catalogue, listing: Listing) -> Iterator[str]:
    """Why it can't be loaded, or its options, or what it makes: its driver is missing."""
    if listing.error is not None:
        yield listing.error
    for spec in listing.specs:
        try:
            described(model_of(spec, catalogue))
            if not isinstance(spec, ExtensionSpec):
                imported(spec.factory, repr(spec.name))
        except Exception as error:  # noqa: BLE001 it is what is told
            yield str(error)


async def _backends(catalogue: Catalogue, settings: Settings) -> list[Backend]:
    return [
        await _backend(catalogue, settings, where, kind, reference)
        for where, kind, reference in settings.backends()
    ]


async def _backend(
    catalogue: Catalogue,
    settings: Settings,
    where: str,
    kind: BackendKind,
    reference: BackendReference,
) -> Backend:
    found = Backend(where, reference.name)
    opened: list[Any] = []  # of any class
    try:
        made = made_of(catalogue, settings, kind, reference)
        for each in (*getattr(made, "tiers", ()), made):
            if hasattr(each, "open") and hasattr(each, "close"):
                opened.append(each)
                await _answer(each, each.open())
        server, note = await _server(opened)
        found = replace(found, server=server, note=note)
        if kind is BackendKind.SNAPSHOTS:
            found = await _with_snapshots(found, made, settings)
    except Exception as error:  # noqa: BLE001 it is what is told
        return replace(found, problem=catalogue.masking.text(_told(error)))
    finally:
        for each in reversed(opened):
            with suppress(Exception):  # what can't be closed wasn't open
                await _answer(each, each.close())
    return found


def made_of(
    catalogue: Catalogue, settings: Settings, kind: BackendKind, reference: BackendReference
) -> Any:  # Any: of any class
    """Make a configured backend, and what it is made of; nothing is opened."""
    named = settings.named(kind)

    def part(name: str) -> object:
        return made_of(catalogue, settings, kind, named.get(name, BackendReference(name)))

    namespace = settings.application.namespace
    return catalogue.build(reference, kind, namespace=namespace, part=part)


async def _answer(backend: Any, call: Awaitable[T]) -> T:  # Any: of any class
    """The answer; the backend's own timeout comes first, since its error tells more."""
    timeout: timedelta | None = getattr(backend, "timeout", None)
    if timeout is None:
        return await call
    try:
        async with asyncio.timeout((timeout + _MARGIN).total_seconds()):
            return await call
    except TimeoutError as error:
        raise BackendUnavailableError(f"no answer within {duration_text(timeout)}") from error


async def _server(opened: Iterable[Any]) -> tuple[str | None, str | None]:  # Any: as above
    for each in opened:
        if hasattr(each, "server_version"):
            try:
                return await _answer(each, each.server_version()), None
            except Exception as error:  # noqa: BLE001 who may not ask has no answer
                return None, f"its version can't be told: {_told(error)}"
    return None, None


async def _with_snapshots(found: Backend, store: object, settings: Settings) -> Backend:
    """Of each type whose snapshots are to be kept there, when the newest was taken."""
    instance = found.where.removeprefix("snapshot_backends.")
    name = found.backend if instance == found.where else instance
    taken = {
        aggregate
        for aggregate, own in {"default": settings.default, **settings.aggregates}.items()
        if (all_of := own.over(settings.default)).snapshot_backend == name
        and not isinstance(all_of.snapshot_strategy, NeverSnapshot | None)
    }
    if not taken:
        return found
    if not isinstance(store, TellsNewest):
        return replace(found, note="it can't tell when it was last given a snapshot")
    newest = await _answer(store, store.newest(settings.application.namespace))
    others = newest.keys() - settings.aggregates.keys() if "default" in taken else set()
    snapshots = [Snapshots(each, newest.get(each)) for each in sorted(taken - {"default"} | others)]
    return replace(found, snapshots=snapshots, note=None if snapshots else "it has no snapshot yet")


def _told(error: BaseException) -> str:
    text, cause = str(error) or repr(error), error.__cause__
    return text if cause is None or str(cause) in text else f"{text} ({cause!r})"


def lines_of(report: Report) -> Iterator[str]:
    """The report for people."""
    broken = [plugin for plugin in report.plugins if plugin.problems]
    yield f"{len(report.plugins)} plugins, {len(broken)} with problems"
    for plugin in broken:
        for problem in plugin.problems:
            yield f"  {plugin.name} of {plugin.distribution}: {problem}"
    if report.source is None and report.problem is None:
        yield "no configuration found; nothing was opened"
    if report.problem is not None:
        yield report.problem
    for found in report.backends:
        what = f"{found.where} ({found.backend})"
        if found.problem is not None:
            yield f"BROKEN {what}: {found.problem}"
            continue
        yield f"ok {what}" + (f": {found.server}" if found.server else "")
        for each in found.snapshots:
            yield f"  {each.aggregate}: {_spoken(each.taken_at)}"
        if found.note is not None:
            yield f"  {found.note}"
    yield from report.notes


def _spoken(taken_at: datetime | None) -> str:
    if taken_at is None:
        return "a strategy asks for snapshots, and none is there"
    age = max(datetime.now(UTC) - taken_at, timedelta(0)) // _SECOND * _SECOND
    return f"the newest snapshot was taken {duration_text(age)} ago, at {taken_at:%Y-%m-%d %H:%M}Z"
