"""Applications whose stores are down, and what they say of it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

OTHERS = [UUID(int=100 + number) for number in range(16)]


def with_breaker(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a rig, whose stores have breakers."""
    return options | {"settings": {"breaker_failures": 3} | options.get("settings", {})}


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The counters that were logged."""
    return [record.getMessage().partition(":")[0] for record in caplog.records]


async def refused() -> None:
    """Fail as a server that isn't there."""
    await asyncio.sleep(0.001)
    raise ConnectionRefusedError("connection refused")


@pytest.fixture
def no_settler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing tries a cache that rests, or removes what is outdated, but loads and commands."""
    monkeypatch.setattr("interlock._engine.settling._PAUSE", 1e9)
