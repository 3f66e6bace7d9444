"""How a state becomes a record's payload and back."""

import zlib
from typing import Protocol, TypeVar

from interlock.aggregate import Aggregate
from interlock.errors import RecordTooLargeError, RecordUnusableError

A = TypeVar("A", bound=Aggregate)


class Codec(Protocol):
    """Turns states into bytes. Synchronous, pure, and without pickle.

    `name` is stored with each record. `decode` may raise anything for bytes that `encode` didn't
    write: the record is then unusable. It bounds what it allocates.
    """

    name: str

    def encode(self, state: Aggregate) -> bytes:
        """The state as bytes."""
        ...

    def decode(self, aggregate_type: type[A], payload: bytes) -> A:
        """A new object of the type, equal to the encoded one."""
        ...


class JsonCodec:
    """pydantic's own JSON, by the class's compiled serializer and validator."""

    name = "json"

    def encode(self, state: Aggregate) -> bytes:
        """The state's fields as JSON."""
        # What pydantic would warn of shows when the payload is compared, without its values.
        return state.__pydantic_serializer__.to_json(state, warnings="none")

    def decode(self, aggregate_type: type[A], payload: bytes) -> A:
        """The validated state."""
        state: A = aggregate_type.__pydantic_validator__.validate_json(payload)
        return state


class ZlibJsonCodec(JsonCodec):
    """JSON compressed with zlib; a payload that inflates beyond `max_bytes` is refused."""

    name = "json+zlib"

    def __init__(self, *, level: int = 6, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._level = level
        self._max_bytes = max_bytes

    def encode(self, state: Aggregate) -> bytes:
        """The compressed JSON. Raises `RecordTooLargeError` for what `decode` would refuse."""
        data = super().encode(state)
        if len(data) > self._max_bytes:
            raise RecordTooLargeError(
                f"a state of {len(data)} bytes; {self.name} takes up to {self._max_bytes}"
            )
        return zlib.compress(data, self._level)

    def decode(self, aggregate_type: type[A], payload: bytes) -> A:
        """The validated state. Raises `RecordUnusableError` for what is too big or cut off."""
        inflater = zlib.decompressobj()
        data = inflater.decompress(payload, self._max_bytes)
        if not inflater.eof:
            raise RecordUnusableError(
                f"a compressed payload of {len(payload)} bytes is cut off or inflates beyond "
                f"{self._max_bytes} bytes"
            )
        return super().decode(aggregate_type, data)
