"""`interlock config check` and `show`: what `build()` refuses, profiles, what is worth a look."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from interlock._config.checking import Checked, check
from interlock._config.toml import find
from interlock.application import ApplicationBuilder
from interlock.cli.commands import app
from interlock.errors import PluginError
from rig_domain import Account
from shell import runner
from site_packages import Site, good, site_in

PROFILES = """\
    schema = 1
    [aggregates.A]
    freshness = "truste"
    [profiles.test.aggregates.A]
    replay_limit = 0
    [profiles.prod.application]
    namespace = "${SPACE_OF_PROD}"
    [profiles.prod.aggregates.A]
    codec = { file = "codec.txt" }
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.chdir(tmp_path)
    for name in ("INTERLOCK_CONFIG", "INTERLOCK_PROFILE", "SPACE_OF_PROD"):
        monkeypatch.delenv(name, raising=False)
    with site_in(tmp_path, monkeypatch) as site:
        yield site


@pytest.fixture
def checked(site: Site) -> Callable[..., Checked]:
    def checked(text: str, profile: str | None = None) -> Checked:
        Path("interlock.toml").write_text(dedent(text))
        return check(find(None), profile)

    return checked


Check = Callable[..., Checked]


class TestWhatBuildRefuses:
    TOML = """\
        schema = 1
        [cache_backends.hot]
        backend = "acme"
        directory = "d"
    """

    @pytest.fixture(autouse=True)
    def _acme(self, site: Site) -> None:
        refusing = "raise OSError(f'no {config.directory}')"
        source = good("acme", "acme").replace("self.config = config", refusing)
        site.install("acme-cache", "acme", source, "acme")

    def test_it_is_an_error_of_the_check(self, checked: Check) -> None:
        assert [(each.place, each.line, each.text) for each in checked(self.TOML).errors] == [
            ("cache_backends.hot", 2, "backend 'acme' can't be made: OSError('no d')")
        ]

    def test_it_is_what_build_says(self, checked: Check) -> None:
        (problem,) = checked(self.TOML).errors
        builder = ApplicationBuilder.from_config().register_aggregate(Account, cache_backend="hot")
        with pytest.raises(PluginError) as caught:
            builder.build()
        assert str(caught.value) == problem.text

    def test_show_does_not_print_it(self, checked: Check) -> None:
        checked(self.TOML)
        done = runner().invoke(app, ["config", "show"])
        assert (done.stdout, done.exit_code) == ("", 1)
        assert "backend 'acme' can't be made" in str(done.exception)

    def test_options_that_do_not_fit_are_told_once(self, checked: Check) -> None:
        (problem,) = checked(self.TOML.replace("directory", "directry = 1\ndirectory")).errors
        assert problem.place == "cache_backends.hot.directry"

    def test_what_another_is_made_of_is_made_too(self, checked: Check) -> None:
        tiers = '[cache_backends.both]\nbackend = "tiered"\ntiers = ["memory-cache", "hot"]\n'
        places = [each.place for each in checked(dedent(self.TOML) + tiers).errors]
        assert places == ["cache_backends.hot", "cache_backends.both"]


class TestProfiles:
    def test_each_is_checked_and_what_is_wrong_without_any_is_told_once(
        self, checked: Check
    ) -> None:
        found = checked(PROFILES)
        assert [(each.place, each.profile) for each in found.errors] == [
            ("aggregates.A.freshness", None),
            ("aggregates.A.replay_limit", "test"),
        ]
        assert found.profiles == ["test", "prod"]

    def test_what_is_not_here_is_only_noted_of_those_that_are_not_in_use(
        self, checked: Check
    ) -> None:
        found = checked(PROFILES)
        assert [(each.place, each.profile, each.line) for each in found.notes] == [
            ("application.namespace", "prod", 7),
            ("aggregates.A.codec", "prod", 9),
        ]

    @pytest.mark.parametrize("is_given", [True, False])
    def test_of_the_one_in_use_it_is_an_error(
        self, checked: Check, monkeypatch: pytest.MonkeyPatch, *, is_given: bool
    ) -> None:
        if not is_given:
            monkeypatch.setenv("INTERLOCK_PROFILE", "prod")
        errors = checked(PROFILES, "prod" if is_given else None).errors
        assert "the environment variable SPACE_OF_PROD is not set" in [each.text for each in errors]

    def test_one_alone_can_be_checked(self, checked: Check) -> None:
        found = checked(PROFILES, "test")
        assert [each.place for each in found.errors] == [
            "aggregates.A.freshness",
            "aggregates.A.replay_limit",
        ]
        assert found.profiles == ["test"]

    def test_one_that_is_not_there_is_an_error(self, checked: Check) -> None:
        (problem,) = checked("schema = 1\n[profiles.prod]\n", "stage").errors
        assert str(problem).endswith("there is no profile stage; there are: prod")


class TestNotes:
    @pytest.mark.parametrize(
        ("table", "places"),
        [
            ('snapshot_strategy = { use = "after-n", n = 5 }', ["snapshot_strategy"]),
            ('snapshot_backend = "memory-snapshots"', ["snapshot_backend"]),
            ('cache_strategy = "always"', ["cache_strategy"]),
            ('cache_strategy = "always"\ncache_backend = "null-cache"', ["cache_strategy"]),
            ('cache_strategy = "never"\ncache_backend = "memory-cache"', ["cache_backend"]),
            ('cache_strategy = "always"\ncache_backend = "memory-cache"', []),
            ('cache_strategy = "never"', []),
        ],
    )
    @pytest.mark.parametrize("name", ["A", "default"])
    def test_a_strategy_without_a_backend_and_the_reverse(
        self, checked: Check, name: str, table: str, places: list[str]
    ) -> None:
        found = checked(f"schema = 1\n[aggregates.{name}]\n{table}\n")
        assert not found.errors
        assert [each.place for each in found.notes] == [f"aggregates.{name}.{p}" for p in places]

    def test_what_the_default_has_counts_for_all(self, checked: Check) -> None:
        found = checked(
            """
            schema = 1
            [aggregates.default]
            cache_backend = "memory-cache"
            snapshot_strategy = { use = "after-n", n = 5 }
            [aggregates.A]
            cache_strategy = "always"
            [aggregates.B]
            freshness = "trust"
            """
        )
        assert [each.place for each in found.notes] == ["aggregates.default.snapshot_strategy"]

    def test_they_fail_nothing(self, checked: Check) -> None:
        checked('schema = 1\n[aggregates.A]\ncache_strategy = "always"\n')
        done = runner().invoke(app, ["config", "check"])
        assert (done.exit_code, done.stdout) == (0, "interlock.toml: no errors\n")
        assert done.stderr == (
            "note: line 3, aggregates.A.cache_strategy: there is no cache_backend, "
            "so nothing is kept; name one here or in code\n"
        )


def test_as_json_each_problem_has_its_place_hint_and_line(checked: Check) -> None:
    checked(PROFILES)
    done = runner().invoke(app, ["config", "check", "--json", "--profile", "test"])
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "ok": False,
        "source": "interlock.toml",
        "profiles": ["test"],
        "problems": [
            {
                "level": "error",
                "place": "aggregates.A.freshness",
                "problem": "no freshness 'truste'",
                "hint": "did you mean 'trust'?",
                "line": 3,
                "profile": "test",
            },
            {
                "level": "error",
                "place": "aggregates.A.replay_limit",
                "problem": "Input should be greater than or equal to 1, found 0",
                "hint": None,
                "line": 5,
                "profile": "test",
            },
        ],
    }


def test_show_takes_a_profile(checked: Check) -> None:
    checked('schema = 1\n[profiles.prod.application]\nnamespace = "prod"\n')
    done = runner().invoke(app, ["config", "show", "--profile", "prod"])
    assert 'namespace = "prod"' in done.stdout
