"""The JSON Schema of `interlock.toml` accepts what is right and rejects what isn't."""

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from interlock._plugins.catalogue import Catalogue
from interlock._plugins.entry_points import installed_points
from interlock._plugins.specs import BackendSpec
from interlock.cli.options import described, model_of
from interlock.cli.schema import schema_of

jsonschema = pytest.importorskip("jsonschema", reason="checks the schema by its rules")

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")]
FULL = """
schema = 1
app = "bank.main:application"
extensions = ["sql"]
[application]
namespace = "bank"
close_timeout = "1m30s"
[event_store]
backend = "interlock-sqlalchemy-events:sqlalchemy-events"
url = "postgresql+asyncpg://app:${DB_PASSWORD}@db/app"
pool_size = "${POOL_SIZE:-10}"
timeout = 2.5
[snapshot_backends.main]
backend = "sqlalchemy-snapshots"
url = { file = "url.txt" }
keep_for = "30d"
[cache_backends.hot]
backend = "memcached-cache"
servers = ["${CACHE_1}:11211", { secret = "cache-2" }]
ttl = "never"
password = { secret = "cache" }
username = "app"
tls = { ca_file = { file = "where.txt" } }
[cache_backends.disk]
backend = "diskcache-cache"
directory = "cache"
size_limit = "500MiB"
[cache_backends.both]
backend = "tiered"
tiers = ["local", "hot"]
[cache_backends.local]
backend = "${LOCAL_CACHE}"
anything = 1
[aggregates.default]
snapshot_strategy = { use = "any-of", of = [
    { use = "after-n", n = 50 },
    { use = "all-of", of = ["never", { use = "after-time", delta = "1h" }] },
] }
snapshot_backend = "main"
[aggregates.BankAccount]
cache_strategy = "always"
cache_backend = "null-cache"
freshness = { use = "max-age", delta = "5s" }
codec = { use = "json+zlib", level = 9 }
on_unavailable = "fail"
replay_limit = 5000
[aggregates.Other]
freshness = "${FRESHNESS}"
cache_strategy = { use = "after-version", version = 3 }
codec = "json"
[profiles.prod]
extensions = []
[profiles.prod.cache_backends.hot]
servers = ["cache-1:11211", "cache-2:11211"]
[profiles.prod.aggregates.default.snapshot_strategy]
n = 1000
"""


@pytest.fixture(scope="module")
def validator() -> Any:  # Any: jsonschema ships no types
    """Of what is installed, and of the examples' plugins; none needs its driver for this."""
    installed = list(installed_points())
    with pytest.MonkeyPatch.context() as patched:
        for project in ROOT.glob("docs/examples/*/pyproject.toml"):
            patched.syspath_prepend(str(project.parent / "src"))
            groups = tomllib.loads(project.read_text())["project"].get("entry-points", {})
            for group, entries in groups.items():
                names = {point.name for point in installed}
                installed += [
                    EntryPoint(name, module, group)
                    for name, module in entries.items()
                    if name not in names
                ]
        schema, left_out = schema_of(Catalogue(installed))
    assert left_out == {}
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def configurations() -> dict[str, dict[str, Any]]:
    """What README, docs and examples show; a part of a configuration as one."""
    found = {}
    for page in PAGES:
        for number, block in enumerate(
            re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)
        ):
            found[f"{page.relative_to(ROOT)}-{number}"] = tomllib.loads(block)
    for file in ROOT.glob("docs/examples/**/*.toml"):
        if file.name != "pyproject.toml":
            found[str(file.relative_to(ROOT))] = tomllib.loads(file.read_text())
    return {name: {"schema": 1, **table} for name, table in found.items() if _is_ours(table)}


def _is_ours(table: dict[str, Any]) -> bool:
    sections = {"event_store", "snapshot_backends", "cache_backends", "aggregates", "application"}
    return not table.keys().isdisjoint(sections)


@pytest.mark.parametrize("name", configurations())
def test_what_the_documentation_shows_is_accepted(name: str, validator: Any) -> None:
    validator.validate(configurations()[name])


def test_everything_that_can_be_written_is_accepted(validator: Any) -> None:
    validator.validate(tomllib.loads(FULL))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("schema = 1", "schema = 2"),
        ("schema = 1\n", ""),
        ('"bank.main:application"', '"bank.main"'),
        ('["sql"]', '["sequel"]'),
        ("[application]", "[aplication]"),
        ("close_timeout", "close_timout"),
        ('"1m30s"', '"soon"'),
        ("sqlalchemy-events:sqlalchemy-events", "sqlalchemy-events:sqlalchemy-event"),
        ('"sqlalchemy-snapshots"', '"sqlalchemy-events"'),
        ('url = { file = "url.txt" }', ""),
        ('{ file = "url.txt" }', '{ flie = "url.txt" }'),
        ('keep_for = "30d"', "keep = 0"),
        ("keep_for", "keep_fro"),
        ("timeout = 2.5", "timeout = true"),
        ("servers", "server"),
        ("ca_file", "ca_files"),
        ("tiers", "teirs"),
        ('"any-of"', '"any-off"'),
        ("n = 50", "m = 50"),
        ("n = 50", 'n = "50"'),
        ('"all-of"', '"always"'),
        ('["never", {', '["nevre", {'),
        ("cache_strategy", "cache_stategy"),
        ('cache_strategy = "always"', 'cache_strategy = "after-version"'),
        ('"max-age"', '"trust"'),
        ('"5s"', '"5 seconds"'),
        ("level = 9", "level = 10"),
        ('"fail"', '"panic"'),
        ("[profiles.prod]", "[profiles.prod.aplication]"),
        ('servers = ["cache-1:11211"', 'serves = ["cache-1:11211"'),
        ("n = 1000", "m = 1000"),
    ],
)
def test_a_slip_is_one_error_that_names_no_other_key(
    validator: Any, right: str, wrong: str
) -> None:
    assert FULL.count(right)
    errors = told(validator, FULL.replace(right, wrong, 1))
    # A required key that has another name is two: one is missing, one isn't known.
    kinds = [error.validator for error in errors]
    assert len(kinds) == 1 or sorted(kinds) == ["additionalProperties", "required"]
    assert not any(error.context for error in errors)


def told(validator: Any, text: str) -> list[Any]:
    return list(validator.iter_errors(tomllib.loads(text)))


@pytest.mark.parametrize(
    ("right", "wrong", "path", "message"),
    [
        ('"bank.main:application"', '"bank.main"', "app", "does not match"),
        ("close_timeout", "close_timout", "application", "('close_timout' was unexpected)"),
        ('"1m30s"', '"soon"', "application.close_timeout", "'soon' does not match"),
        ("timeout = 2.5", "timeout = true", "event_store.timeout", "True is not of type 'string'"),
        ("keep_for", "keep_fro", "snapshot_backends.main", "('keep_fro' was unexpected)"),
        ('"never"\npassword', '"ever"\npassword', "cache_backends.hot.ttl", "'ever' does not"),
        ("ca_file", "ca_files", "cache_backends.hot.tls", "('ca_files' was unexpected)"),
        ('"diskcache-cache"', '"discache-cache"', "cache_backends.disk.backend", "is not one of"),
        ('"500MiB"', "true", "cache_backends.disk.size_limit", "True is not of type"),
        ('["local", "hot"]', '["local"]', "cache_backends.both.tiers", "is too short"),
        ("n = 50", "m = 50", "aggregates.default.snapshot_strategy.of.0", None),
        (', delta = "1h"', "", "aggregates.default.snapshot_strategy.of.1.of.1", "'delta' is a"),
        ("level = 9", "level = 10", "aggregates.BankAccount.codec.level", "10 is greater than"),
        ('"always"', '"alway"', "aggregates.BankAccount.cache_strategy", "'alway' is not one of"),
        (
            'servers = ["cache-1',
            'serves = ["cache-1',
            "profiles.prod.cache_backends.hot",
            "'serves'",
        ),
        ("n = 1000", "m = 1000", "profiles.prod.aggregates.default.snapshot_strategy", "'m'"),
    ],
)
def test_an_editor_is_told_of_the_key_that_is_wrong(
    validator: Any, right: str, wrong: str, path: str, message: str | None
) -> None:
    assert FULL.count(right)
    for error in (errors := told(validator, FULL.replace(right, wrong, 1))):
        assert ".".join(map(str, error.absolute_path)) == path
    if message is None:  # one option is missing, another is there that isn't known
        assert {error.validator for error in errors} == {"required", "additionalProperties"}
    else:
        (error,) = errors
        assert message in error.message


def test_two_slips_are_two_errors(validator: Any) -> None:
    text = FULL.replace("keep_for", "keep_fro").replace('"1m30s"', '"soon"')
    assert len(told(validator, text)) == 2


def test_every_option_of_ours_is_described() -> None:
    catalogue = Catalogue.installed()
    silent = [
        f"{listing.name}.{option['name']}"
        for listing in catalogue.listing()
        for spec in listing.specs
        if isinstance(spec, BackendSpec)
        for option in described(model_of(spec, catalogue))
        if not option["description"]
    ]
    assert silent == []
