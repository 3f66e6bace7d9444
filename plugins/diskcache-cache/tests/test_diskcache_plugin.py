# ruff: noqa: ASYNC240 # the files are small
import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, ValidationError

from interlock.application import ApplicationBuilder
from interlock.backends import BackendKind, BackendUnavailableError, ConfigurationError
from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from interlock_diskcache_cache.backend import DiskCacheAggregateCacheBackend
from interlock_diskcache_cache.config import DiskCacheConfig
from interlock_diskcache_cache.plugin import interlock_register_backends


class Deposit(Command[int]):
    amount: int


class Deposited(BaseModel):
    amount: int


class Purse(Aggregate):
    balance: int = 0

    @handles_command
    def deposit(self, command: Deposit) -> int:
        self.emit(Deposited(amount=command.amount))
        return self.balance

    @applies_event
    def deposited(self, event: Deposited) -> None:
        self.balance += event.amount


def toml(tmp_path: Path, directory: Path, *lines: str) -> Path:
    file = tmp_path / "interlock.toml"
    options = "\n".join(lines)
    file.write_text(
        f"""
schema = 1

[cache_backends.local]
backend = "diskcache-cache"
directory = "{directory}"
{options}

[aggregates.Purse]
cache_strategy = "always"
cache_backend = "local"
"""
    )
    return file


def test_the_plugin_registers_the_backend_and_imports_no_driver() -> None:
    (spec,) = interlock_register_backends()
    assert (spec.name, spec.kind) == ("diskcache-cache", BackendKind.CACHE)
    code = (
        "import sys, interlock_diskcache_cache.plugin, interlock_diskcache_cache.config;"
        "sys.exit(bool({'diskcache', 'sqlite3'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 # our own
    assert result.returncode == 0


def test_defaults_and_units(tmp_path: Path) -> None:
    config = DiskCacheConfig.model_validate({"directory": str(tmp_path)})
    assert (config.ttl, config.size_limit) == (timedelta(hours=1), 2**30)
    assert (config.timeout, config.required) == (timedelta(seconds=1), False)
    options = {"directory": "~/cache", "size_limit": "500MiB", "ttl": "never"}
    config = DiskCacheConfig.model_validate(options)
    assert (config.directory, config.ttl) == (Path.home() / "cache", None)
    assert config.size_limit == 500 * 2**20


@pytest.mark.parametrize(
    "options",
    [
        {"directory": None},
        {"directory": "/var/$HOME"},
        {"ttl": 0},
        {"ttl": "-5s"},
        {"ttl": None},
        {"ttl": "always"},
        {"size_limit": 0},
        {"size_limit": "1023KiB"},
        {"size_limit": "large"},
        {"timeout": 0},
        {"keep": 1},
    ],
)
def test_nonsense_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DiskCacheConfig.model_validate({"directory": "/tmp/cache", **options})  # noqa: S108 # unused


def test_a_directory_must_be_given() -> None:
    with pytest.raises(ValidationError, match="directory"):
        DiskCacheConfig.model_validate({})


async def test_an_application_finds_its_states_again_after_a_restart(
    tmp_path: Path, directory: Path
) -> None:
    config = toml(tmp_path, directory)
    purse = uuid4()
    builder = ApplicationBuilder.from_config(config).register_aggregate(Purse)
    async with builder.build() as app:
        assert await app.dispatch(Deposit(aggregate_id=purse, amount=3)) == 3
        assert await app.dispatch(Deposit(aggregate_id=purse, amount=4)) == 7
    builder = ApplicationBuilder.from_config(config).register_aggregate(Purse)
    async with builder.build() as app:  # its event store is in memory, and so empty
        assert (await app.load(Purse, purse)).balance == 7


async def test_a_cache_that_cannot_be_opened_costs_nothing_but_its_hits_until_it_can(
    tmp_path: Path, directory: Path
) -> None:
    directory.write_text("no directory")
    config = toml(tmp_path, directory)
    purse = UUID(int=1)
    async with ApplicationBuilder.from_config(config).register_aggregate(Purse).build() as app:
        assert await app.dispatch(Deposit(aggregate_id=purse, amount=3)) == 3
        assert (await app.load(Purse, purse)).balance == 3
        await asyncio.to_thread(directory.unlink)
        assert await app.dispatch(Deposit(aggregate_id=purse, amount=4)) == 7
    assert (directory / "cache.db").stat().st_size > 0


async def test_a_required_cache_stops_the_start_and_so_does_an_open_directory(
    tmp_path: Path, directory: Path
) -> None:
    directory.write_text("no directory")
    config = toml(tmp_path, directory, "required = true")
    with pytest.raises(BackendUnavailableError, match="File exists"):
        await ApplicationBuilder.from_config(config).register_aggregate(Purse).build().start()
    directory.unlink()
    directory.mkdir()
    directory.chmod(0o777)
    config = toml(tmp_path, directory)
    with pytest.raises(ConfigurationError, match="other users can write"):
        await ApplicationBuilder.from_config(config).register_aggregate(Purse).build().start()


async def test_the_version_names_driver_and_database(
    backend: DiskCacheAggregateCacheBackend,
) -> None:
    assert (await backend.server_version()).startswith("diskcache 5.")
