"""A PostgreSQL server and its streaming standby; at the end, which servers the tests have met."""

from collections.abc import Iterator

import pytest

import memcached_rig
import redis_rig
from sql_rig import needed
from sql_servers import OwnPostgreSQL, own_postgresql


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    answers = sorted(memcached_rig.answers | redis_rig.answers)
    terminalreporter.write_line(f"servers answer: {', '.join(answers) or 'not asked'}")


@pytest.fixture
def primary() -> Iterator[OwnPostgreSQL]:
    needed("postgresql")
    with own_postgresql() as server:
        yield server


@pytest.fixture
def standby(primary: OwnPostgreSQL) -> Iterator[OwnPostgreSQL]:
    with own_postgresql(follows=primary) as server:
        yield server
