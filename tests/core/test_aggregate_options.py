"""The table of an aggregate's options, and what follows from an entry in it."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import pytest
from pydantic import BaseModel, Field

from interlock._config import reader
from interlock._config.reader import load_settings
from interlock._config.settings import AggregateOptions, ApplicationSettings, Named
from interlock._model.strategies import (
    AlwaysCache,
    CacheAfterVersion,
    CacheStrategy,
    NeverCache,
    Replay,
    SnapshotAfterN,
)
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.specs import StrategyKind
from interlock.application import ApplicationBuilder
from interlock.cli import configuration, schema
from interlock.cli.configuration import effective
from interlock.cli.schema import schema_of
from interlock.errors import ConfigurationError
from rig_domain import Account


class MoreOptions(AggregateOptions):
    """The table with two more entries, a value of TOML's own and one that TOML names."""

    chunk_size: Annotated[int, Field(ge=1)] = 500
    """How many events are read at once."""

    list_strategy: Annotated[CacheStrategy, Named(StrategyKind.CACHE, "never")] = NeverCache()
    """Which states lists hold."""


@pytest.fixture
def more(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (reader, schema, configuration):
        monkeypatch.setattr(module, "AggregateOptions", MoreOptions)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def written(options: str) -> Path:
        path = tmp_path / "interlock.toml"
        path.write_text(f"schema = 1\n[aggregates.Account]\n{options}\n")
        return path

    return written


@pytest.mark.usefixtures("more")
class TestAnEntry:
    """One entry in the table is all that an option needs, besides its use."""

    def test_is_read(self, written: Callable[[str], Path]) -> None:
        given = 'chunk_size = 7\nlist_strategy = { use = "after-version", version = 3 }'
        options = load_settings(written(given)).aggregates["Account"]
        assert isinstance(options, MoreOptions)
        assert options.chunk_size == 7
        assert options.list_strategy == CacheAfterVersion(3)

    def test_is_checked(self, written: Callable[[str], Path]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            load_settings(written('chunk_size = 0\nlist_strategy = "nevr"'))
        assert "aggregates.Account.chunk_size: " in str(caught.value)
        assert "aggregates.Account.list_strategy: no strategy 'nevr'" in str(caught.value)

    def test_is_shown_with_its_default(self, written: Callable[[str], Path]) -> None:
        table = effective(load_settings(written("chunk_size = 7")), Catalogue.installed())
        tables = table["aggregates"]
        assert tables["default"]["chunk_size"] == 500
        assert tables["Account"]["chunk_size"] == 7
        assert tables["Account"]["list_strategy"] == "never"

    def test_is_described_to_editors(self) -> None:
        found, _ = schema_of(Catalogue.installed())
        for tables in (found, found["properties"]["profiles"]["additionalProperties"]):
            options = tables["properties"]["aggregates"]["additionalProperties"]["properties"]
            size = options["chunk_size"]
            assert (size["description"], size["default"]) == (
                "How many events are read at once.",
                500,
            )
            assert size["else"] == {"type": "integer", "minimum": 1}
            named = options["list_strategy"]
            assert (named["description"], named["default"]) == ("Which states lists hold.", "never")
            name = named["$ref"].removeprefix("#/$defs/")
            assert "after-version" in json.dumps(found["$defs"][name])


def keywords(method: Callable[..., Any]) -> Mapping[str, object]:
    """The types of a method's keywords, each of which may be left out, in their order."""
    found = [
        each for each in signature(method).parameters.values() if each.kind is each.KEYWORD_ONLY
    ]
    assert [each.default for each in found] == [None] * len(found)
    hints = get_type_hints(method)
    return {each.name: hints[each.name] for each in found}


def types(model: type[BaseModel]) -> Mapping[str, Any]:
    """The types of a model's fields, in their order."""
    hints = get_type_hints(model)
    return {name: hints[name] for name in model.model_fields}


def test_the_keywords_of_register_aggregate_are_the_table() -> None:
    kinds = AggregateOptions.kinds()
    expected = {
        name: found | type[found] | None
        if isinstance(kinds.get(name), StrategyKind)  # a class stands for an instance
        else found | None
        for name, found in types(AggregateOptions).items()
    }
    found = keywords(ApplicationBuilder.register_aggregate)
    assert list(found.items()) == list(expected.items())


def test_the_keywords_of_configure_are_the_settings() -> None:
    expected = {name: found | None for name, found in types(ApplicationSettings).items()}
    assert list(keywords(ApplicationBuilder.configure).items()) == list(expected.items())


def test_each_keyword_reaches_the_table() -> None:
    given: dict[str, Any] = {
        "snapshot_strategy": SnapshotAfterN(3),
        "snapshot_backend": "memory-snapshots",
        "cache_strategy": AlwaysCache(),
        "cache_backend": "memory-cache",
        "freshness": Replay(),
        "codec": "json+zlib",
        "on_unavailable": "fail",
        "replay_limit": 7,
        "replay_limit_holds": "always",
        "snapshot_long_replays": False,
        "shadow": 0.001,
    }
    builder = ApplicationBuilder().register_aggregate(Account, **given)
    (options,) = builder._aggregates.values()
    assert dict(options) == given
    assert given.keys() == AggregateOptions.model_fields.keys()


def test_each_setting_reaches_the_application() -> None:
    given: dict[str, Any] = {
        "namespace": "bank",
        "epoch": 2,
        "floor_size": 3,
        "max_attempts": 4,
        "queue_size": 5,
        "snapshot_queue_size": 6,
        "replay_slots": 7,
        "replay_long": 8,
        "breaker_failures": 9,
        "breaker_rest_max": timedelta(seconds=10),
        "archive": "archive",
        "close_timeout": timedelta(seconds=11),
    }
    builder = ApplicationBuilder().configure(**given)
    assert dict(builder._settings.application) == given
    assert given.keys() == ApplicationSettings.model_fields.keys()


def test_what_is_left_out_of_configure_stays_as_it_was() -> None:
    builder = ApplicationBuilder().configure(namespace="bank").configure(epoch=2)
    assert builder._settings.application == ApplicationSettings(namespace="bank", epoch=2)
