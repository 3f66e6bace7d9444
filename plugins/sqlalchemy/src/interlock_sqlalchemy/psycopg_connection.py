"""psycopg's connection, but for what it does when a call is given up."""

from typing import Any, TypeVar

from psycopg import AsyncConnection, waiting
from psycopg.abc import PQGen

R = TypeVar("R")


class PsycopgConnection(AsyncConnection[Any]):  # Any: whatever rows are
    """A connection that a cancelled call leaves as it stands.

    psycopg's own asks the server to give the statement up, and waits for that: 5 to 10 s where the
    server is silent. Here whoever is cancelled breaks the connection off, and the server's
    `statement_timeout` ends what runs there.
    """

    async def wait(
        self, gen: PQGen[R], interval: float = 0.1, *args: Any, **options: Any
    ) -> R:  # Any: newer versions take a timeout
        return await waiting.wait_async(gen, self.pgconn.socket, interval, *args, **options)
