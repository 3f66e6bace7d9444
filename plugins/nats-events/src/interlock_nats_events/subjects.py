"""The subjects of a stream: one for each aggregate, and some for fences."""

from collections.abc import Mapping
from urllib.parse import quote
from uuid import UUID
from zlib import crc32

_FENCES = 64
"""How many fence subjects a stream has; each keeps one message."""

PARTITIONS = 256


class Subjects:
    """Names the subjects. A subject is equal for equal namespaces, types and ids only.

    An id is two tokens, so that the ids of a type can be listed in 256 ascending parts.
    """

    def __init__(self, stream: str, namespace: str) -> None:
        self.of_stream = (f"{stream}.e.>", f"{stream}.f.*")
        self._fence = f"{stream}.f."
        self._events = f"{stream}.e.{_token(namespace)}."

    def aggregate(self, aggregate_type: str, aggregate_id: UUID) -> str:
        """Name the subject with the events of an aggregate."""
        digits = aggregate_id.hex
        return f"{self._events}{_token(aggregate_type)}.{digits[:2]}.{digits[2:]}"

    def fence(self, subject: str) -> str:
        """Name the subject to which the fences of an aggregate's subject are published."""
        return f"{self._fence}{crc32(subject.encode()) % _FENCES}"

    def partition(self, aggregate_type: str, number: int) -> str:
        """Name the subjects of the type's aggregates whose ids begin with this byte."""
        return f"{self._events}{_token(aggregate_type)}.{number:02x}.*"

    @staticmethod
    def ids(subjects: Mapping[str, int]) -> list[UUID]:
        """Read the ids from subjects of a partition; ascending."""
        tokens = (subject.rsplit(".", 2) for subject in subjects)
        return sorted(UUID(begin + rest) for _, begin, rest in tokens)


def _token(name: str) -> str:
    """Write any text as one token: percent-encoded, with `.` too, and `%` for the empty one."""
    return quote(name, safe="").replace(".", "%2E").replace("~", "%7E") or "%"
