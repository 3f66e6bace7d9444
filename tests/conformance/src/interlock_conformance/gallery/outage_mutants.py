"""Broken backends over a network: what a refused, slow, torn or late answer makes of them."""

from collections.abc import Iterator

from interlock_conformance.gallery.mutants import Mutant

# The client is one text for the three kinds: a bug in it is a bug of each.
_MADE = "            return cls(*await asyncio.open_connection(host, port, limit=_LINE))\n"
_UNREACHABLE = """\
            message = f"the server can't be reached: {error}"
            raise BackendUnavailableError(message, nothing_done=True) from error
"""
_TOLD = 'return await self._reader.readuntil(b"\\n")'
_GIVEN_UP = "connection.abort()  # an answer may be on its way"
_POOLED = "connection = self._idle.pop() if self._idle else await self.connected()"
_ASKED = "line = await connection.ask(self.question(call, *args))"
_ANSWERED = """\
            line = await connection.ask(self.question(call, *args))
        except BaseException as error:
"""
_OPENED = "        self._idle.append(await self.connected())\n"
_CLOSED = "        while self._idle:\n            self._idle.pop().abort()\n"
_BEFORE_OPEN = "        self._is_open = False\n\n    async def open"

_OF_THE_CLIENT = (
    ("drivers-error-escapes", _UNREACHABLE, "            raise\n"),
    (
        "waits-whatever-comes",
        _TOLD,
        "while True:\n            with suppress(asyncio.CancelledError):\n                " + _TOLD,
    ),
    (
        "waits-on-the-loop",
        _TOLD,
        f'__import__("time").sleep(2.2)\n        {_TOLD}',
    ),
    ("part-of-a-line-is-a-line", _TOLD, "return await self._reader.readline()"),
    ("given-up-and-given-back", _GIVEN_UP, "self._idle.append(connection)"),
    (
        "as-many-connections-as-there-were",
        _POOLED,
        (
            "if not self._idle:\n"
            '            raise BackendUnavailableError("no connection is left")\n'
            "        connection = self._idle.pop()"
        ),
    ),
    (
        "connects-when-made",
        _BEFORE_OPEN,
        '        __import__("socket").create_connection(self._address).close()\n' + _BEFORE_OPEN,
    ),
    ("closes-one-connection", "        while self._idle:\n", "        if self._idle:\n"),
    (
        "opens-in-any-case",
        _OPENED,
        f"        with suppress(BackendUnavailableError):\n    {_OPENED}",
    ),
    (
        "one-call-at-a-time",
        _ASKED,
        f'async with vars(self).setdefault("_turn", asyncio.Lock()):\n                {_ASKED}',
    ),
)

_KILLERS = {
    "CACHE": ("080", "081", "082", "083", "084", "087", "089", "090", "091", "092"),
    "SNAP": ("080", "081", "082", "083", "084", "087", "089", "090", "091", "092"),
    "EVENTS": ("080", "081", "082", "083", "085", "089", "090", "091", "092", "093"),
}

_PUT = '        await self._client.ask("put", key, record, list(supersedes))\n'
_READ_MANY = '        return dict(await self._client.ask("read_many", list(keys)))\n'
_TAIL = {  # by which the two methods of one text are told apart
    "CACHE": "\n    async def remove(self, key: RecordKey, stamp: Stamp | None = None)",
    "SNAP": "\n    async def remove(self, key: RecordKey, stamp: Stamp) ->",
}
_NEXT = """
    async def put(
        self, key: RecordKey, record: AggregateRecord, supersedes: Collection[Stamp] = ()
    ) -> None:
        \"\"\"See `{}.put`.\"\"\"
"""
_STORE = {"CACHE": "CacheStore", "SNAP": "SnapshotStore"}
_IN_TWO_STEPS = (
    "        from dataclasses import replace\n\n"
    '        begun = replace(record, payload=b"")\n'
    '        await self._client.ask("put", key, begun, list(supersedes))\n'
    '        await self._client.ask("put", key, record, [begun.stamp])\n'
)

_PAGES = """\
        while rows := await self._client.ask("page", aggregate_type, aggregate_id, first, last):
            yield rows
            first = rows[-1][0] + 1
"""
_APPEND = '        await self._client.ask("append", list(events), after)\n'
_EACH = "            async for rows in self.read(aggregate_type, aggregate_id, first=version):\n"
_YIELD = "                yield aggregate_id, rows\n"
_DELETE = (
    '        return int(await self._client.ask("delete", aggregate_type, aggregate_id, below))\n'
)


def _indented(text: str) -> str:
    return "".join(f"    {line}" for line in text.splitlines(keepends=True))


def _mutant(name: str, killer: str, before: str, after: str) -> Mutant:
    return Mutant(name, killer, before, after, base="network")


def _of_records() -> Iterator[Mutant]:
    for kind, tail in _TAIL.items():
        following = _NEXT.format(_STORE[kind])
        yield _mutant("a-put-in-two-steps", f"{kind}-085", _PUT + tail, _IN_TWO_STEPS + tail)
        yield _mutant(
            "a-put-always-succeeds",
            f"{kind}-086",
            _PUT + tail,
            f"        with suppress(BackendUnavailableError):\n{_indented(_PUT)}{tail}",
        )
        yield _mutant(
            "down-is-empty",
            f"{kind}-088",
            _READ_MANY + following,
            f"        with suppress(BackendUnavailableError):\n{_indented(_READ_MANY)}"
            f"        return {{}}\n{following}",
        )


OUTAGE_MUTANTS = (
    *(
        _mutant(name, f"{kind}-{number}", before, after)
        for kind, numbers in _KILLERS.items()
        for number, (name, before, after) in zip(numbers, _OF_THE_CLIENT, strict=True)
    ),
    *_of_records(),
    _mutant(
        "what-came-is-all",
        "EVENTS-084",
        _PAGES,
        f"        with suppress(BackendUnavailableError):\n{_indented(_PAGES)}",
    ),
    _mutant(
        "a-broken-connection-denies",
        "EVENTS-086",
        'raise BackendUnavailableError(f"the connection broke: {error!r}") from error',
        'raise BackendUnavailableError(f"it broke: {error!r}", nothing_done=True) from error',
    ),
    _mutant(
        "one-append-for-each-event",
        "EVENTS-087",
        _APPEND,
        "        for event in events:\n"
        '            await self._client.ask("append", [event], after)\n'
        "            after = event.version, event.event_id\n",
    ),
    _mutant(
        "an-append-always-succeeds",
        "EVENTS-088",
        _APPEND,
        f"        with suppress(BackendUnavailableError):\n{_indented(_APPEND)}",
    ),
    _mutant(
        "a-stream-that-breaks-is-left-out",
        "EVENTS-094",
        _EACH + _YIELD,
        f"            with suppress(BackendUnavailableError):\n{_indented(_EACH + _YIELD)}",
    ),
    _mutant(
        "a-deletion-in-two-steps",
        "EVENTS-095",
        _DELETE,
        '        some = await self._client.ask("delete", aggregate_type, aggregate_id, 2)\n'
        '        more = await self._client.ask("delete", aggregate_type, aggregate_id, below)\n'
        "        return int(some) + int(more)\n",
    ),
)
