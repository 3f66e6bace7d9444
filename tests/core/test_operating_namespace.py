"""`interlock namespace`, in this process."""

import json
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="needs the extra interlock[cli]")
from shell import run_here

CONFIG = """
schema = 1

[event_store]
backend = "sqlalchemy-events"
url = "sqlite:///{}"
"""


def test_a_namespace_is_frozen_and_thawed(tmp_path: Path) -> None:
    pytest.importorskip("interlock_sqlalchemy_events", reason="needs an event store that stays")
    config = tmp_path / "interlock.toml"
    config.write_text(CONFIG.format(tmp_path / "shop.db"))

    def told(*words: str) -> str:
        done = run_here("namespace", *words, "--config", str(config))
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert told("show") == "takes changes\n"
    first = told("freeze")
    assert first.startswith("read-only since 2")
    assert told("freeze") == told("show") == first
    assert json.loads(told("show", "--json"))["read_only_since"] is not None
    assert told("thaw") == told("show") == "takes changes\n"
    assert json.loads(told("thaw", "--json")) == {"read_only_since": None}
