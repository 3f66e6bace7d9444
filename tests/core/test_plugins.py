"""Names to what is installed, on distributions that the tests make."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

import pytest

from interlock._model.strategies import AlwaysCache, NeverCache, NeverSnapshot, SnapshotAfterN
from interlock._plugins import builtins, entry_points
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.specs import BackendKind, BackendReference, StrategyKind
from interlock._storage.memory import InMemoryAggregateSnapshotStorageBackend
from interlock.application import ApplicationBuilder, backend
from interlock.errors import ConfigurationError, PluginError
from rig import unharmed
from rig_domain import Account
from site_packages import Site, good, site_in

HOOK = "from interlock.backends import hookimpl\n@hookimpl\ndef interlock_register_backends():\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with site_in(tmp_path, monkeypatch) as site:
        yield site


def test_a_named_backend_is_made_with_its_validated_options(site: Site) -> None:
    site.install("acme-cache", "acme_one", good("acme", "acme_one"), "acme")
    reference = BackendReference("acme", {"directory": "/tmp/x"})  # noqa: S108 never opened
    made = site.catalogue().build(reference, BackendKind.CACHE, namespace="bank", part=str)
    assert vars(made)["config"].model_dump() == {
        "directory": "/tmp/x",  # noqa: S108 never opened
        "size": 3,
        "namespace": "bank",
    }


def test_all_wrong_options_are_told_at_once(site: Site) -> None:
    site.install("acme-cache", "acme_two", good("acme", "acme_two"), "acme")
    reference = BackendReference("acme", {"sise": 2, "size": "many"})
    with pytest.raises(ConfigurationError) as caught:
        site.catalogue().build(reference, BackendKind.CACHE, namespace="bank", part=str)
    message = str(caught.value)
    assert "directory: is required and missing" in message
    assert "sise: no such option; did you mean 'size'?" in message
    assert "'many'" in message


def test_unknown_name_tells_the_nearest_the_installed_and_what_to_install(site: Site) -> None:
    site.install("acme-cache", "acme_three", good("acme", "acme_three"), "acme")
    with pytest.raises(ConfigurationError, match=r"did you mean 'acme'\?.*Installed: acme"):
        site.catalogue().backend("acne", BackendKind.CACHE)
    with pytest.raises(ConfigurationError, match=r"pip install interlock-redis-cache"):
        site.catalogue().backend("redis-cach", BackendKind.CACHE)


def test_wrong_kind_is_told(site: Site) -> None:
    site.install("acme-cache", "acme_kind", good("acme", "acme_kind"), "acme")
    with pytest.raises(ConfigurationError, match="a backend for cache; wanted one for events"):
        site.catalogue().backend("acme", BackendKind.EVENTS)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no driver')", "RuntimeError: no driver"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import a_driver_that_is_not_there", "ModuleNotFoundError"),
        (good("acme", "broken", ", plugin_api=99"), "plugin API 99, this core has 1"),
        (good("another", "broken"), "gave 'another'"),
        ("x = 1", "gave none"),
        (
            HOOK + "    yield 'acme'\n",
            "gave 'acme'; a BackendSpec is wanted",
        ),
        (
            HOOK + "    raise ValueError('in the hook')\n",
            "ValueError: in the hook",
        ),
    ],
)
def test_a_broken_plugin_is_listed_and_stops_only_who_names_it(
    site: Site, source: str, reason: str
) -> None:
    site.install("acme-broken", "broken", source, "acme")
    site.install("acme-cache", "acme_four", good("fine", "acme_four"), "fine")
    catalogue = site.catalogue()
    with unharmed("one broken plugin stopped the listing"):
        broken, fine = catalogue.listing()
    assert (broken.name, fine.name, fine.error) == ("acme", "fine", None)
    assert broken.error is not None
    assert reason in broken.error
    assert "acme-broken" in broken.error
    assert catalogue.backend("fine", BackendKind.CACHE).name == "fine"
    with pytest.raises(PluginError) as caught:
        catalogue.backend("acme", BackendKind.CACHE)
    assert reason in str(caught.value)


def test_the_real_cause_of_a_failed_factory_is_kept(site: Site) -> None:
    source = good("acme", "acme_five").replace("self.config = config", "raise OSError('no disk')")
    site.install("acme-cache", "acme_five", source, "acme")
    reference = BackendReference("acme", {"directory": "d"})
    with pytest.raises(PluginError, match="no disk") as caught:
        site.catalogue().build(reference, BackendKind.CACHE, namespace="bank", part=str)
    assert isinstance(caught.value.__cause__, OSError)


def test_a_name_that_two_distributions_claim_is_chosen_by_distribution(site: Site) -> None:
    site.install("first-cache", "first_mod", good("acme", "first_mod"), "acme")
    site.install("second-cache", "second_mod", good("acme", "second_mod"), "acme")
    catalogue = site.catalogue()
    with pytest.raises(
        ConfigurationError, match=r'first-cache and second-cache both.*"second-cache:acme"'
    ):
        catalogue.backend("acme", BackendKind.CACHE)
    chosen = catalogue.backend("second-cache:acme", BackendKind.CACHE)
    assert chosen.factory == "second_mod:Cache"


class TestDistributions:
    def _points(self, folder: Path, *names: str) -> list[EntryPoint]:
        """Of distributions that register `acme`, each with a module of its own, in this order."""
        found: list[EntryPoint] = []
        for number, name in enumerate(names):
            home = folder / str(number)
            home.mkdir()
            Site(home).install(name, f"acme_dist_{number}", "", "acme")
            (info,) = home.glob("*.dist-info")
            found += PathDistribution(info).entry_points
        return found

    def test_of_one_that_is_found_twice_the_first_is_taken_as_imports_do(
        self, tmp_path: Path
    ) -> None:
        (found,) = Catalogue(self._points(tmp_path, "acme-cache", "acme-cache")).names()
        assert (found.source, found.location) == ("acme_dist_0", str(tmp_path / "0"))

    def test_the_spellings_of_a_name_are_one_distribution(self, tmp_path: Path) -> None:
        points = self._points(tmp_path, "Acme_Cache", "acme-cache", "acme.cache")
        assert [(each.distribution, each.source) for each in Catalogue(points).names()] == [
            ("acme-cache", "acme_dist_0")
        ]

    def test_a_choice_may_be_spelled_in_any_way(self, tmp_path: Path) -> None:
        points = self._points(tmp_path, "first_cache", "Second.Cache")
        assert [each.source for each in Catalogue(points).listing("Second_cache:acme")] == [
            "acme_dist_1"
        ]

    def test_one_whose_metadata_is_broken_stops_nothing(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, text in (("bad", "[interlock.backends]\nacme\n"), ("none", "")):
            info = site.folder / f"{name}-1.0.dist-info"
            info.mkdir()
            (info / "entry_points.txt").write_text(text)
        with unharmed("broken metadata stopped the look-up"):
            names = {found.name for found in Catalogue.installed().names()}
        assert "memory-cache" in names

    def test_without_any_metadata_the_cores_own_are_there(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(entry_points, "distributions", lambda: ())  # as in a frozen application
        catalogue = Catalogue.installed()
        with unharmed("the core's own need metadata"):
            assert catalogue.backend("memory-cache", BackendKind.CACHE).name == "memory-cache"
            assert catalogue.strategy("never", StrategyKind.CACHE, {}) == NeverCache()
            assert catalogue.codec("json").name == "json"

    def test_the_cores_own_are_all_that_it_registers(self) -> None:
        registered = {
            spec.name
            for hook in (
                builtins.interlock_register_backends,
                builtins.interlock_register_strategies,
                builtins.interlock_register_codecs,
            )
            for spec in hook()
        }
        assert set(entry_points.own_names()) == registered


def test_one_name_may_be_a_strategy_for_snapshots_and_for_caches() -> None:
    catalogue = Catalogue.installed()
    assert catalogue.strategy("never", StrategyKind.SNAPSHOT, {}) == NeverSnapshot()
    assert catalogue.strategy("never", StrategyKind.CACHE, {}) == NeverCache()
    assert catalogue.strategy("after-n", StrategyKind.SNAPSHOT, {"n": 7}) == SnapshotAfterN(7)
    with pytest.raises(ConfigurationError, match="'after-n' is no cache strategy"):
        catalogue.strategy("after-n", StrategyKind.CACHE, {"n": 7})


def test_built_in_backends_are_installed_like_others() -> None:
    found = {listing.name: listing for listing in Catalogue.installed().listing()}
    for name in ("memory-events", "memory-snapshots", "memory-cache", "null-cache", "json+zlib"):
        assert found[name].error is None
        assert found[name].distribution == "interlock"


def test_a_builder_takes_names_and_references() -> None:
    app = (
        ApplicationBuilder()
        .register_event_store("memory-events")
        .register_aggregate(
            Account,
            snapshot_backend=backend("memory-snapshots", keep=2),
            cache_backend="memory-cache",
            cache_strategy=AlwaysCache,
        )
        .build()
    )
    (part,) = app._services.values()
    assert part.context.snapshots is not None
    assert isinstance(part.context.snapshots, InMemoryAggregateSnapshotStorageBackend)
