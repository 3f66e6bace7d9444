"""Codecs: encode a state as a record's payload, and decode it."""

import zlib
from typing import Protocol, TypeVar

from interlock._model.aggregate import Aggregate
from interlock.errors import RecordTooLargeError, RecordUnusableError

A = TypeVar("A", bound=Aggregate)

_MOST_TIMES = 100
_SMALL = 64 * 1024
"""So many bytes any payload may inflate to."""


class Codec(Protocol):
    """Turns states into bytes. Synchronous, pure, and without pickle.

    `name` is stored with each record. `decode` may raise anything for bytes that `encode` didn't
    write: the record is then unusable. It bounds what it allocates.
    """

    name: str

    def encode(self, state: Aggregate) -> bytes:
        """Encode the state as bytes."""
        ...

    def decode(self, aggregate_type: type[A], payload: bytes) -> A:
        """Decode a new object of the type, equal to the encoded one."""
        ...


class JsonCodec:
    """pydantic's own JSON, by the class's compiled serializer and validator."""

    name = "json"

    def encode(self, state: Aggregate) -> bytes:
        """The state's fields as JSON."""
        # What pydantic would warn of shows when the payload is compared, without its values.
        return state.__pydantic_serializer__.to_json(state, warnings=False)

    def decode(self, aggregate_type: type[A], payload: bytes) -> A:
        """The validated state."""
        state: A = aggregate_type.__pydantic_validator__.validate_json(payload)
        return state


class ZlibJsonCodec(JsonCodec):
    """JSON compressed with zlib.

    A payload that inflates beyond `max_bytes` is refused, and so is one that inflates to more than
    100 times its own bytes: a small record can't cost much memory. A state that compresses better
    is stored as it is, since what JSON is decoded to takes up to 50 times its bytes.
    """

    name = "json+zlib"

    def __init__(self, *, level: int = 6, max_bytes: int = 16 * 1024 * 1024) -> None:
        self._level = level
        self._max_bytes = max_bytes

    def encode(self, state: Aggregate) -> bytes:
        """The compressed JSON. Raises `RecordTooLargeError` for what `decode` would refuse."""
        data = super().encode(state)
        if len(data) > self._max_bytes:
            raise RecordTooLargeError(
                f"a state of {len(data)} bytes; {self.name} takes up to {self._max_bytes}"
            )
        packed = zlib.compress(data, self._level)
        return packed if len(data) <= self._bound(packed) else zlib.compress(data, 0)

    def decode(self, aggregate_type: type[A], payload: bytes) -> A:
        """The validated state. Raises `RecordUnusableError` for what is too big or cut off."""
        inflater, bound = zlib.decompressobj(), self._bound(payload)
        data = inflater.decompress(payload, bound + 1)
        if len(data) > bound or not inflater.eof or inflater.unused_data:
            raise RecordUnusableError(
                f"a compressed payload of {len(payload)} bytes is cut off, has a tail or inflates "
                f"beyond {bound} bytes"
            )
        return super().decode(aggregate_type, data)

    def _bound(self, payload: bytes) -> int:
        return min(self._max_bytes, max(_SMALL, _MOST_TIMES * len(payload)))
