"""The other process: opens a backend and does what the lines on its input say."""

import asyncio
import json
import sys
from typing import Any

from interlock.backends import BackendKind, BackendReference
from interlock_conformance.processes import decoded, encoded
from interlock_conformance.subject import built


async def serve() -> None:
    """Answer until the input ends."""
    first = json.loads(sys.stdin.readline())
    reference = BackendReference(first["backend"], first["options"])
    store: Any = built(  # Any: whichever kind of store
        reference, BackendKind(first["kind"]), first["namespace"]
    )
    closes = hasattr(store, "open") and hasattr(store, "close")
    if closes:
        await store.open()
    _reply({"value": encoded(None)})
    # Reading blocks the loop: nothing goes on between two questions.
    for line in sys.stdin:
        question = json.loads(line)
        try:
            _reply({"value": encoded(await _called(store, question))})
        except Exception as error:  # noqa: BLE001 the asking process raises it again
            _reply({"error": f"{type(error).__name__}: {error}"})
    if closes:
        await store.close()


async def _called(store: Any, question: Any) -> object:  # Any: a store, and a JSON object
    options = {name: decoded(value) for name, value in question["options"].items()}
    answer = getattr(store, question["call"])(*decoded(question["args"]), **options)
    return [item async for item in answer] if hasattr(answer, "__aiter__") else await answer


def _reply(reply: object) -> None:
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve())
