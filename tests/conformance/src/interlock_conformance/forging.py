"""Records by somebody who knows their form: a right checksum over content that we never write.

Each forgery maps `AggregateRecord.to_bytes()` of a record to other bytes.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any

from pydantic_core import from_json, to_json

from interlock.backends import AggregateRecord

_HEAD = struct.Struct(">4sBBIII")  # magic, format, then the bytes of seal, fields, details, payload
_CHECKSUM_SIZE = 16

Forgery = Callable[[bytes], bytes]


def with_fields(blob: bytes, text: bytes, *, seal: bytes = b"") -> bytes:
    """The record with these bytes in the place of its fields; lengths and checksum are right."""
    magic, version, _, size, *sizes = _HEAD.unpack_from(blob)
    body = _HEAD.pack(magic, version, len(seal), len(text), *sizes) + seal + text
    body += blob[_HEAD.size + size : -_CHECKSUM_SIZE]
    return body + blake2b(body, digest_size=_CHECKSUM_SIZE).digest()


def fields_of(blob: bytes) -> bytes:
    """The record's fields, as JSON."""
    size = _HEAD.unpack_from(blob)[3]
    return blob[_HEAD.size : _HEAD.size + size]


def forged(record: AggregateRecord, forgery: Forgery) -> AggregateRecord:
    """The record with other bytes: a store that writes them, or columns, writes the forgery."""

    class Forged(AggregateRecord):
        def to_bytes(self) -> bytes:
            return forgery(super().to_bytes())

        def checksum(self) -> bytes:
            return self.to_bytes()[-_CHECKSUM_SIZE:]

    return Forged(*record)


def _forgeries() -> Iterator[tuple[str, Forgery]]:
    for name, nothing in _NO_FIELDS.items():
        yield name, partial(with_fields, text=nothing)
    yield "fields that are cut", lambda blob: with_fields(blob, to_json(_values(blob)[:4]))
    yield "a field more", lambda blob: with_fields(blob, to_json([*_values(blob), 1]))
    yield "fields with a space", lambda blob: with_fields(blob, fields_of(blob) + b" ")
    yield "a seal", lambda blob: with_fields(blob, fields_of(blob), seal=bytes(32))
    for place, text in enumerate(_OF_ANOTHER_KEY):
        yield f"the bytes of a key with {text}", partial(_replaced, place=place, text=text)
    for place in range(_COUNT):
        for text in (*_FOREIGN, '"1"' if place in _NUMBERS else "7"):
            yield f"{text} as field {place}", partial(_replaced, place=place, text=text)


def _replaced(blob: bytes, *, place: int, text: str) -> bytes:
    values = [to_json(value) for value in _values(blob)]
    values[place] = text.encode()
    return with_fields(blob, b"[" + b",".join(values) + b"]")


def _values(blob: bytes) -> list[Any]:  # Any: JSON
    values: list[Any] = from_json(fields_of(blob))
    return values


_COUNT = len(AggregateRecord._fields) - 2  # details and payload stand behind them
_NUMBERS = (1, 5, 7, 8, 9, 10)
_FOREIGN = ("null", "[1]", "true", "1.5", "1e400", str(2**80))
_OF_ANOTHER_KEY = ('"elsewhere"', "987", '"Other"', f'"{987:032x}"', '"another"')
_NO_FIELDS = {
    "no fields": b"[]",
    "nothing": b"",
    "an object": b'{"a":1}',
    "a text": b'"abcdefghijklmnop"',
    "no JSON": b"\xff{{{",
    "brackets": b"[" * 5_000,
}
FORGERIES: Mapping[str, Forgery] = dict(_forgeries())
"""By what each is."""
