"""TOML to settings: what is read, and how what is wrong is told."""

from datetime import timedelta
from pathlib import Path

import pytest

from interlock._config.filling import Filler
from interlock._config.reader import load_settings
from interlock._model.strategies import (
    AlwaysCache,
    AnyOf,
    CacheAfterVersion,
    FastForward,
    MaxAge,
    SnapshotAfterN,
    SnapshotAfterTime,
)
from interlock._plugins.problems import Problems
from interlock._storage.codecs import ZlibJsonCodec
from interlock._values.masking import shown
from interlock.application import ApplicationBuilder
from interlock.errors import ConfigurationError
from rig_domain import Account

FULL = """
schema = 1

[application]
namespace = "bank"
epoch = 2
close_timeout = "1m30s"

[event_store]
backend = "memory-events"

[snapshot_backends.main]
backend = "memory-snapshots"
keep = 3

[cache_backends.hot]
backend = "memory-cache"
size = 100

[aggregates.default]
snapshot_strategy = { use = "after-n", n = 100 }
snapshot_backend = "main"

[aggregates.BankAccount]
snapshot_strategy = { use = "any-of", of = [
    { use = "after-n", n = 50 },
    { use = "after-time", delta = "1h" },
] }
cache_strategy = "always"
cache_backend = "hot"
freshness = { use = "max-age", delta = "5s" }
codec = { use = "json+zlib", level = 9 }
on_unavailable = "fail"
replay_limit = 5000

[profiles.prod.cache_backends.hot]
size = 100000
"""


def write(folder: Path, text: str, name: str = "interlock.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def errors(folder: Path, text: str) -> str:
    write(folder, text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return str(caught.value)


def test_everything_is_read(here: Path) -> None:
    write(here, FULL)
    settings = load_settings()
    assert settings.application.namespace == "bank"
    assert settings.application.epoch == 2
    assert settings.application.close_timeout == timedelta(seconds=90)
    assert settings.event_store is not None
    assert settings.event_store.name == "memory-events"
    assert settings.snapshot_backends["main"].options == {"keep": 3}
    assert settings.cache_backends["hot"].options == {"size": 100}
    assert settings.default.snapshot_strategy == SnapshotAfterN(100)
    account = settings.aggregates["BankAccount"]
    assert repr(account.snapshot_strategy) == repr(
        AnyOf(SnapshotAfterN(50), SnapshotAfterTime(timedelta(hours=1)))
    )
    assert account.cache_strategy == AlwaysCache()
    assert account.freshness == MaxAge(timedelta(seconds=5))
    assert isinstance(account.codec, ZlibJsonCodec)
    assert (account.on_unavailable, account.replay_limit) == ("fail", 5000)
    assert account.over(settings.default).snapshot_backend == "main"


def test_a_profile_is_merged_over_the_base(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, FULL)
    monkeypatch.setenv("INTERLOCK_PROFILE", "prod")
    settings = load_settings()
    assert settings.cache_backends["hot"].options == {"size": 100_000}
    assert settings.snapshot_backends["main"].options == {"keep": 3}
    monkeypatch.setenv("INTERLOCK_PROFILE", "stage")
    with pytest.raises(ConfigurationError, match="there is no profile stage; there are: prod"):
        load_settings()


def test_files_are_looked_for_in_their_order(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="no configuration found"):
        load_settings()
    write(here, "[tool.interlock]\nschema = 1\n", "pyproject.toml")
    assert load_settings().source == "pyproject.toml"
    write(here, "schema = 1\n")
    assert load_settings().source == "interlock.toml"
    monkeypatch.setenv("INTERLOCK_CONFIG", str(write(here, "schema = 1\n", "named.toml")))
    assert load_settings().source == str(here / "named.toml")
    given = write(here, "schema = 1\n", "given.toml")
    assert load_settings(given).source == str(given)
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_settings(here / "missing.toml")


def test_all_errors_are_told_at_once_with_their_places(here: Path) -> None:
    message = errors(
        here,
        """
        schema = 2
        [aplication]
        [application]
        epoch = -1
        [snapshot_backends.main]
        backend = "memory-snapshots"
        kep = 3
        [cache_backends.hot]
        backend = "memory-cach"
        [aggregates.BankAccount]
        snapshot_strategy = { use = "after-n", n = 0 }
        snapshot_backend = "maine"
        cache_stategy = "always"
        cache_backend = "memory-snapshots"
        freshness = { use = "max-age", delta = "soon" }
        on_unavailable = "panic"
        [aggregates.Other]
        freshness = "fast_forward"
        snapshot_strategy = { use = "any-of", of = [{ use = "after-m", n = 5 }] }
        """,
    )
    for expected in (
        "schema: wanted schema = 1, found 2",
        "aplication: no such key; did you mean 'application'?",
        "application.epoch:",
        "snapshot_backends.main.kep: no such option; did you mean 'keep'?",
        "cache_backends.hot.backend: no backend 'memory-cach' is installed; did you mean",
        "aggregates.BankAccount.snapshot_strategy.n:",
        "aggregates.BankAccount.snapshot_backend: no backend 'maine' is installed",
        "named here: main",
        "aggregates.BankAccount.cache_stategy: no such key; did you mean 'cache_strategy'?",
        "aggregates.BankAccount.cache_backend: 'memory-snapshots' is a backend for snapshots",
        "aggregates.BankAccount.freshness.delta:",
        "aggregates.BankAccount.on_unavailable:",
        "aggregates.Other.freshness: no freshness 'fast_forward'; did you mean 'fast-forward'?",
        "aggregates.Other.snapshot_strategy.of[0]: no strategy 'after-m' is installed",
    ):
        assert expected in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("schema = 1\nevent_store = 3", "event_store: wanted a table [event_store], found 3"),
        ("schema = 1\n[event_store]\nbackend = 3", "event_store.backend: wanted a backend's name"),
        ("[event_store]\nbackend = 'memory-events'", "schema: wanted schema = 1, found nothing"),
        ("schema = 1\n[aggregates.A]\ncodec = 5", 'aggregates.A.codec: wanted "name" or'),
        ("schema = 1\n[aggregates.A]\nreplay_limit = 0", "aggregates.A.replay_limit:"),
        ("schema = 1\n[aggregates.A]\nfreshness = { use = 'trust', d = 1 }", "takes no options"),
        ("schema = 1\n[application]\nnamespace = 'a\\u0007b'", "application.namespace:"),
        ("schema = ", "is no TOML"),
    ],
)
def test_wrong_values_are_told(here: Path, text: str, expected: str) -> None:
    assert expected in errors(here, text.replace("'", '"'))


def test_variables_and_files_fill_in_values_and_stay_masked(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    write(here, "top secret\n", "token.txt")
    write(
        here,
        """
        schema = 1
        [application]
        namespace = "${SPACE:-fallback}-$${literal}"
        [cache_backends.hot]
        backend = "memory-cache"
        size = 5
        [snapshot_backends.main]
        backend = "memory-snapshots"
        keep = 1
        """,
    )
    assert load_settings().application.namespace == "fallback-${literal}"
    message = errors(
        here,
        """
        schema = 1
        [cache_backends.hot]
        backend = "memory-cache"
        size = "x${DB_PASSWORD}y"
        [snapshot_backends.main]
        backend = "memory-snapshots"
        keep = { file = "token.txt" }
        keep_revisions = "${NOT_SET}"
        """,
    )
    assert "hunter2" not in message
    assert "top secret" not in message
    assert "'x***y'" in message
    assert "the environment variable NOT_SET is not set" in message


def test_shown_options_are_masked_all_the_way_down(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    database = here / "bank.db"
    write(
        here,
        f"""
        schema = 1
        [event_store]
        backend = "memory-events"
        [cache_backends.hot]
        backend = "memory-cache"
        [application]
        namespace = "n"
        [profiles.x]
        other = "{database}"
        """,
    )
    assert load_settings().profile is None
    written = {"url": "db://app:${DB_PASSWORD}@db", "servers": ["${DB_PASSWORD}"], "n": 1}
    options = Filler(here, lambda _: None, Problems()).filled(written)
    assert options["url"] == "db://app:hunter2@db"
    assert shown(options) == {"url": "db://app:***@db", "servers": ["***"], "n": 1}
    assert "hunter2" not in repr(options)


def test_a_table_of_an_unregistered_aggregate_is_an_error(here: Path) -> None:
    write(here, "schema = 1\n[aggregates.Acount]\ncache_strategy = 'always'\n")
    builder = ApplicationBuilder.from_config().register_aggregate(Account)
    with pytest.raises(ConfigurationError, match="did you mean 'Account'"):
        builder.build()


def test_code_wins_over_toml_and_an_own_table_over_the_default(here: Path) -> None:
    write(
        here,
        """
        schema = 1
        [aggregates.default]
        freshness = "replay"
        cache_strategy = { use = "after-version", version = 7 }
        replay_limit = 10
        [aggregates.Account]
        freshness = "trust"
        """,
    )
    app = (
        ApplicationBuilder.from_config()
        .register_aggregate(Account, freshness=FastForward())
        .build()
    )
    (part,) = app._services.values()
    assert part.context.registration.freshness == FastForward()
    assert part.context.registration.cache_strategy == CacheAfterVersion(7)
    assert part.context.registration.replay_limit == 10
