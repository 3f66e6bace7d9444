"""Whatever the store says to a server, the clusters that speak its language document."""

from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest

from interlock.backends import BackendUnavailableError, StoredEvent
from interlock_sqlalchemy_events.backend import SQLAlchemyEventStore
from interlock_sqlalchemy_events.config import SQLAlchemyEventsConfig
from interlock_sqlalchemy_events.ddl import ddl

pytest.importorskip("sqlglot", reason="needs sqlglot: it isn't installed")

from sql_subset import Portable, beyond

Events = Callable[..., Sequence[StoredEvent]]

ID = uuid4()
URLS = ["postgresql+asyncpg://a/b", "postgresql+psycopg://a/b", "mysql+asyncmy://a/b"]


@pytest.mark.parametrize("url", URLS)
async def test_every_statement_stays_in_the_subset(url: str, events: Events) -> None:
    store = SQLAlchemyEventStore(SQLAlchemyEventsConfig(url=url))
    assert isinstance(store._statements.read, Portable)  # held against it when it is compiled
    # Those that are compiled when they are needed; the store isn't open, which comes after that.
    for versions in ([2], [2, 3]):
        for after in (None, (1, ID)):
            with pytest.raises(BackendUnavailableError, match="isn't open"):
                await store.append(events(ID, versions), after=after)
    for count in (1, 9, 500):
        chunks = store.read_many("Account", {uuid4(): 1 for _ in range(count)})
        with pytest.raises(BackendUnavailableError, match="isn't open"):
            await anext(chunks)


@pytest.mark.parametrize(("name", "dialect"), [("postgresql", "postgres"), ("mysql", "mysql")])
def test_the_table_stays_in_the_subset(name: str, dialect: str) -> None:
    assert beyond(ddl(name), dialect) == ()
