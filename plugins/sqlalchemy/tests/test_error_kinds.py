"""What drivers' errors mean where no server of ours makes them whenever a test wants."""

from importlib.util import find_spec

import pytest
from sqlalchemy import make_url

from interlock_sqlalchemy.config import SQLAlchemyConfig
from interlock_sqlalchemy.dialects.mysql import MySQL
from interlock_sqlalchemy.error_kinds import ErrorKind


@pytest.mark.skipif(find_spec("asyncmy") is None, reason="needs asyncmy")
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1047, ErrorKind.NOT_PRIMARY),  # a node that lost the others
        (1180, ErrorKind.LOST),  # on its way to the others: it may be committed yet
        (1213, ErrorKind.ABORTED),  # another node's transaction came first
    ],
)
def test_errors_of_a_galera_node(code: int, expected: ErrorKind) -> None:
    config = SQLAlchemyConfig(url="mysql://root@127.0.0.1/test", table="events")
    dialect = MySQL(make_url(config.url), config)
    assert dialect.error_kind(OperationalError(code, "told by the server")) is expected


class OperationalError(Exception):
    """As the driver's."""
