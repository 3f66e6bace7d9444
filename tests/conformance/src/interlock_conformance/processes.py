"""The backend under test in another process, spoken to by lines of JSON."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from interlock.backends import (
    AggregateRecord,
    BackendKind,
    BackendReference,
    RecordKey,
    Scope,
    Stamp,
    StoredEvent,
    from_micros,
    to_micros,
)

_TYPES: Mapping[str, type] = {
    cls.__name__: cls for cls in (AggregateRecord, RecordKey, Scope, Stamp, StoredEvent)
}
_LINE = 2**27  # bytes; a record of 8 MiB fits


def encoded(value: Any) -> Any:  # Any: what stores take and give, as JSON values
    """A value with the name of its type."""
    name = type(value).__name__
    if name in _TYPES:
        return [name, [encoded(field) for field in value]]
    if isinstance(value, datetime):
        return ["datetime", to_micros(value)]
    if isinstance(value, UUID):
        return ["UUID", value.hex]
    if isinstance(value, bytes):
        return ["bytes", b64encode(value).decode()]
    if isinstance(value, list | tuple):
        return [name if name == "tuple" else "list", [encoded(item) for item in value]]
    return ["plain", value]


def decoded(value: Any) -> Any:  # Any: as `encoded`
    """The value that was encoded."""
    name, content = value
    if name in _TYPES:
        return _TYPES[name](*map(decoded, content))
    if name == "datetime":
        return from_micros(content)
    if name == "UUID":
        return UUID(hex=content)
    if name == "bytes":
        return b64decode(content)
    if name in ("list", "tuple"):
        items = [decoded(item) for item in content]
        return items if name == "list" else tuple(items)
    return content


class OtherProcess:
    """A process that has the backend open."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def call(
        self, method: str, /, *args: object, **options: object
    ) -> Any:  # Any: its result
        """Call the store's method there; its result, a list for an iterator.

        Raises `RuntimeError` with what was raised there.
        """
        return await self.ask({"call": method, "args": encoded(args), "options": _each(options)})

    async def ask(self, question: object) -> Any:  # Any: the reply's value
        """One line there, one line back."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the other process ended; its errors stand above")
        reply = json.loads(line)
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return decoded(reply["value"])

    async def kill(self) -> None:
        """End it without notice: SIGKILL."""
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def other_process(
    reference: BackendReference, kind: BackendKind, namespace: str
) -> AsyncIterator[OtherProcess]:
    """A process with the backend open; it ends with the block."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "interlock_conformance.child"),
        stdin=PIPE,
        stdout=PIPE,
        limit=_LINE,
        env=environment,
    )
    other = OtherProcess(process)
    try:
        await other.ask(
            {
                "backend": reference.name,
                "options": dict(reference.options),
                "kind": str(kind),
                "namespace": namespace,
            }
        )
        yield other
    finally:
        if process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                async with asyncio.timeout(10):
                    await process.wait()
            except TimeoutError:
                await other.kill()
        process._transport.close()  # type: ignore[attr-defined] # its pipes outlive a kill otherwise


def _each(options: Mapping[str, object]) -> dict[str, Any]:  # Any: JSON values
    return {name: encoded(value) for name, value in options.items()}
