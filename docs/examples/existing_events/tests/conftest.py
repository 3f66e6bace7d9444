from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sql_rig import Place, dropped, made

from existing_events.legacy import SCHEMA


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = made("postgresql", tmp_path)
    yield place
    dropped(place)


@pytest.fixture
def url(place: Place) -> str:
    """The server, and the place's schema as the one that is used."""
    schema = place.prefix.rstrip(".")
    return f"{place.url.replace('+asyncpg', '')}?search_path={schema}"


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Any]:
    """The connection of the existing code."""
    import asyncpg  # type: ignore[import-untyped] # noqa: PLC0415 # it may be missing

    link = await asyncpg.connect(url)
    await link.execute(SCHEMA)
    yield link
    await link.close()
