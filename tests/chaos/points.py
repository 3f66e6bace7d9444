"""Ends or stops this process at one of the points at which it talks to a backend.

A point is right before a statement to SQLite, or right before or after a piece is sent to a server.
What was received before a piece is sent makes no difference to the server.
"""

import os
import signal
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from sqlite3 import dbapi2
from typing import Any


class Points:
    """The points that were reached while armed; at one of them there is a signal.

    They are told apart by what happens, and the how manieth of these it is: what several threads
    and tasks do at once comes in any order.
    """

    def __init__(self, noted: Path, at: str | None, then: signal.Signals) -> None:
        self.is_armed = False
        self._noted = os.open(noted, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        self._counts = Counter[str]()
        self._at = at
        self._then = then

    def reach(self, name: str) -> None:
        """Note it, and send the signal to this process if this is the point."""
        if not self.is_armed:
            return
        self._counts[name] += 1
        point = f"{name}, {self._counts[name]}"
        os.write(self._noted, f"{point}\n".encode())
        if point == self._at:
            os.kill(os.getpid(), self._then)

    def watch(self) -> None:
        """See what this process says to SQLite and over sockets, from now on."""
        connect = dbapi2.connect

        def connected(*given: Any, **options: Any) -> sqlite3.Connection:  # Any: those of sqlite3
            connection: sqlite3.Connection = connect(*given, **options)
            connection.set_trace_callback(lambda sql: self.reach(f"before {_first_words(sql)}"))
            return connection

        dbapi2.connect = sqlite3.connect = connected  # type: ignore[assignment] # overloads
        for name in ("send", "sendall"):
            setattr(socket.socket, name, self._around(getattr(socket.socket, name)))

    def _around(
        self,
        send: Callable[..., Any],  # Any: those of a socket
    ) -> Callable[..., Any]:  # Any: likewise
        def around(of: socket.socket, *given: Any, **options: Any) -> Any:  # Any: likewise
            if of.family not in (socket.AF_INET, socket.AF_INET6):
                return send(of, *given, **options)  # a loop that wakes itself
            port = of.getpeername()[1]
            self.reach(f"before sending to {port}")
            answer = send(of, *given, **options)
            self.reach(f"after sending to {port}")
            return answer

        return around


def _first_words(sql: str) -> str:
    return " ".join(sql.split()[:3])
