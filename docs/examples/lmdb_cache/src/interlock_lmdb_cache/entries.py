"""How LMDB keeps the entries of a cache: bytes by name, the oldest of which go when it is full."""

import os
import struct
from pathlib import Path
from threading import Lock
from typing import NamedTuple, TypeAlias

import lmdb
from interlock.backends import RecordUnusableError

Transaction: TypeAlias = "lmdb.Transaction[bytes]"  # a string: generic for type checkers alone

_HEAD = struct.Struct(">Qd")  # an entry's turn to go, and the Unix time at which it ends
_TURN = struct.Struct(">Q")


class Entry(NamedTuple):
    """A value, and the Unix time at which it ends."""

    ends: float
    blob: bytes


class Entries:
    """An open LMDB environment with two tables: entry by name, and name by the entry's turn."""

    def __init__(self, place: tuple[int, Path], size_limit: int) -> None:
        _, directory = place
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.place = place
        self.users = 0
        self._size_limit = size_limit
        # Without `metasync` a crash of the machine may undo the last put, and damages nothing.
        self.environment = lmdb.open(
            str(directory), map_size=size_limit, max_dbs=2, mode=0o600, metasync=False
        )
        self._entries = self.environment.open_db(b"entries")
        self._turns = self.environment.open_db(b"turns")

    def reading(self) -> Transaction:
        """A transaction that sees one state, and waits for nobody."""
        return self.environment.begin()

    def writing(self) -> Transaction:
        """A transaction that waits for the one other that may be writing, in whatever process."""
        return self.environment.begin(write=True)

    def get(self, txn: Transaction, name: bytes) -> Entry | None:
        """The entry, whether it has ended or not."""
        entry = txn.get(name, db=self._entries)
        if entry is None:
            return None
        if len(entry) < _HEAD.size:
            raise RecordUnusableError(f"an entry of {len(entry)} bytes")
        return Entry(_HEAD.unpack_from(entry)[1], entry[_HEAD.size :])

    def set(self, txn: Transaction, name: bytes, ends: float, blob: bytes) -> None:
        """Replace the entry. The oldest go until all take no more than half of the file."""
        self.delete(txn, name)
        with txn.cursor(db=self._turns) as turns:
            turn = _TURN.unpack(turns.key())[0] + 1 if turns.last() else 0
            txn.put(_TURN.pack(turn), name, db=self._turns, append=True)
            txn.put(name, _HEAD.pack(turn, ends) + blob, db=self._entries)
            while self._size(txn) > self._size_limit // 2 and turns.first():
                txn.pop(turns.value(), db=self._entries)
                turns.delete()

    def delete(self, txn: Transaction, name: bytes) -> None:
        """Remove the entry, if there is one."""
        entry = txn.pop(name, db=self._entries)
        if entry:  # one without a head is a stranger's
            txn.delete(entry[: _TURN.size], db=self._turns)

    def clear(self, txn: Transaction) -> None:
        """Remove all."""
        self.environment.reader_check()  # a reader that was killed keeps old pages in use
        txn.drop(self._entries, delete=False)
        txn.drop(self._turns, delete=False)

    def _size(self, txn: Transaction) -> int:
        found = [txn.stat(self._entries), txn.stat(self._turns)]
        pages = (of["branch_pages"] + of["leaf_pages"] + of["overflow_pages"] for of in found)
        return sum(pages) * found[0]["psize"]


_lock = Lock()
_open: dict[tuple[int, Path], Entries] = {}


def acquire(directory: Path, size_limit: int) -> Entries:
    """The entries in a directory, the same for all of this process: LMDB opens a file once in each.

    What the parent of this process had open isn't its. Raises `OSError`, `lmdb.Error`.
    """
    place = os.getpid(), directory.resolve()
    with _lock:
        if place not in _open:
            _open[place] = Entries(place, size_limit)
        _open[place].users += 1
        return _open[place]


def release(entries: Entries) -> None:
    """Let go of them; the last to do so closes the file."""
    with _lock:
        entries.users -= 1
        if entries.users == 0:
            del _open[entries.place]
            entries.environment.close()
