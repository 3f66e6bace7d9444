"""Broken backends in which a cancelled call takes others with it."""

from interlock_conformance.gallery.mutants import Mutant, in_memory, text
from interlock_conformance.mutation import CodeEdit

_TURN = """
import asyncio

turn = self.__dict__.get("_turn")
if turn is None or turn.done():
    turn = self._turn = asyncio.ensure_future(asyncio.sleep(0))
await turn
"""
_ABORT = "connection.abort()"
_GIVEN_BACK = """
if isinstance(error, asyncio.CancelledError):
    self._idle.append(connection)
else:
    connection.abort()
"""
_CLOSED = """
connection.abort()
self._is_open = not isinstance(error, asyncio.CancelledError)
"""


def _client(name: str, killer: str, after: str) -> Mutant:
    return Mutant(name, killer, CodeEdit("Client.ask", _ABORT, after), base="network")


CANCELLED_MUTANTS = (
    in_memory(
        "one-turn-for-all-reads",
        "CACHE-072",
        "Cache.read",
        "return self._records.get(key)",
        f"{_TURN}\nreturn self._records.get(key)",
    ),
    _client("cancelled-and-given-back", "CACHE-072", _GIVEN_BACK),
    in_memory(
        "one-turn-for-all-puts",
        "SNAP-072",
        "Snapshots.put",
        "kept = self._records.pop(key, None)",
        f"{_TURN}\nkept = self._records.pop(key, None)",
    ),
    _client("closed-by-a-cancellation", "SNAP-072", _CLOSED),
    in_memory(
        "one-commit-for-all-appends",
        "EVENTS-069",
        "Events.append",
        "found = await self.head(*name)",
        f"{_TURN}\nfound = await self.head(*name)",
    ),
    _client("cancelled-and-given-back", "EVENTS-069", _GIVEN_BACK),
    text(
        "event-ids-are-unique",
        "EVENTS-064",
        "_SCHEMA",
        "event_id BLOB,",
        "event_id BLOB UNIQUE,",
    ),
    in_memory(
        "known-ids-are-a-retry",
        "EVENTS-064",
        "Events.append",
        "found = await self.head(*name)",
        """
        known = {row.event_id for stream in self._streams.values() for row in stream}
        own = {row.event_id for row in self._streams.get(name, [])}
        if events[0].event_id.bytes in known - own:
            return
        found = await self.head(*name)
        """,
    ),
)
