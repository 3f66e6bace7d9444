"""Broken backends that can be opened once, or not after a failure."""

from interlock_conformance.gallery.mutants import Mutant
from interlock_conformance.mutation import CodeEdit

_OPEN = "self._is_open = True"
_REFUSED = """
if self._is_open:
    raise BackendUnavailableError("it is open already", nothing_done=True)
self._is_open = True
"""
_REMEMBERED = """
if "_failure" in vars(self):
    raise self._failure
self._failure = BackendUnavailableError("it can't be opened", nothing_done=True)
self._is_open = True
"""


def _client(name: str, killer: str, after: str) -> Mutant:
    return Mutant(name, killer, CodeEdit("Client.open", _OPEN, after), base="network")


OPENING_MUTANTS = (
    _client("open-already", "CACHE-075", _REFUSED),
    _client("failed-once-failed-for-good", "SNAP-075", _REMEMBERED),
    _client("open-already", "EVENTS-058", _REFUSED),
)
