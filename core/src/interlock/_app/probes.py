"""ASGI applications that tell a probe over HTTP how an application is."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from typing import Any

from interlock._app.application import Application
from interlock.errors import InterlockError

# Any: the messages of ASGI are dictionaries of whatever they say.
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


class Liveness:
    """An ASGI application that answers 200: the process and its event loop run.

    A route of Starlette or FastAPI takes it as it is: `Route("/live", Liveness())`. It asks no
    backend, since a restart mends none.
    """

    async def __call__(self, scope: _Message, _: _Receive, send: _Send) -> None:
        if scope["type"] == "http":
            await _answer(send, 200, {"live": True})


class Readiness:
    """An ASGI application that answers 200 if everything needed answers, else 503, with JSON.

    A route takes it as it is: `Route("/ready", Readiness(app))`. A cache that is down takes no
    process out of service.
    """

    def __init__(
        self, application: Application, *, within: timedelta = timedelta(seconds=1)
    ) -> None:
        self._application = application
        self._within = within

    async def __call__(self, scope: _Message, _: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            return
        try:
            health = await self._application.health(within=self._within)
        except InterlockError as error:  # it isn't started, or is closed
            await _answer(send, 503, {"ready": False, "problem": str(error)})
        else:
            await _answer(send, 200 if health.is_ready else 503, health.as_json())


async def _answer(send: _Send, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
