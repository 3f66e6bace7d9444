"""Finds installed plugins by name, loads each in isolation and builds its backends.

pluggy's own loader of entry points isn't used: one plugin's ImportError there stops all.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from typing import Any, cast

from pydantic import BaseModel

from interlock._plugins.entry_points import (
    OURS,
    OWN_MODULE,
    distribution_of,
    installed_points,
    normal,
)
from interlock._plugins.extensions import Extensions, hook_manager
from interlock._plugins.options import called, imported, validated
from interlock._plugins.source_summary import Glance, glance_at
from interlock._plugins.specs import (
    PLUGIN_API,
    BackendKind,
    BackendReference,
    BackendSpec,
    CodecSpec,
    ExtensionSpec,
    Spec,
    StrategyKind,
    StrategySpec,
)
from interlock._storage.codecs import Codec
from interlock._values.masking import Masking
from interlock.errors import ConfigurationError, PluginError

_GROUPS: Mapping[type, tuple[str, str]] = {
    BackendSpec: ("interlock.backends", "interlock_register_backends"),
    StrategySpec: ("interlock.strategies", "interlock_register_strategies"),
    CodecSpec: ("interlock.codecs", "interlock_register_codecs"),
    ExtensionSpec: ("interlock.extensions", ""),
}
_NOUNS: Mapping[type, str] = {
    BackendSpec: "backend",
    StrategySpec: "strategy",
    CodecSpec: "codec",
    ExtensionSpec: "extension",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """An installed name; `specs` are what it registers, `error` why it can't be used.

    `source` is the entry point's module, `location` the folder that the distribution is found in.
    `glance` is what can be told of it without loading it, which is when there are no specs.
    """

    name: str
    group: str
    distribution: str
    version: str
    source: str
    location: str
    specs: tuple[Spec, ...] = ()
    glance: Glance = field(default_factory=Glance)
    error: str | None = None

    @property
    def kinds(self) -> tuple[BackendKind | StrategyKind, ...]:
        """The kinds of the registered backends and strategies."""
        return self.glance.kinds

    @property
    def full_name(self) -> str:
        """The name with its distribution in front, which no other distribution can claim."""
        return f"{self.distribution}:{self.name}"


class Catalogue:
    """The backends, strategies and codecs that are installed. Only what is named is imported."""

    def __init__(self, points: Iterable[EntryPoint]) -> None:
        groups = {group for group, _ in _GROUPS.values()}
        self._points: dict[tuple[str, str, str], EntryPoint] = {}
        for point in points:
            if point.group in groups:
                # Of a distribution that is found twice on the path, imports take the first.
                key = point.group, point.name, distribution_of(point)
                self._points.setdefault(key, point)
        self._loaded: dict[tuple[str, str, str], tuple[Spec, ...]] = {}
        self.masking = Masking()
        """The secrets of all options that were given to it."""

    @classmethod
    def installed(cls) -> "Catalogue":
        """Make the catalogue of the running interpreter's environment."""
        return cls(installed_points())

    def backend(self, name: str, kind: BackendKind) -> BackendSpec:
        """Find a backend's spec by name.

        Raises `ConfigurationError`, and `PluginError` if it can't be loaded.
        """
        found: BackendSpec = self._specs(BackendSpec, name)[0]
        if found.kind != kind:
            others = [each.name for each in self.names() if kind in each.kinds]
            raise ConfigurationError(
                f"{name!r} is a backend for {found.kind}; wanted one for {kind}: "
                f"{', '.join(others) or 'none is installed'}"
            )
        return found

    def strategy(self, name: str, kind: StrategyKind, options: Mapping[str, Any]) -> object:
        """Make a strategy. Raises as `backend` does, and for options that don't fit."""
        for spec in self._specs(StrategySpec, name):
            if spec.kind == kind:
                return called(spec.factory, f"strategy {name!r}", options)
        raise ConfigurationError(f"{name!r} is no {kind} strategy")

    def codec(self, name: str, options: Mapping[str, Any] | None = None) -> Codec:
        """Make a codec. Raises as `strategy` does."""
        (spec,) = self._specs(CodecSpec, name)
        return cast("Codec", called(spec.factory, f"codec {name!r}", options or {}))

    def extension_names(self) -> list[str]:
        """List the names of the installed extensions."""
        group, _ = _GROUPS[ExtensionSpec]
        return sorted({name for of, name, _ in self._points if of == group})

    def extensions(self, names: Iterable[str]) -> Extensions:
        """Load the extensions of these names. Raises as `backend` does."""
        return Extensions([self._specs(ExtensionSpec, name)[0] for name in dict.fromkeys(names)])

    def build(
        self,
        reference: BackendReference,
        kind: BackendKind,
        *,
        namespace: str,
        part: Callable[[str], object],
    ) -> object:
        """Build the backend of a reference, unopened; `part` makes those that it is composed of.

        Raises as `config` does.
        """
        spec, config = self.config(reference, kind, namespace=namespace)
        factory = imported(spec.factory, f"backend {reference.name!r}")
        parts = [part(name) for name in part_names(spec, config)]
        try:
            return factory() if config is None else factory(config, *parts)
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 it is told of, its secrets masked
            cause = error if self.masking.clean(error) else None
            told = self.masking.text(repr(error))
            raise PluginError(f"backend {reference.name!r} can't be made: {told}") from cause

    def config(
        self, reference: BackendReference, kind: BackendKind, *, namespace: str
    ) -> tuple[BackendSpec, BaseModel | None]:
        """Validate a reference's options; a field `namespace` defaults to the application's.

        Raises `ConfigurationError` with all that is wrong with them.
        """
        spec = self.backend(reference.name, kind)
        what = f"backend {reference.name!r}"
        model = self.options(spec)
        if model is None:
            if reference.options:
                found = ", ".join(reference.options)
                raise ConfigurationError(f"{what} takes no options, found {found}")
            return spec, None
        options = dict(reference.options)
        self.masking.learn(options, model)
        if "namespace" in model.model_fields:
            options.setdefault("namespace", namespace)
        return spec, validated(what, model, options)

    def options(self, spec: BackendSpec) -> type[BaseModel] | None:
        """The model of a backend's options; None if it takes none. Raises `PluginError`."""
        if spec.config is None:
            return None
        what = f"backend {spec.name!r}"
        model = imported(spec.config, what)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise PluginError(f"{what}: {spec.config} is {model!r}; wanted a pydantic model")
        return model

    def names(self) -> list[Listing]:
        """List everything installed by name, without loading it: without specs and most errors."""
        listings: list[Listing] = []
        for point in self._points.values():
            if point.value == OWN_MODULE:
                listings += self._loaded_listings([point])
            else:
                found = glance_at(point)
                listings.append(replace(_listed(point), glance=found, error=found.error))
        return sorted(listings, key=lambda listing: (listing.name, listing.distribution))

    def listing(self, name: str | None = None) -> list[Listing]:
        """List what is installed under `name` or `distribution:name`; without a name everything.

        Everything that is listed is loaded; a broken plugin is listed with its reason.
        """
        distribution, _, bare = (name or "").rpartition(":")
        distribution = distribution and normal(distribution)
        return sorted(
            self._loaded_listings(
                point
                for (_, of, by), point in self._points.items()
                if name is None or (of == bare and distribution in ("", by))
            ),
            key=lambda listing: (listing.name, listing.distribution),
        )

    def _loaded_listings(self, points: Iterable[EntryPoint]) -> Iterator[Listing]:
        for point in points:
            spec_type = next(cls for cls, (group, _) in _GROUPS.items() if group == point.group)
            specs: tuple[Spec, ...] = ()
            reason = None
            try:
                specs = self._load(spec_type, point)
            except PluginError as error:
                reason = str(error)
            glance = Glance(tuple((getattr(spec, "kind", None), spec.summary) for spec in specs))
            yield replace(_listed(point), specs=specs, glance=glance, error=reason)

    def _specs(self, spec_type: type[Any], name: str) -> Any:  # Any: specs of that type
        return self._load(spec_type, self._point(spec_type, name))

    def _point(self, spec_type: type, name: str) -> EntryPoint:
        group, _ = _GROUPS[spec_type]
        noun = _NOUNS[spec_type]
        distribution, _, bare = name.rpartition(":")
        distribution = distribution and normal(distribution)
        named = [key for key in self._points if key[:2] == (group, bare)]
        keys = [key for key in named if not distribution or key[2] == distribution]
        if len(keys) == 1:
            return self._points[keys[0]]
        if keys:
            claims = " and ".join(sorted(key[2] for key in keys))
            choice = " or ".join(sorted(f'"{key[2]}:{bare}"' for key in keys))
            raise ConfigurationError(
                f"{claims} both register a {noun} {bare!r}; say which one: {choice}"
            )
        installed = sorted({n for g, n, _ in self._points if g == group})
        ours = OURS.get(noun, ())
        near = difflib.get_close_matches(bare, {*installed, *ours}, 1)
        advice = f"did you mean {near[0]!r}? " if near and near[0] != bare else ""
        if bare in ours or (near and near[0] not in installed):
            missing = bare if bare in ours else near[0]
            advice += f"`pip install interlock-{missing}` provides {missing!r}. "
        raise ConfigurationError(
            f"no {noun} {name!r} is installed; {advice}Installed: {', '.join(installed) or 'none'}"
        )

    def _load(self, spec_type: type, point: EntryPoint) -> tuple[Spec, ...]:
        key = (point.group, point.name, distribution_of(point))
        if key not in self._loaded:
            self._loaded[key] = _registered(spec_type, point)
        return self._loaded[key]


def _listed(point: EntryPoint) -> Listing:
    return Listing(
        point.name,
        point.group,
        distribution_of(point),
        "" if point.dist is None else point.dist.version,
        point.value,
        "" if point.dist is None else str(point.dist.locate_file("")),
    )


def part_names(spec: BackendSpec, config: BaseModel | None) -> Sequence[str]:
    """List the names of the backends that a composed backend's options name."""
    names: Sequence[str] = () if spec.parts is None else getattr(config, spec.parts)
    return names


def _registered(spec_type: type, point: EntryPoint) -> tuple[Spec, ...]:
    """The specs that the entry point's module registers under the entry point's name."""
    what = f"{_NOUNS[spec_type]} {point.name!r} of {_source(point)}"
    try:
        specs = _load_specs(spec_type, point)
    except (Exception, SystemExit) as error:
        raise PluginError(f"{what} can't be loaded: {type(error).__name__}: {error}") from error
    if spec_type is ExtensionSpec:
        return tuple(specs)
    named = _named(spec_type, point, specs)
    for spec in named:
        if spec.plugin_api != PLUGIN_API:
            raise PluginError(
                f"{what} is written for plugin API {spec.plugin_api}, this core has {PLUGIN_API}; "
                "install a version of it that fits"
            )
    return tuple(named)


def _load_specs(spec_type: type, point: EntryPoint) -> list[Any]:  # Any: what a plugin gave
    manager = hook_manager()
    plugin = point.load()
    manager.register(plugin, name=point.value)
    if spec_type is ExtensionSpec:
        manager.check_pending()
        summary = (plugin.__doc__ or "").partition("\n")[0]
        return [ExtensionSpec(point.name, plugin, summary)]
    _, hook = _GROUPS[spec_type]
    return [spec for result in getattr(manager.hook, hook)() for spec in result]


def _named(
    spec_type: type, point: EntryPoint, specs: Sequence[Any]
) -> list[Any]:  # Any: what a plugin gave
    """The specs of the entry point's name. Raises `PluginError` unless they are as they should."""
    _, hook = _GROUPS[spec_type]
    strange = [spec for spec in specs if not isinstance(spec, spec_type)]
    if strange:
        raise PluginError(
            f"{_source(point)}: {hook} gave {strange[0]!r}; a {spec_type.__name__} is wanted"
        )
    named = [spec for spec in specs if spec.name == point.name]
    kinds = {getattr(spec, "kind", None) for spec in named}
    if not named or len(kinds) != len(named) or (spec_type is BackendSpec and len(named) > 1):
        raise PluginError(
            f"{_source(point)}: the entry point {point.name!r} wants one {_NOUNS[spec_type]} of "
            f"that name, {hook} gave {', '.join(repr(spec.name) for spec in specs) or 'none'}"
        )
    return named


def _source(point: EntryPoint) -> str:
    return f"{distribution_of(point)} ({point.value})"
