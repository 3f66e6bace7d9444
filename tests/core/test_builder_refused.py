"""What can't be registered is refused where it is, and told."""

import itertools
from typing import Any

import pytest
from pydantic import Field

from interlock._storage.codecs import JsonCodec
from interlock.application import ApplicationBuilder
from interlock.application.aggregates import (
    AlwaysCache,
    InMemoryAggregateCacheBackend,
    InMemoryAggregateSnapshotStorageBackend,
    NeverCache,
    SnapshotAfterN,
    Trust,
)
from interlock.domain import Aggregate
from interlock.errors import ConfigurationError
from interlock.routing import applies_event, handles_command
from rig_domain import Account, Deposit, Deposited


class Varying(Aggregate):
    """Its default varies."""

    revision = "1"
    counted: int = 0

    def __init__(self, **data: Any) -> None:
        super().__init__(**({"counted": next(COUNTER)} | data))


COUNTER = itertools.count()


class Required(Aggregate):
    """It can't start empty."""

    revision = "1"
    name: str


class Rival(Aggregate):
    """Handles a command of the account's."""

    revision = "1"

    @handles_command
    def deposit(self, command: Deposit) -> int:
        raise NotImplementedError

    @applies_event
    def apply_deposited(self, event: Deposited) -> None: ...


class Namesake(Aggregate):
    """Is stored under the account's name."""

    type_name = "Account"
    revision = "1"


class Secretive(Aggregate):
    """Its JSON doesn't tell all."""

    revision = "1"
    hidden: int = Field(default=0, exclude=True)


KEPT = pytest.mark.parametrize(
    "given",
    [
        {"cache_strategy": AlwaysCache, "cache_backend": InMemoryAggregateCacheBackend},
        {"snapshot_backend": InMemoryAggregateSnapshotStorageBackend},
    ],
    ids=["cache", "snapshots"],
)


class TestRefused:
    """What can't work is told at build."""

    def test_an_aggregate_registered_twice(self) -> None:
        builder = ApplicationBuilder().register_aggregate(Account)
        with pytest.raises(ConfigurationError, match="registered twice"):
            builder.register_aggregate(Account)

    @pytest.mark.parametrize(
        ("cls", "words"),
        [
            (Rival, "both handle Deposit"),
            (Namesake, "stored as 'Account'"),
            (Required, "name without a default"),
            (Varying, "counted: the default varies"),
        ],
    )
    def test_an_aggregate_that_cannot_work(self, cls: type[Aggregate], words: str) -> None:
        builder = ApplicationBuilder().register_aggregate(Account).register_aggregate(cls)
        with pytest.raises(ConfigurationError, match=words):
            builder.build()

    @KEPT
    def test_a_state_that_its_json_would_lose_is_refused_where_states_are_kept(
        self, given: dict[str, Any]
    ) -> None:
        with pytest.raises(ConfigurationError, match=r"Secretive\.hidden is excluded"):
            ApplicationBuilder().register_aggregate(Secretive, **given).build()
        ApplicationBuilder().register_aggregate(Secretive).build()

    @KEPT
    def test_code_whose_source_is_unknown_is_refused_where_states_are_kept(
        self, given: dict[str, Any]
    ) -> None:
        scope: dict[str, Any] = {"__name__": __name__}
        exec(compile(SOURCELESS, "<nowhere>", "exec"), scope)  # noqa: S102 code without a file
        cls = scope["Sourceless"]
        with pytest.raises(ConfigurationError, match="revision"):
            ApplicationBuilder().register_aggregate(cls, **given).build()
        ApplicationBuilder().register_aggregate(cls, cache_strategy=NeverCache).build()

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"snapshot_strategy": AlwaysCache}, "snapshot_strategy is .* wanted a SnapshotStr"),
            ({"cache_strategy": "always"}, "cache_strategy is 'always'; wanted a CacheStrategy"),
            ({"snapshot_strategy": SnapshotAfterN}, "SnapshotAfterN isn't made without arguments"),
            ({"freshness": Trust}, "freshness is .*Trust.*; wanted Trust()"),
            ({"freshness": "trust"}, "freshness is 'trust'; wanted Trust()"),
            ({"replay_limit": 0}, "replay_limit: .* found 0"),
            ({"on_unavailable": "explode"}, "on_unavailable: .* found 'explode'"),
            ({"codec": JsonCodec}, "codec is .*JsonCodec.* wanted a name, or an object with"),
            ({"codec": object()}, "codec is .* wanted a name, or an object with name, encode"),
        ],
    )
    def test_arguments_that_cannot_be_meant(self, given: dict[str, Any], words: str) -> None:
        with pytest.raises(ConfigurationError, match=words):
            ApplicationBuilder().register_aggregate(Account, **given).build()

    @pytest.mark.parametrize("wrong", [Deposited, Aggregate, Account(), "Account"])
    def test_what_is_no_aggregate(self, wrong: Any) -> None:
        with pytest.raises(ConfigurationError, match="is no aggregate; wanted a subclass"):
            ApplicationBuilder().register_aggregate(wrong)

    @pytest.mark.parametrize("settings", [{"floor_size": 0}, {"max_attempts": "ten"}])
    def test_settings_that_do_not_fit(self, settings: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match=next(iter(settings))):
            ApplicationBuilder().configure(**settings)


SOURCELESS = """
from interlock.domain import Aggregate
from pydantic import BaseModel
from interlock.routing import applies_event

class Happened(BaseModel):
    pass

class Sourceless(Aggregate):
    @applies_event
    def apply_happened(self, event: Happened) -> None: ...
"""
