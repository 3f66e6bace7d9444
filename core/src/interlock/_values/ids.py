"""Ids: a plain `uuid.UUID` whatever came in, and UUIDs of ids that are text."""

import os
from struct import Struct
from typing import Annotated, Any
from uuid import UUID, SafeUUID, uuid5

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

UUID_OF_NAMESPACE = UUID("0c7e95e0-3d13-4b57-ada3-ca82b328e4ab")
"""The namespace of `uuid_of`; it never changes, since ids are made with it."""


def uuid_of(part: str, /, *parts: str) -> UUID:
    """Make the UUID of an id that is text, the same for the same parts.

    `uuid_of("order", "2026-17")` is the UUID version 5 (RFC 9562, 5.5), in the namespace
    `0c7e95e0-3d13-4b57-ada3-ca82b328e4ab`, of the parts in UTF-8, each written as a netstring: its
    length in bytes, a colon, the part, a comma; here `5:order,7:2026-17,`. So no two lists of parts
    have the same name. Parts are taken as they are: case, spaces and the Unicode form count.

    Raises `TypeError` for a part that is no string.

    >>> uuid_of("order", "2026-17")
    UUID('80bc087d-430f-566f-809c-b2230a024c53')
    """
    return uuid5(UUID_OF_NAMESPACE, "".join(map(_netstring, (part, *parts))))


def _netstring(part: str) -> str:
    if not isinstance(part, str):
        raise TypeError(
            f"a part is of type {type(part).__name__}; wanted a str, written as it is to be"
        )
    return f"{len(part.encode())}:{part},"


_VERSION_4 = 4 << 76 | 2 << 62
_OTHER_BITS = ~(0xF << 76 | 3 << 62)
_set_int = UUID.__dict__["int"].__set__
_UNKNOWN = SafeUUID.unknown
_set_is_safe = UUID.__dict__["is_safe"].__set__
_drawn: list[int] = []
"""Random numbers that no id was made of; drawn many at once, since each draw asks the system."""
_HALVES = Struct("QQ")
_BYTES = 64 * _HALVES.size


def new_id() -> UUID:
    """Make a random id, as `uuid.uuid4` does in a multiple of the time."""
    try:
        drawn = _drawn.pop()
    except IndexError:
        _drawn.extend([high << 64 | low for high, low in _HALVES.iter_unpack(os.urandom(_BYTES))])
        drawn = _drawn.pop()
    made = object.__new__(UUID)
    _set_int(made, drawn & _OTHER_BITS | _VERSION_4)
    _set_is_safe(made, _UNKNOWN)
    return made


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drawn.clear)  # else both processes made the same ids


def plain_id(value: object, name: str) -> UUID:
    """Convert an id to exactly `uuid.UUID`: drivers have subclasses of their own.

    Raises `TypeError`, with the `name`, for what is no UUID.
    """
    if type(value) is UUID:
        return value
    if isinstance(value, UUID):
        return UUID(int=value.int)
    raise TypeError(
        f"{name} is of type {type(value).__name__}; wanted a UUID: interlock.uuid_of makes one of "
        "an id that is text"
    )


class _MadePlain:
    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """As pydantic's; what JSON gives is plain and costs nothing more."""
        schema = handler(source)
        return core_schema.json_or_python_schema(
            json_schema=schema,
            python_schema=core_schema.no_info_after_validator_function(_made_plain, schema),
        )


def _made_plain(value: UUID) -> UUID:
    return value if type(value) is UUID else plain_id(value, "id")


PlainUUID = Annotated[UUID, _MadePlain]
"""The annotation of a field that may be given a driver's UUIDs, which have a class of their own.

Validation makes a plain `uuid.UUID` of what it is given. To type checkers it is `UUID`.
"""
