"""An application whose database user has the rights that a page grants, and no others."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from interlock.application import Application
from interlock.application.aggregates import Replay
from interlock.errors import BackendUnavailableError, InterlockError
from pages import ROOT, blocks
from rig_domain import Account
from sql_bank import ID, application, assert_as_replayed, deposit
from sql_rig import Place, dropped, made

PAGES = {"postgresql": "use-postgresql.md", "mariadb": "use-mariadb.md"}


@pytest.fixture(params=PAGES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    place = made(request.param, tmp_path)
    yield place
    dropped(place)


def granting(place: Place, user: str) -> list[str]:
    """What the page lets an administrator run, for this place and user."""
    page = ROOT / "docs/how-to" / PAGES[place.kind]
    (block,) = (block for block in blocks(page) if block.language == "sql")
    schema = place.prefix.rstrip(".")
    text = re.sub(r"\bbank\b", user, re.sub(r"\bapp\b", schema, block.text))
    return [statement.strip() for statement in text.split(";") if statement.strip()]


@asynccontextmanager
async def user_of(place: Place) -> AsyncIterator[tuple[str, list[str]]]:
    """The URL of a new user, and the statements that granted it its rights."""
    user = f"u_{place.prefix.rstrip('.')[-16:]}"
    statements = granting(place, user)
    for statement in statements:
        await place.run(statement)
    url = make_url(place.own_url).set(username=user)
    try:
        yield url.render_as_string(), statements
    finally:
        if place.is_postgresql:
            await place.run(f"DROP OWNED BY {user}")
        await place.run(f"DROP {'ROLE' if place.is_postgresql else 'USER'} {user}")


async def used(app: Application) -> None:
    """Everything that needs a right, failing where the database refuses."""
    async with app:
        await deposit(app, *range(1, 12))
        await app.rebuild_snapshots(Account, [ID])
        await app.rebuild_snapshots(Account, [ID])
        await app.prune(Account)
        await assert_as_replayed(app)
        await app.forget(Account, ID, events=True)
        assert (await app.load(Account, ID, freshness=Replay())).version == 0
        counters = app.counters()
    failed = [name for name in counters if name.endswith((".failed", "unavailable"))]
    if failed:
        raise BackendUnavailableError(f"{failed}")


async def test_the_rights_that_the_page_grants_are_enough_and_each_is_needed(place: Place) -> None:
    async with application(place):
        pass
    async with user_of(place) as (url, statements):
        await used(application(place, url=url))
        for statement in statements:
            granted = re.fullmatch(r"GRANT ([\w, ()]+) ON (.+) TO (\w+)", statement)
            if granted is None:
                continue
            for right in granted[1].split(", "):
                await place.run(f"REVOKE {right} ON {granted[2]} FROM {granted[3]}")
                with pytest.raises(InterlockError):
                    await used(application(place, url=url))
                await place.run(f"GRANT {right} ON {granted[2]} TO {granted[3]}")
                for table in ("events", "snapshots"):
                    await place.run(f"DELETE FROM AT.interlock_{table}")  # noqa: S608 ours
        await used(application(place, url=url))
