"""What an application consists of: collected from code and TOML, checked and wired by `build()`."""

from dataclasses import replace
from datetime import UTC, datetime
from os import PathLike
from typing import Any, Literal, Self

from pydantic import ValidationError

from interlock._app.application import Application
from interlock._app.assembly import Assembly
from interlock._app.dependencies import Dependencies
from interlock._config.reader import load_settings
from interlock._config.settings import AggregateSettings, ApplicationSettings, Limits, Settings
from interlock._engine.load_context import Clock
from interlock._engine.reports import Observer
from interlock._model.aggregate import Aggregate
from interlock._model.strategies import CacheStrategy, Freshness, SnapshotStrategy, wrong_freshness
from interlock._plugins.options import OptionsError
from interlock._storage.codecs import Codec
from interlock.errors import ConfigurationError

Source = object  # an instance, a class or factory, a name, a BackendReference


def utc_now() -> datetime:
    """The clock that applications use unless they are given another."""
    return datetime.now(UTC)


class ApplicationBuilder:
    """Collects what an application consists of; `build()` checks it all.

    Arguments in code win over TOML, an aggregate's own table over `[aggregates.default]`.
    """

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._settings = Settings()
        self._event_store: Source | None = None
        self._aggregates: dict[type[Aggregate], AggregateSettings] = {}
        self._dependencies = Dependencies()
        self._observers: list[Observer] = []

    @classmethod
    def from_config(
        cls, path: str | PathLike[str] | None = None, *, clock: Clock = utc_now
    ) -> Self:
        """A builder with the settings of a TOML file: the one given, else the one found.

        Looked for are `INTERLOCK_CONFIG`, `interlock.toml` and `[tool.interlock]` in
        `pyproject.toml`. Raises `ConfigurationError` with everything that is wrong in it.
        """
        builder = cls(clock=clock)
        builder._settings = load_settings(path)
        return builder

    def configure(self, **settings: Any) -> Self:  # Any: the fields of ApplicationSettings
        """Set fields of `ApplicationSettings`: namespace, epoch, floor_size and so on."""
        given = self._settings.application.model_dump() | settings
        try:
            application = ApplicationSettings.model_validate(given)
        except ValidationError as error:
            raise OptionsError("configure()", error, given, ApplicationSettings) from None
        self._settings = replace(self._settings, application=application)
        return self

    def register_event_store(self, event_store: Source) -> Self:
        """Keep events here: an instance, a class, a name, or `backend(name, **options)`."""
        self._event_store = event_store
        return self

    def register_aggregate(
        self,
        aggregate_type: type[Aggregate],
        *,
        snapshot_strategy: SnapshotStrategy | type[SnapshotStrategy] | None = None,
        snapshot_backend: Source | None = None,
        cache_strategy: CacheStrategy | type[CacheStrategy] | None = None,
        cache_backend: Source | None = None,
        freshness: Freshness | None = None,
        codec: Codec | str | None = None,
        on_unavailable: Literal["replay", "fail"] | None = None,
        replay_limit: int | None = None,
    ) -> Self:
        """Register an aggregate.

        What is left out comes from TOML, else is Never, Null and `Trust()`.
        A backend is a class or factory (made once for this aggregate), an instance, a name, or
        `backend(name, **options)`. While the snapshot store is down, `on_unavailable` "replay"
        folds up to `replay_limit` events (None: any number), "fail" raises
        `BackendUnavailableError`. Raises `ConfigurationError` for what can't be meant.
        """
        _check_aggregate(aggregate_type)
        if aggregate_type in self._aggregates:
            raise ConfigurationError(f"{aggregate_type.__name__} is registered twice")
        wrong = wrong_freshness(freshness)
        if wrong is not None:
            raise ConfigurationError(wrong)
        self._aggregates[aggregate_type] = AggregateSettings(
            snapshot_strategy=_made("snapshot_strategy", snapshot_strategy, SnapshotStrategy),
            snapshot_backend=snapshot_backend,
            cache_strategy=_made("cache_strategy", cache_strategy, CacheStrategy),
            cache_backend=cache_backend,
            freshness=freshness,
            codec=codec,
            **_limits(on_unavailable=on_unavailable, replay_limit=replay_limit),
        )
        return self

    def register_dependency(self, key: type | str, value: object) -> Self:
        """Provide a value for required parameters of backend classes, by their type or name."""
        self._dependencies.register(key, value)
        return self

    def use_extension(self, name: str) -> Self:
        """Load an installed extension; its observers are called after those that are listed."""
        extensions = (*self._settings.extensions, name)
        self._settings = replace(self._settings, extensions=extensions)
        return self

    def register_observer(self, observer: Observer) -> Self:
        """Call this with the report of each load."""
        self._observers.append(observer)
        return self

    def build(self) -> Application:
        """The application, not yet started. Raises `ConfigurationError`, and opens nothing."""
        assembly = Assembly(self._settings, self._dependencies, self._observers, self._clock)
        return assembly.application(self._event_store, self._aggregates)


def _check_aggregate(given: object) -> None:
    if not (isinstance(given, type) and issubclass(given, Aggregate) and given is not Aggregate):
        raise ConfigurationError(f"{given!r} is no aggregate; wanted a subclass of Aggregate")


def _made(what: str, given: Any, kind: type) -> Any:  # Any: a strategy, or its class
    strategy = given
    if isinstance(given, type):
        try:
            strategy = given()
        except TypeError as error:
            raise ConfigurationError(
                f"{what}: {given.__name__} isn't made without arguments ({error}); give an instance"
            ) from error
    if strategy is not None and not isinstance(strategy, kind):
        raise ConfigurationError(f"{what} is {given!r}; wanted a {kind.__name__} or its class")
    return strategy


def _limits(**given: Any) -> dict[str, Any]:  # Any: whatever was given; checked here
    try:
        return Limits.model_validate(given).model_dump()
    except ValidationError as error:
        raise OptionsError("register_aggregate()", error, given) from None
