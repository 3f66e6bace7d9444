"""TOML to frozen settings: all is checked, all errors are told at once, nothing is opened."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike

from pydantic import BaseModel, ConfigDict

from interlock._config.filling import Filler
from interlock._config.settings import (
    AggregateOptions,
    ApplicationSettings,
    OptionKind,
    Settings,
    is_callable_name,
)
from interlock._config.toml import Found, Table, find, with_profile
from interlock._model.strategies import FastForward, Freshness, MaxAge, Replay, Trust
from interlock._plugins.catalogue import Catalogue, part_names
from interlock._plugins.durations import Duration
from interlock._plugins.extensions import Extensions
from interlock._plugins.options import OptionsError, nearest, validated
from interlock._plugins.problems import Problems, SettingsError, TooManyError, key, within
from interlock._plugins.specs import BackendKind, BackendReference, BackendSpec, StrategyKind
from interlock._values.masking import brief
from interlock.errors import ConfigurationError

_SCHEMA = 1
_TABLES = (
    "schema",
    "app",
    "extensions",
    "application",
    "event_store",
    "snapshot_backends",
    "cache_backends",
    "aggregates",
)


def load_settings(path: str | PathLike[str] | None = None) -> Settings:
    """The settings of a TOML file: the one given, else the one found.

    Raises `ConfigurationError` that lists all that is wrong, each with its place in the TOML.
    """
    found = find(path)
    settings, problems = read(found, os.environ.get("INTERLOCK_PROFILE") or None)
    if settings is None or problems:
        raise SettingsError(str(found.path), problems)
    return settings


def read(found: Found, profile: str | None) -> tuple[Settings | None, Problems]:
    """The settings that a configuration has with a profile, and all that is wrong with it.

    The settings are None if more is wrong than is told.
    """
    problems = found.problems(profile)
    try:
        merged = with_profile(found.table, profile, problems)
        extensions = _extensions(merged.get("extensions", []), problems)
        filler = Filler(found.path.parent, extensions.secret, problems)
        reader = _Reader(filler.filled(merged), problems)
        return reader.settings(str(found.path), profile), problems
    except TooManyError:
        return None, problems


def _extensions(names: object, problems: Problems) -> Extensions:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        problems.add("extensions", f"wanted a list of names, found {brief(names)}")
        return Extensions()
    try:
        return Catalogue.installed().extensions(names)
    except ConfigurationError as error:
        problems.add("extensions", str(error))
        return Extensions()


class MaxAgeOptions(BaseModel):
    """The options of the freshness `max-age`."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    delta: Duration
    """How long ago a cached state may have been known to be the head."""


FRESHNESS: Mapping[str, tuple[Callable[..., Freshness], type[BaseModel] | None]] = {
    "trust": (Trust, None),
    "fast-forward": (FastForward, None),
    "replay": (Replay, None),
    "max-age": (MaxAge, MaxAgeOptions),
}
"""Each freshness by its name in TOML, with the model of its options."""


class _Reader:
    """Reads the tables of one file; what is wrong is noted, and reading goes on."""

    def __init__(self, table: Table, problems: Problems) -> None:
        self._table = table
        self._problems = problems
        self._catalogue = Catalogue.installed()
        self._application = ApplicationSettings()
        self._names: dict[BackendKind, dict[str, BackendReference]] = {}

    def settings(self, source: str, profile: str | None) -> Settings:
        self._known_keys("", self._table, _TABLES)
        if self._table.get("schema") != _SCHEMA:
            found = brief(self._table["schema"]) if "schema" in self._table else "nothing"
            self._wrong("schema", f"wanted schema = {_SCHEMA}, found {found}")
        self._application = self._application_settings()
        event_store = self._event_store()
        snapshots = self._backends("snapshot_backends", BackendKind.SNAPSHOTS)
        caches = self._backends("cache_backends", BackendKind.CACHE)
        aggregates = {
            name: self._aggregate(within("aggregates", name), table)
            for name, table in self._subtables("aggregates").items()
        }
        extensions = self._table.get("extensions", [])
        return Settings(
            app=self._app(self._table.get("app")),
            extensions=tuple(extensions) if isinstance(extensions, list) else (),
            application=self._application,
            event_store=event_store,
            snapshot_backends=snapshots,
            cache_backends=caches,
            default=aggregates.pop("default", AggregateOptions()),
            aggregates=aggregates,
            source=source,
            profile=profile,
            table=self._table,
        )

    def _app(self, name: object) -> str | None:
        if name is None or (isinstance(name, str) and is_callable_name(name)):
            return name
        self._wrong("app", f'wanted "module:callable", found {brief(name)}')
        return None

    def _application_settings(self) -> ApplicationSettings:
        table = self._subtable("", "application", self._table.get("application", {}))
        with self._noting("application"):
            return validated("application", ApplicationSettings, table)
        return ApplicationSettings()

    def _event_store(self) -> BackendReference | None:
        if "event_store" not in self._table:
            return None
        table = self._subtable("", "event_store", self._table["event_store"])
        reference = self._reference("event_store", table)
        if reference is not None:
            self._checked("event_store", reference, BackendKind.EVENTS)
        return reference

    def _backends(self, section: str, kind: BackendKind) -> dict[str, BackendReference]:
        references = self._names[kind] = {}
        composites: dict[str, tuple[str, Sequence[str]]] = {}
        for name, table in self._subtables(section).items():
            where = within(section, name)
            reference = self._reference(where, table)
            references[name] = reference or BackendReference(name)
            found = None if reference is None else self._checked(where, reference, kind)
            if found is not None and found[0].parts is not None:
                composites[name] = found[0].parts, part_names(*found)
        for name, (option, parts) in composites.items():
            for index, part in enumerate(parts):
                where = within(section, name, option, index)
                if part in composites:
                    self._wrong(where, f"{part!r} is made of others itself; name one that isn't")
                else:
                    self._backend_name(where, part, kind)
        return references

    def _reference(self, where: str, table: Table) -> BackendReference | None:
        options = {key: value for key, value in table.items() if key != "backend"}
        name = table.get("backend")
        if not isinstance(name, str):
            self._wrong(f"{where}.backend", f"wanted a backend's name, found {brief(name)}")
            return None
        return BackendReference(name, options)

    def _checked(
        self, where: str, reference: BackendReference, kind: BackendKind
    ) -> tuple[BackendSpec, BaseModel | None] | None:
        with self._noting(where, f"{where}.backend"):
            return self._catalogue.config(reference, kind, namespace=self._application.namespace)
        return None

    def _aggregate(self, where: str, table: Table) -> AggregateOptions:
        kinds = AggregateOptions.kinds()
        self._known_keys(where, table, AggregateOptions.model_fields)
        made = {
            name: self._named(within(where, name), table[name], kind)
            for name, kind in kinds.items()
            if name in table
        }
        named = {name: value for name, value in made.items() if value is not None}
        plain = {
            name: table[name]
            for name in AggregateOptions.model_fields
            if name in table and name not in kinds
        }
        with self._noting(where):
            return validated(where, AggregateOptions, named | plain)
        return AggregateOptions(**named)

    def _named(self, where: str, value: object, kind: OptionKind) -> object:
        """The thing that a value names; None if the value is wrong, which is noted."""
        if isinstance(kind, BackendKind):
            return self._backend_name(where, value, kind)
        if isinstance(value, str):
            name, options = value, {}
        elif isinstance(value, dict) and isinstance(value.get("use"), str):
            name, options = value["use"], {k: item for k, item in value.items() if k != "use"}
        else:
            wanted = 'wanted "name" or { use = "name", ... }'
            self._wrong(where, f"{wanted}, found {brief(value)}")
            return None
        with self._noting(where):
            if isinstance(kind, StrategyKind):
                return self._strategy(where, name, options, kind)
            if kind == "codec":
                return self._catalogue.codec(name, options)
            return self._freshness(where, name, options)
        return None

    def _strategy(self, where: str, name: str, options: Table, kind: StrategyKind) -> object:
        if isinstance(options.get("of"), list):
            options["of"] = [
                self._named(within(where, "of", index), item, kind)
                for index, item in enumerate(options["of"])
            ]
            if None in options["of"]:
                return None
        return self._catalogue.strategy(name, kind, options)

    def _freshness(self, where: str, name: str, options: Table) -> Freshness | None:
        if name not in FRESHNESS:
            self._wrong(where, f"no freshness {brief(name)}", nearest(name, FRESHNESS))
            return None
        make, model = FRESHNESS[name]
        if model is not None:
            return make(**dict(validated(name, model, options)))
        if options:
            self._wrong(where, f"{name!r} takes no options, found {', '.join(map(key, options))}")
        return make()

    def _backend_name(self, where: str, value: object, kind: BackendKind) -> str | None:
        if not isinstance(value, str):
            self._wrong(where, f"wanted the name of a backend, found {brief(value)}")
            return None
        if value not in self._names[kind]:
            with self._noting(where, also=self._names[kind]):
                self._catalogue.config(
                    BackendReference(value), kind, namespace=self._application.namespace
                )
        return value

    @contextmanager
    def _noting(
        self, table: str, where: str | None = None, also: Iterable[str] = ()
    ) -> Iterator[None]:
        """Note what is raised: of options in their table, anything else where it was asked for."""
        try:
            yield
        except OptionsError as error:
            for path, what, hint in error.problems:
                self._wrong(within(table, *path), what, hint)
        except ConfigurationError as error:
            hint = f"named here: {', '.join(map(key, also))}" if also else ""
            self._wrong(where or table, str(error), hint)

    def _subtables(self, section: str) -> dict[str, Table]:
        tables = self._subtable("", section, self._table.get(section, {}))
        return {name: self._subtable(section, name, value) for name, value in tables.items()}

    def _subtable(self, section: str, name: str, value: object) -> Table:
        if isinstance(value, dict):
            return value
        where = within(section, name)
        self._wrong(where, f"wanted a table [{where}], found {brief(value)}")
        return {}

    def _known_keys(self, where: str, table: Table, known: Collection[str]) -> None:
        for name in table:
            if name not in known:
                self._wrong(within(where, name), "no such key", nearest(name, known))

    def _wrong(self, where: str, what: str, hint: str = "") -> None:
        self._problems.add(where, what, hint)
