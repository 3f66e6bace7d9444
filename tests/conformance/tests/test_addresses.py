"""Where the server is that a backend speaks to: else its bad days would never be checked."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from interlock_conformance.network import server_of

PLUGIN = """
from interlock.backends import BackendKind, BackendSpec, hookimpl

@hookimpl
def interlock_register_backends():
    yield BackendSpec(
        name="near-cache", kind=BackendKind.CACHE, factory="near_backend:Near",
        config="near_backend:Config", capabilities=frozenset(CAPABILITIES), plugin_api=1,
    )
"""
BACKEND = """
from pydantic import BaseModel, SecretStr
from interlock.application.aggregates import InMemoryAggregateCacheBackend

class Config(BaseModel):
    OPTIONS

class Near(InMemoryAggregateCacheBackend):
    def __init__(self, config):
        super().__init__()
"""


@pytest.mark.parametrize(
    ("options", "capabilities"),
    [
        ('url: str = "near://127.0.0.1:1"', []),
        ('address: SecretStr = SecretStr("near://127.0.0.1:1")', []),
        ('host: str = "127.0.0.1"; port: int = 1', []),
        ('path: str = "near"', ["network"]),
    ],
)
def test_an_address_by_default_leaves_nothing_conformant_without_outages(
    run_pytest: Callable[..., Any], tmp_path: Path, options: str, capabilities: list[str]
) -> None:
    information = tmp_path / "interlock_near_cache-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: interlock-near-cache\nVersion: 1.0\n", "utf-8")
    points = "[interlock.backends]\nnear-cache = near_plugin\n"
    (information / "entry_points.txt").write_text(points, "utf-8")
    run = run_pytest(
        *("--pyargs", "interlock_conformance.suites.test_cache", "-q", "-k", "CACHE-090"),
        *("--interlock-backend", "near-cache"),
        near_plugin=PLUGIN.replace("CAPABILITIES", f"{capabilities}"),
        near_backend=BACKEND.replace("OPTIONS", options),
    )
    suite = run.suite("near-cache")
    assert "network" in suite["capabilities"], run.text
    assert run.outcomes("near-cache")["CACHE-090"] == "cannot tell"
    assert "CACHE-090 cannot tell" in suite["reasons"]


@pytest.mark.parametrize(
    ("options", "through"),
    [
        ({"url": "a://u:p@h:1/2?q=3"}, {"url": "a://u:p@127.0.0.1:9/2?q=3"}),
        ({"address": "a://h:1"}, {"address": "a://127.0.0.1:9"}),
        ({"docs": "https://d", "url": "a://h:1"}, {"url": "a://127.0.0.1:9"}),
        ({"address": SecretStr("a://u:p@h:1")}, {"address": "a://u:p@127.0.0.1:9"}),
        ({"url": "s3://bucket/p", "endpoint": "a://h:1"}, {"endpoint": "a://127.0.0.1:9"}),
        ({"servers": ("h:1",), "docs": "https://d"}, {"servers": ["127.0.0.1:9"]}),
        ({"host": "h", "port": 1}, {"host": "127.0.0.1", "port": 9}),
    ],
)
def test_the_address_is_replaced_where_it_stands(
    options: Mapping[str, object], through: Mapping[str, object]
) -> None:
    server = server_of(options)
    assert server is not None
    assert (server.host, server.port) == ("h", 1)
    assert server.through(9) == through


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"url": "sqlite:///file.db", "directory": "/a/b", "size": 3, "ttl": None},
        {"servers": ["a:1", "b:2"]},
        {"url": "a://h:1,i:2"},
        {"url": "a:///socket"},
    ],
)
def test_files_and_several_servers_are_no_server(options: Mapping[str, object]) -> None:
    assert server_of(options) is None
