"""The existing application: a table of events, and the code that writes to it."""

import json
from typing import Any

SCHEMA = """
CREATE TABLE ledger (
    entry_no   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream     text NOT NULL,       -- account-4711
    position   bigint NOT NULL,     -- 0, 1, 2, ... in each stream
    kind       text NOT NULL,       -- deposited
    body       jsonb NOT NULL,      -- {"cents": 500}
    meta       jsonb,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (stream, position)
)
"""
_RECORD = """
INSERT INTO ledger (stream, position, kind, body)
SELECT $1, coalesce(max(position) + 1, 0), $2, $3 FROM ledger WHERE stream = $1
"""


async def record(
    connection: Any,  # Any: asyncpg ships no types
    account: int,
    kind: str,
    cents: int,
) -> None:
    await connection.execute(_RECORD, f"account-{account}", kind, json.dumps({"cents": cents}))
