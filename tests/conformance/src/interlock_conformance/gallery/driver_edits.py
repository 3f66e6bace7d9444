"""Edits that backends of several kinds are broken by."""

from interlock_conformance.mutation import CodeEdit, Edits

IN_MEMORY_UNTIL_CLOSED = Edits(
    (
        CodeEdit(
            "Shelf.open",
            """
        self._connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = OFF")
        """,
            """
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        saved = sqlite3.connect(self._path)
        saved.backup(self._connection)
        saved.close()
        """,
        ),
        CodeEdit(
            "Shelf.close",
            "self._connection.close()",
            """
        saved = sqlite3.connect(self._path)
        self._connection.backup(saved)
        saved.close()
        self._connection.close()
        """,
        ),
    )
)
"""Writes reach the file when it is closed."""

PAUSE = '__import__("time").sleep(0.05)'
"""Between two steps, so that others look meanwhile, however busy the machine is."""

LOCK = '_lock = __import__("threading").Lock()'
"""A lock of the class, which other processes don't know."""

NEVER_GIVEN_UP = """
async def open(self) -> None:
    if "in_use" in vars(type(self)):
        raise RuntimeError("in use")
    type(self).in_use = True

async def close(self) -> None:
    pass
"""
"""Two methods: what was opened once is never opened again."""
