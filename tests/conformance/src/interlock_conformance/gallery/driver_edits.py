"""Edits of the driver, which several kinds of backends are broken by."""

_CONNECT = """\
            self._connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            # Processes may be killed; that the power fails isn't tested.
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.executescript(self._schema)

    def close(self) -> None:
        \"""Disconnect.\"""
        if self._connection is not None:
            self._connection.close()
"""
_LOAD_AND_SAVE = """\
            self._connection = sqlite3.connect(":memory:", isolation_level=None)
            saved = sqlite3.connect(self._path)
            saved.backup(self._connection)
            saved.close()
            self._connection.executescript(self._schema)

    def close(self) -> None:
        \"""Disconnect.\"""
        if self._connection is not None:
            saved = sqlite3.connect(self._path)
            self._connection.backup(saved)
            saved.close()
            self._connection.close()
"""

IN_MEMORY_UNTIL_CLOSED = (_CONNECT, _LOAD_AND_SAVE)
"""Before and after: what is written reaches the file when it is closed."""
