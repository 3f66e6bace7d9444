"""TOML to frozen settings: all is checked, all errors are told at once, nothing is opened."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from interlock._config.filling import Filler
from interlock._config.settings import (
    AggregateSettings,
    ApplicationSettings,
    Limits,
    Settings,
    is_callable_name,
)
from interlock._config.toml import Found, Table, find, with_profile
from interlock._model.strategies import FastForward, Freshness, MaxAge, Replay, Trust
from interlock._plugins.catalogue import Catalogue, part_names
from interlock._plugins.durations import Duration
from interlock._plugins.extensions import Extensions
from interlock._plugins.options import OptionsError, nearest
from interlock._plugins.problems import Problems, SettingsError, TooManyError, key, within
from interlock._plugins.specs import BackendKind, BackendReference, BackendSpec, StrategyKind
from interlock._values.masking import brief
from interlock.errors import ConfigurationError

_SCHEMA = 1
FRESHNESS: Mapping[str, type[Trust | FastForward | Replay]] = {
    "trust": Trust,
    "fast-forward": FastForward,
    "replay": Replay,
}
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
            default=aggregates.pop("default", AggregateSettings()),
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
        try:
            return ApplicationSettings.model_validate(table)
        except ValidationError as error:
            told = OptionsError("application", error, table, ApplicationSettings)
            self._options_wrong("application", told)
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
        found: tuple[BackendSpec, BaseModel | None] | None = self._try(
            f"{where}.backend",
            where,
            lambda: self._catalogue.config(reference, kind, namespace=self._application.namespace),
        )
        return found

    def _aggregate(self, where: str, table: Table) -> AggregateSettings:
        self._known_keys(where, table, tuple(AggregateSettings.__dataclass_fields__))
        limits = {key: table[key] for key in Limits.model_fields if key in table}
        try:
            limits = Limits.model_validate(limits).model_dump()
        except ValidationError as error:
            self._options_wrong(where, OptionsError(where, error, limits))
            limits = {}
        return AggregateSettings(
            snapshot_strategy=self._strategy(
                f"{where}.snapshot_strategy",
                table.get("snapshot_strategy"),
                StrategyKind.SNAPSHOT,
            ),
            snapshot_backend=self._backend_name(
                f"{where}.snapshot_backend", table.get("snapshot_backend"), BackendKind.SNAPSHOTS
            ),
            cache_strategy=self._strategy(
                f"{where}.cache_strategy", table.get("cache_strategy"), StrategyKind.CACHE
            ),
            cache_backend=self._backend_name(
                f"{where}.cache_backend", table.get("cache_backend"), BackendKind.CACHE
            ),
            freshness=self._freshness(f"{where}.freshness", table.get("freshness")),
            codec=self._codec(f"{where}.codec", table.get("codec")),
            **limits,
        )

    def _used(self, where: str, value: object) -> tuple[str, Table] | None:
        """The name and the options of `"name"` or `{ use = "name", ... }`."""
        if value is None:
            return None
        if isinstance(value, str):
            return value, {}
        if isinstance(value, dict) and isinstance(value.get("use"), str):
            return value["use"], {key: item for key, item in value.items() if key != "use"}
        self._wrong(where, f'wanted "name" or {{ use = "name", ... }}, found {brief(value)}')
        return None

    def _strategy(self, where: str, value: object, kind: StrategyKind) -> Any:  # Any: of that kind
        used = self._used(where, value)
        if used is None:
            return None
        name, options = used
        if isinstance(options.get("of"), list):
            options["of"] = [
                self._strategy(within(where, "of", index), item, kind)
                for index, item in enumerate(options["of"])
            ]
            if None in options["of"]:
                return None
        return self._try(where, where, lambda: self._catalogue.strategy(name, kind, options))

    def _codec(self, where: str, value: object) -> Any:  # Any: a codec
        used = self._used(where, value)
        if used is None:
            return None
        return self._try(where, where, lambda: self._catalogue.codec(*used))

    def _freshness(self, where: str, value: object) -> Freshness | None:
        used = self._used(where, value)
        if used is None:
            return None
        name, options = used
        if name == "max-age":
            try:
                return MaxAge(MaxAgeOptions.model_validate(options).delta)
            except ValidationError as error:
                self._options_wrong(where, OptionsError("max-age", error, options, MaxAgeOptions))
            except ConfigurationError as error:
                self._wrong(where, str(error))
        elif name not in FRESHNESS:
            hint = nearest(name, (*FRESHNESS, "max-age"))
            self._wrong(where, f"no freshness {brief(name)}", hint)
        elif options:
            self._wrong(where, f"{name!r} takes no options, found {', '.join(map(key, options))}")
        else:
            return FRESHNESS[name]()
        return None

    def _backend_name(self, where: str, value: object, kind: BackendKind) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            self._wrong(where, f"wanted the name of a backend, found {brief(value)}")
            return None
        if value not in self._names[kind]:
            reference = BackendReference(value)
            self._try(
                where,
                where,
                lambda: self._catalogue.config(
                    reference, kind, namespace=self._application.namespace
                ),
                also=self._names[kind],
            )
        return value

    def _try(
        self, where: str, table: str, make: Callable[[], Any], also: Iterable[str] = ()
    ) -> Any:  # Any: what is made
        try:
            return make()
        except OptionsError as error:
            self._options_wrong(table, error)
        except ConfigurationError as error:
            self._wrong(
                where, str(error), f"named here: {', '.join(map(key, also))}" if also else ""
            )
        return None

    def _options_wrong(self, where: str, error: OptionsError) -> None:
        for path, what, hint in error.problems:
            self._wrong(within(where, *path), what, hint)

    def _subtables(self, section: str) -> dict[str, Table]:
        tables = self._subtable("", section, self._table.get(section, {}))
        return {name: self._subtable(section, name, value) for name, value in tables.items()}

    def _subtable(self, section: str, name: str, value: object) -> Table:
        if isinstance(value, dict):
            return value
        where = within(section, name)
        self._wrong(where, f"wanted a table [{where}], found {brief(value)}")
        return {}

    def _known_keys(self, where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for name in table:
            if name not in known:
                self._wrong(within(where, name), "no such key", nearest(name, known))

    def _wrong(self, where: str, what: str, hint: str = "") -> None:
        self._problems.add(where, what, hint)
