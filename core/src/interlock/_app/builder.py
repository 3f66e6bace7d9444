"""The builder of an application: collects from code and TOML; `build()` checks and wires."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from os import PathLike
from typing import Literal, Self

from interlock._app.application import Application
from interlock._app.assembly import Assembly
from interlock._app.dependencies import Dependencies
from interlock._config.reader import load_settings
from interlock._config.settings import AggregateOptions, ApplicationSettings, Settings
from interlock._engine.context import Clock
from interlock._engine.reports import Observer
from interlock._model.aggregate import Aggregate
from interlock._model.strategies import CacheStrategy, Freshness, SnapshotStrategy, wrong_freshness
from interlock._plugins.options import validated
from interlock._plugins.sources import (
    CacheBackendSource,
    EventStoreSource,
    SnapshotBackendSource,
)
from interlock._plugins.specs import StrategyKind
from interlock._storage.codecs import Codec
from interlock.errors import ConfigurationError


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
        self._event_store: EventStoreSource | None = None
        self._aggregates: dict[type[Aggregate], AggregateOptions] = {}
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

    def configure(
        self,
        *,
        namespace: str | None = None,
        epoch: int | None = None,
        floor_size: int | None = None,
        max_attempts: int | None = None,
        queue_size: int | None = None,
        snapshot_queue_size: int | None = None,
        replay_slots: int | None = None,
        replay_long: int | None = None,
        breaker_failures: int | None = None,
        breaker_rest_max: timedelta | None = None,
        archive: str | None = None,
        close_timeout: timedelta | None = None,
    ) -> Self:
        """Set what holds for the whole application; what is left out stays as it is.

        The options are those of the table `[application]`. Raises `ConfigurationError` for a value
        that doesn't fit.
        """
        given = _given(
            namespace=namespace,
            epoch=epoch,
            floor_size=floor_size,
            max_attempts=max_attempts,
            queue_size=queue_size,
            snapshot_queue_size=snapshot_queue_size,
            replay_slots=replay_slots,
            replay_long=replay_long,
            breaker_failures=breaker_failures,
            breaker_rest_max=breaker_rest_max,
            archive=archive,
            close_timeout=close_timeout,
        )
        options = self._settings.application.model_dump() | given
        application = validated("configure()", ApplicationSettings, options)
        self._settings = replace(self._settings, application=application)
        return self

    def register_event_store(self, event_store: EventStoreSource) -> Self:
        """Keep events here: an instance, a class, a name, or `backend(name, **options)`."""
        self._event_store = event_store
        return self

    def register_aggregate(
        self,
        aggregate_type: type[Aggregate],
        *,
        snapshot_strategy: SnapshotStrategy | type[SnapshotStrategy] | None = None,
        snapshot_backend: SnapshotBackendSource | None = None,
        cache_strategy: CacheStrategy | type[CacheStrategy] | None = None,
        cache_backend: CacheBackendSource | None = None,
        freshness: Freshness | None = None,
        codec: Codec | str | None = None,
        on_unavailable: Literal["replay", "fail"] | None = None,
        replay_limit: int | None = None,
        replay_limit_holds: Literal["outage", "always"] | None = None,
        snapshot_long_replays: bool | None = None,
        shadow: float | None = None,
    ) -> Self:
        """Register an aggregate.

        What is left out comes from TOML, else is Never, Null, `Trust()` and JSON.
        A backend is a class or factory (made once for this aggregate), an instance, a name, or
        `backend(name, **options)`. While the snapshot store is down, `on_unavailable` "replay"
        folds up to `replay_limit` events (None: any number), "fail" raises
        `BackendUnavailableError`; with `replay_limit_holds` "always" the limit holds at all times.
        `shadow` is the share of the cache's hits that is replayed behind
        the answers and compared. Raises `ConfigurationError` for what can't be meant.
        """
        _check_aggregate(aggregate_type)
        if aggregate_type in self._aggregates:
            raise ConfigurationError(f"{aggregate_type.__name__} is registered twice")
        given = _given(
            snapshot_strategy=snapshot_strategy,
            snapshot_backend=snapshot_backend,
            cache_strategy=cache_strategy,
            cache_backend=cache_backend,
            freshness=freshness,
            codec=codec,
            on_unavailable=on_unavailable,
            replay_limit=replay_limit,
            replay_limit_holds=replay_limit_holds,
            snapshot_long_replays=snapshot_long_replays,
            shadow=shadow,
        )
        self._aggregates[aggregate_type] = _options(given)
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
        """Tell this of what its class overrides."""
        self._observers.append(observer)
        return self

    def build(self) -> Application:
        """The application, not yet started. Raises `ConfigurationError`, and opens nothing."""
        assembly = Assembly(self._settings, self._dependencies, self._observers, self._clock)
        return assembly.application(self._event_store, self._aggregates)


def _check_aggregate(given: object) -> None:
    if not (isinstance(given, type) and issubclass(given, Aggregate) and given is not Aggregate):
        raise ConfigurationError(f"{given!r} is no aggregate; wanted a subclass of Aggregate")


def _given(**options: object) -> dict[str, object]:
    """The options that aren't left out."""
    return {name: value for name, value in options.items() if value is not None}


def _options(given: dict[str, object]) -> AggregateOptions:
    wrong = wrong_freshness(given.get("freshness"))
    if wrong is not None:
        raise ConfigurationError(wrong)
    for name, kind in AggregateOptions.kinds().items():
        if isinstance(kind, StrategyKind) and name in given:
            given[name] = _made(name, given[name], _STRATEGIES[kind])
    return validated("register_aggregate()", AggregateOptions, given)


_STRATEGIES = {StrategyKind.SNAPSHOT: SnapshotStrategy, StrategyKind.CACHE: CacheStrategy}


def _made(what: str, given: object, protocol: type) -> object:
    """The strategy, of a class an instance."""
    strategy = given
    if isinstance(given, type):
        try:
            strategy = given()
        except TypeError as error:
            raise ConfigurationError(
                f"{what}: {given.__name__} isn't made without arguments ({error}); give an instance"
            ) from error
    if not isinstance(strategy, protocol):
        wanted = f"a {protocol.__name__} or its class"
        raise ConfigurationError(f"{what} is {given!r}; wanted {wanted}")
    return strategy
