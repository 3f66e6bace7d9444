"""Broken backends over a network: what a refused, slow, torn or late answer makes of them."""

from collections.abc import Iterator, Sequence

from interlock_conformance.gallery.mutants import Mutant
from interlock_conformance.mutation import CodeEdit

_TOLD = 'return await self._reader.readuntil(b"\\n")'
_BLOCKED = """
__import__("select").select([self._writer.get_extra_info("socket")], [], [], 30)
"""
_SUPPRESSED = "with suppress(BackendUnavailableError):\n    "

# The client is one text for the three kinds: a bug in it is a bug of each.
_OF_THE_CLIENT = (
    (
        "drivers-error-escapes",
        "Client.connected",
        """
        message = f"the server can't be reached: {error}"
        raise BackendUnavailableError(message, nothing_done=True) from error
        """,
        "raise",
    ),
    (
        "waits-whatever-comes",
        "Connection.told",
        _TOLD,
        f"""
        while True:
            with suppress(asyncio.CancelledError):
                {_TOLD}
        """,
    ),
    ("waits-on-the-loop", "Connection.told", _TOLD, f"{_BLOCKED}\n{_TOLD}"),
    (
        "part-of-a-line-is-a-line",
        "Connection.told",
        'self._reader.readuntil(b"\\n")',
        "self._reader.readline()",
    ),
    (
        "given-up-and-given-back",
        "Client.ask",
        "connection.abort()",
        "self._idle.append(connection)",
    ),
    (
        "as-many-connections-as-there-were",
        "Client.ask",
        "connection = self._idle.pop() if self._idle else await self.connected()",
        """
        if not self._idle:
            raise BackendUnavailableError("no connection is left")
        connection = self._idle.pop()
        """,
    ),
    (
        "connects-when-made",
        "Client.__init__",
        "self._is_open = False",
        """
        __import__("socket").create_connection(self._address).close()
        self._is_open = False
        """,
    ),
    ("closes-one-connection", "Client.close", "while self._idle:", "if self._idle:"),
    (
        "opens-in-any-case",
        "Client.open",
        "self._idle.append(await self.connected())",
        f"{_SUPPRESSED}self._idle.append(await self.connected())",
    ),
    (
        "one-call-at-a-time",
        "Client.ask",
        "line = await connection.ask(self.question(call, *args))",
        """
        async with vars(self).setdefault("_turn", asyncio.Lock()):
            line = await connection.ask(self.question(call, *args))
        """,
    ),
)
_KILLERS = {
    "CACHE": ("080", "081", "082", "083", "084", "087", "089", "090", "091", "092"),
    "SNAP": ("080", "081", "082", "083", "084", "087", "089", "090", "091", "092"),
    "EVENTS": ("080", "081", "082", "083", "085", "089", "090", "091", "092", "093"),
}
_PUT = 'await self._client.ask("put", key, record, list(supersedes))'
_READ_MANY = 'return dict(await self._client.ask("read_many", list(keys)))'
_APPEND = 'await self._client.ask("append", list(events), after)'


def _mutant(name: str, killer: str, target: str, before: str, after: str) -> Mutant:
    return Mutant(name, killer, CodeEdit(target, before, after), base="network")


def _of_records(kind: str, store: str) -> Iterator[Mutant]:
    yield _mutant(
        "a-put-in-two-steps",
        f"{kind}-085",
        f"{store}.put",
        _PUT,
        """
        begun = record._replace(payload=b"")
        await self._client.ask("put", key, begun, list(supersedes))
        await self._client.ask("put", key, record, [begun.stamp])
        """,
    )
    yield _mutant(
        "a-put-always-succeeds", f"{kind}-086", f"{store}.put", _PUT, f"{_SUPPRESSED}{_PUT}"
    )
    yield _mutant(
        "down-is-empty",
        f"{kind}-088",
        f"{store}.read_many",
        _READ_MANY,
        f"{_SUPPRESSED}{_READ_MANY}\nreturn {{}}",
    )


OUTAGE_MUTANTS: Sequence[Mutant] = (
    *(
        _mutant(name, f"{kind}-{number}", target, before, after)
        for kind, numbers in _KILLERS.items()
        for number, (name, target, before, after) in zip(numbers, _OF_THE_CLIENT, strict=True)
    ),
    *_of_records("CACHE", "Cache"),
    *_of_records("SNAP", "Snapshots"),
    _mutant(
        "what-came-is-all",
        "EVENTS-084",
        "Events.read",
        """
        while rows := await self._client.ask("page", aggregate_type, aggregate_id, first, last):
            yield rows
            first = rows[-1][0] + 1
        """,
        """
        with suppress(BackendUnavailableError):
            while rows := await self._client.ask("page", aggregate_type, aggregate_id, first, last):
                yield rows
                first = rows[-1][0] + 1
        """,
    ),
    _mutant(
        "a-broken-connection-denies",
        "EVENTS-086",
        "Client.ask",
        'BackendUnavailableError(f"the connection broke: {error!r}")',
        'BackendUnavailableError(f"it broke: {error!r}", nothing_done=True)',
    ),
    _mutant(
        "one-append-for-each-event",
        "EVENTS-087",
        "Events.append",
        _APPEND,
        """
        for event in events:
            await self._client.ask("append", [event], after)
            after = event.version, event.event_id
        """,
    ),
    _mutant(
        "an-append-always-succeeds",
        "EVENTS-088",
        "Events.append",
        _APPEND,
        f"{_SUPPRESSED}{_APPEND}",
    ),
    _mutant(
        "a-chunk-for-each-stream",
        "EVENTS-056",
        "Events.read_many",
        """
        async for rows in self.read(aggregate_type, aggregate_id, first=version):
            yield aggregate_id, rows
        """,
        """
        pages = self.read(aggregate_type, aggregate_id, first=version)
        yield aggregate_id, [row async for rows in pages for row in rows]
        """,
    ),
    _mutant(
        "chunks-made-anew",
        "EVENTS-056",
        "Events.read_many",
        """
        async for rows in self.read(aggregate_type, aggregate_id, first=version):
            yield aggregate_id, rows
        """,
        """
        pages = self.read(aggregate_type, aggregate_id, first=version)
        found = [row async for rows in pages for row in rows]
        for place in range(0, len(found), 500):
            yield aggregate_id, found[place : place + 500]
        """,
    ),
    _mutant(
        "a-stream-that-breaks-is-left-out",
        "EVENTS-094",
        "Events.read_many",
        """
        async for rows in self.read(aggregate_type, aggregate_id, first=version):
            yield aggregate_id, rows
        """,
        """
        with suppress(BackendUnavailableError):
            async for rows in self.read(aggregate_type, aggregate_id, first=version):
                yield aggregate_id, rows
        """,
    ),
    _mutant(
        "a-deletion-in-two-steps",
        "EVENTS-095",
        "Events.delete",
        'return int(await self._client.ask("delete", aggregate_type, aggregate_id, below))',
        """
        some = await self._client.ask("delete", aggregate_type, aggregate_id, 2)
        more = await self._client.ask("delete", aggregate_type, aggregate_id, below)
        return int(some) + int(more)
        """,
    ),
)
