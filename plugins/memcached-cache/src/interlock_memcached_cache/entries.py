"""Operations on entries, run in a thread on one connection."""

from collections.abc import Collection, Mapping, Sequence

from pymemcache.exceptions import (  # type: ignore[import-untyped] # the driver has no types
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
)

from interlock.backends import (
    AggregateRecord,
    BackendUnavailableError,
    RecordKey,
    RecordTooLargeError,
    Stamp,
    replaces,
    usable,
)
from interlock_memcached_cache.connection import Connection

_RACES = 100  # each one lost means that somebody else has put or removed
_EXPIRED = -1
_NO_TOKEN = b"0"


def version(connection: Connection) -> str:
    """Ask for the server's version; one round trip."""
    answer: bytes = connection.version()
    return answer.decode("ascii", "replace")


def get(connection: Connection, key: str) -> bytes | None:
    """Get a key's value; one round trip."""
    value: bytes | None = connection.get(key)
    return value


def get_many(connection: Connection, keys: Sequence[str]) -> Mapping[str, bytes]:
    """Get the values of the keys that have one; one round trip."""
    values: Mapping[str, bytes] = connection.get_many(keys)
    return values


def put(
    connection: Connection,
    key: RecordKey,
    record: AggregateRecord,
    supersedes: Collection[Stamp],
    expire: int,
) -> None:
    """Store the record unless a newer one stands there, as `CacheStore.put` says.

    Two round trips, and two more for each race that is lost.
    """
    text, value = key.text(), record.to_bytes()
    try:
        for _ in range(_RACES):
            found, token = _get_with_token(connection, text)
            if found is None:
                is_stored = connection.add(text, value, expire=expire, noreply=False)
            elif replaces(_usable(found, key), record, supersedes):
                is_stored = connection.cas(text, value, token, expire=expire, noreply=False)
            else:
                return
            if is_stored:
                return
    except MemcacheUnexpectedCloseError:
        raise
    except MemcacheServerError as error:
        # A refused `cas` or `add` leaves what stood there, and that is older.
        connection.delete(text, noreply=False)
        if "too large" not in str(error):
            raise
        raise RecordTooLargeError(
            f"a record of {len(value)} bytes is over the item limit of memcached; start it with a "
            "larger -I, or keep less in the state"
        ) from error
    raise BackendUnavailableError(f"{_RACES} others changed the entry while it was put")


def remove(connection: Connection, key: RecordKey, stamp: Stamp | None) -> None:
    """Remove the entry; with a stamp only if it is the entry's."""
    text = key.text()
    if stamp is None:
        connection.delete(text, noreply=False)
        return
    for _ in range(_RACES):
        found, token = _get_with_token(connection, text)
        record = None if found is None else _usable(found, key)
        if record is None or record.stamp != stamp:
            return
        # The text protocol has no delete that compares; an entry that has expired is gone.
        if connection.cas(text, b"", token, expire=_EXPIRED, noreply=False) is not False:
            return
    raise BackendUnavailableError(f"{_RACES} others changed the entry while it was removed")


def _get_with_token(connection: Connection, key: str) -> tuple[bytes | None, bytes | None]:
    value, token = connection.gets(key)
    if token == _NO_TOKEN:
        raise BackendUnavailableError(
            "memcached runs without compare-and-set (-C), so no entry can be replaced safely; "
            "start it without that option"
        )
    return value, token


def _usable(value: bytes, key: RecordKey) -> AggregateRecord | None:
    return usable(AggregateRecord.from_bytes, value, key=key)
