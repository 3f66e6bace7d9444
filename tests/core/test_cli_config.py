"""What `interlock config show` and `schema` print."""

import json
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import tomli_w

from interlock._config.reader import load_settings
from interlock._config.settings import AggregateOptions
from interlock._plugins.catalogue import Catalogue
from interlock.application import ApplicationBuilder
from interlock.cli.commands import app
from interlock.cli.configuration import _defaults, effective
from rig import unharmed
from rig_domain import Account
from shell import run_here, runner
from site_packages import Site, good, site_in

TOML = """
    schema = 1
    [application]
    namespace = "${SPACE:-bank}"
    [cache_backends.hot]
    backend = "memory-cache"
    ttl = "1h30m"
    [aggregates.default]
    snapshot_strategy = { use = "after-n", n = 100 }
    [aggregates.Account]
    cache_strategy = "always"
    cache_backend = "hot"
    [profiles.prod.cache_backends.hot]
    ttl = "${TTL}"
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with site_in(tmp_path, monkeypatch) as site:
        yield site


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    monkeypatch.chdir(tmp_path)

    def written(text: str = TOML) -> Path:
        path = tmp_path / "interlock.toml"
        path.write_text(dedent(text))
        return path

    return written


def shown(path: Path) -> dict[str, Any]:
    return effective(load_settings(path), Catalogue.installed())


def test_show_prints_toml_of_all_that_takes_effect(written: Callable[..., Path]) -> None:
    written()
    variables = {"INTERLOCK_PROFILE": "prod", "TTL": "7m", "SPACE": "secret-space"}
    done = run_here("config", "show", **variables)
    assert done.stdout.startswith("# interlock.toml, profile prod\nschema = 1\n"), done.stderr
    found = tomllib.loads(done.stdout)
    assert found["application"]["namespace"] == "***"
    assert found["application"]["close_timeout"] == "30s"
    assert found["event_store"] == {"backend": "memory-events"}
    hot = {"backend": "memory-cache", "size": 10_000, "ttl": "***"}
    assert found["cache_backends"] == {"hot": hot}
    default = {
        "snapshot_strategy": {"use": "after-n", "n": 100},
        "snapshot_backend": "null-snapshots",
        "cache_strategy": "never",
        "cache_backend": "null-cache",
        "freshness": "trust",
        "codec": "json",
        "on_unavailable": "replay",
        "replay_limit_holds": "outage",
        "snapshot_long_replays": True,
        "shadow": 0.0,
    }
    own = {"cache_strategy": "always", "cache_backend": "hot"}
    assert found["aggregates"] == {"default": default, "Account": {**default, **own}}
    done = run_here("config", "show", "--json", **variables)
    origin = {"source": "interlock.toml", "profile": "prod"}
    assert json.loads(done.stdout) == {**origin, **found}


def test_what_show_prints_is_a_configuration_that_says_the_same(
    written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPACE", raising=False)
    first = shown(written())
    assert first["application"]["namespace"] == "bank"
    assert shown(written(tomli_w.dumps(first))) == first


def test_what_is_unset_is_named_as_what_is_used_then(written: Callable[..., Path]) -> None:
    unset = _defaults(AggregateOptions)
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in unset.items())
    said = ApplicationBuilder.from_config(written(f"schema = 1\n[aggregates.Account]\n{lines}"))
    bare, named = (
        part.context.registration
        for builder in (ApplicationBuilder(), said)
        for part in builder.register_aggregate(Account).build()._services.values()
    )
    assert replace(named, mapper=bare.mapper) == bare


def test_an_option_that_a_plugin_declares_secret_is_masked(
    site: Site, written: Callable[..., Path]
) -> None:
    source = good("acme", "acme").replace("size: int = 3", "door: pydantic.SecretStr = ''")
    site.install("acme-cache", "acme", f"import pydantic\n{source}", "acme")
    hot = 'schema = 1\n[cache_backends.hot]\nbackend = "acme"\ndirectory = "d"\n'
    assert shown(written(f'{hot}door = "hunter2"\n'))["cache_backends"]["hot"] == {
        "backend": "acme",
        "directory": "d",
        "door": "***",
        "namespace": "default",
    }


def test_show_fails_with_all_errors(written: Callable[..., Path]) -> None:
    written("schema = 1\nx = 1\ny = 2")
    done = run_here("config", "show")
    assert done.returncode == 1
    assert "x: no such key" in done.stderr
    assert "y: no such key" in done.stderr


def schema() -> tuple[set[str], str]:
    """The names of caches in the schema that is printed, and what is told besides."""
    done = runner().invoke(app, ["config", "schema"])
    with unharmed(f"the schema isn't printed: {done.exception!r}"):
        found = json.loads(done.stdout)["properties"]["cache_backends"]["additionalProperties"]
    return set(found["properties"]["backend"]["else"]["enum"]), done.stderr


def test_the_schema_holds_what_is_installed_and_tells_what_it_leaves_out(site: Site) -> None:
    site.install("acme-cache", "acme", good("acme", "acme"), "acme")
    site.install("broken-cache", "broken", "raise RuntimeError('no licence')", "broken")
    unmodelled = good("odd", "odd").replace('"odd:Config"', '"odd:Nothing"')
    site.install("odd-cache", "odd", unmodelled, "odd")
    names, told = schema()
    assert {"acme", "acme-cache:acme", "memory-cache"} <= names
    assert not {"broken", "odd"} & names
    assert "left out: broken: backend 'broken'" in told
    assert "no licence" in told
    assert "left out: odd: backend 'odd': odd:Nothing can't be imported" in told


def test_a_name_that_two_distributions_claim_is_written_with_its_distribution(site: Site) -> None:
    site.install("first-cache", "first", good("acme", "first"), "acme")
    site.install("second-cache", "second", good("acme", "second"), "acme")
    names, _ = schema()
    assert {"first-cache:acme", "second-cache:acme"} <= names
    assert "acme" not in names
