"""Whoever lists plugins or names one loads no other."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from interlock._plugins.specs import BackendKind
from interlock.errors import ConfigurationError
from site_packages import Site, good, site_in


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with site_in(tmp_path, monkeypatch) as site:
        yield site


TELLTALE = "from pathlib import Path\nPath(__file__ + '.run').touch()\n"


class TestWithoutLoading:
    def test_what_is_installed_is_told_and_none_of_it_is_run(self, site: Site) -> None:
        more = ', summary="Holes in the ground"'
        site.install(
            "acme-cache", "acme_quiet", TELLTALE + good("acme", "acme_quiet", more), "acme"
        )
        (found,) = site.catalogue().names()
        assert (found.name, found.kinds, found.glance.summary(), found.error) == (
            "acme",
            (BackendKind.CACHE,),
            "Holes in the ground",
            None,
        )
        assert not list(site.folder.glob("*.run"))

    def test_a_module_in_a_package_is_read_and_the_package_is_not_run(self, site: Site) -> None:
        package = site.folder / "acme_package"
        package.mkdir()
        (package / "__init__.py").write_text(TELLTALE)
        (package / "plugin.py").write_text(good("acme", "acme_package.plugin"))
        site.install("acme-cache", "unused", "", "acme")
        points = site.folder / "acme_cache-1.0.dist-info" / "entry_points.txt"
        points.write_text("[interlock.backends]\nacme = acme_package.plugin\n")
        (found,) = site.catalogue().names()
        assert found.kinds == (BackendKind.CACHE,)
        assert not list(package.glob("*.run"))

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("def broken(:", "SyntaxError"),
            ("x = '\0'", "null bytes"),
            (None, "there is no module 'acme_gone'"),
        ],
    )
    def test_what_cannot_be_read_is_told(
        self, site: Site, source: str | None, expected: str
    ) -> None:
        site.install("acme-cache", "acme_gone", source or "", "acme")
        if source is None:
            (site.folder / "acme_gone.py").unlink()
        (found,) = site.catalogue().names()
        assert expected in (found.error or "")

    def test_a_kind_that_is_computed_is_not_told(self, site: Site) -> None:
        source = good("acme", "acme_computed").replace("BackendKind.CACHE", "max(BackendKind)")
        site.install("acme-cache", "acme_computed", source, "acme")
        (found,) = site.catalogue().names()
        assert (found.kinds, found.error) == ((), None)

    def test_a_wrong_kind_is_told_with_what_there_is_and_loads_nothing_else(
        self, site: Site
    ) -> None:
        site.install("acme-cache", "acme_one_kind", good("acme", "acme_one_kind"), "acme")
        events = good("other", "acme_other_kind").replace("BackendKind.CACHE", "BackendKind.EVENTS")
        site.install("other-events", "acme_other_kind", TELLTALE + events, "other")
        with pytest.raises(ConfigurationError, match="wanted one for events: other"):
            site.catalogue().backend("acme", BackendKind.EVENTS)
        assert not list(site.folder.glob("*.run"))

    def test_what_is_asked_for_is_loaded_and_nothing_else(self, site: Site) -> None:
        site.install("acme-cache", "acme_asked", good("acme", "acme_asked"), "acme")
        site.install("other-cache", "acme_unasked", TELLTALE + good("o", "acme_unasked"), "o")
        assert [found.specs[0].name for found in site.catalogue().listing("acme")] == ["acme"]
        assert not list(site.folder.glob("*.run"))


def test_listing_and_resolving_import_no_driver() -> None:
    script = """
    import json, sys
    from importlib.metadata import distributions
    from interlock._plugins.catalogue import Catalogue
    from interlock._plugins.specs import BackendSpec
    catalogue = Catalogue.installed()
    for listing in catalogue.listing():
        for spec in listing.specs:
            if isinstance(spec, BackendSpec):
                catalogue.backend(spec.name, spec.kind)
    print(json.dumps(sorted(name.partition(".")[0] for name in sys.modules)))
    """
    done = subprocess.run(  # noqa: S603 our own script
        [sys.executable, "-c", dedent(script)], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout))
    drivers = {"sqlalchemy", "diskcache", "pymemcache", "redis", "asyncpg", "aiomysql", "sqlite3"}
    assert not loaded & drivers
