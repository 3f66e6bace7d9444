from collections.abc import Callable

import pytest
from sqlalchemy import make_url

from interlock.backends import ConfigurationError
from interlock_sqlalchemy.database import Database
from interlock_sqlalchemy.names import display_url

Connect = Callable[..., Database]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true&cache=shared",
        "sqlite:///file:a?mode=memory&uri=true",
    ],
)
def test_a_database_in_memory_is_refused(connected: Connect, url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"in memory.*memory-events"):
        connected(url=url)


def test_a_sqlite_url_with_a_server_is_refused(connected: Connect) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:////absolute") as caught:
        connected(url="sqlite://user:hunter2@host/a.db")
    assert "hunter2" not in str(caught.value)


def test_an_unknown_database_is_refused_by_name(connected: Connect) -> None:
    with pytest.raises(ConfigurationError, match="'oracle'; supported: sqlite") as caught:
        connected(url="oracle://user:hunter2@host/a")
    assert "hunter2" not in str(caught.value)


def test_an_unknown_driver_is_refused_by_name(connected: Connect) -> None:
    with pytest.raises(ConfigurationError, match=r"'aiosqlite'.*pysqlite"):
        connected(url="sqlite+aiosqlite:///a.db")


def test_an_unreadable_url_is_refused_without_showing_it(connected: Connect) -> None:
    with pytest.raises(ConfigurationError, match="can parse") as caught:
        connected(url="hunter2")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("driver", ["postgresql+asyncpg", "postgresql+psycopg", "mysql+asyncmy"])
@pytest.mark.parametrize(
    "rest",
    ["hun@ter2@host/db", "hun@ter2/x@host:1/db", "hun@ter2?x@host/db", "x@host:ter2/db"],
)
def test_a_password_that_is_not_escaped_is_refused_and_nothing_of_it_is_looked_up(
    connected: Connect, driver: str, rest: str
) -> None:
    with pytest.raises(ConfigurationError, match="write %40 for @") as caught:
        connected(url=f"{driver}://app:{rest}")
    assert "ter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_escaped_password_is_taken(connected: Connect) -> None:
    connected(url="postgresql+asyncpg://app:hun%40ter2%2F@host/db?application_name=a%40b")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://user:hunter2@host:1/db", "postgresql://host:1/db"),
        ("postgresql://user:hunter2@/db?host=one:1&host=two:2", "postgresql://one:1,two:2/db"),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///run/postgresql/db"),
    ],
)
def test_messages_name_every_host_and_no_password(url: str, name: str) -> None:
    assert display_url(make_url(url)) == name
