"""The backends of an application: opened together, closed together."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from interlock._engine.guard import call_backend
from interlock._engine.reporting import Reporting
from interlock._storage.protocols import Closeable
from interlock.errors import BackendUnavailableError, InterlockError


class OpenBackends:
    """The backends, each with whether the application needs it, and which of them are open."""

    def __init__(self, backends: Sequence[tuple[object, bool]], reporting: Reporting) -> None:
        self._backends = backends
        self._reporting = reporting
        self._opened: list[Closeable] = []

    async def open(self) -> None:
        """Open all; one that isn't needed and is unavailable is reported."""
        for backend, is_required in self._backends:
            if hasattr(backend, "open") and hasattr(backend, "close"):
                await self._open(cast("Closeable", backend), is_required=is_required)

    async def close(self, deadline: float) -> None:
        """Close all until the loop's time `deadline`; each gets its share of what is left."""
        loop = asyncio.get_running_loop()
        while self._opened:
            share = (deadline - loop.time()) / len(self._opened)
            backend = self._opened.pop()
            try:
                await call_backend(
                    f"{type(backend).__name__}'s close", timedelta(seconds=share), backend.close()
                )
            except Exception as error:  # noqa: BLE001 the others are closed all the same
                self._reporting.failed("close.failed", error, backend=backend)

    async def _open(self, backend: Closeable, *, is_required: bool) -> None:
        try:
            await _opened(backend)
        except Exception as error:
            self._reporting.masking.clean(error)
            if is_required or not isinstance(error, BackendUnavailableError):
                raise
            self._reporting.failed("open.failed", error, backend=backend)
        self._opened.append(backend)


async def _opened(backend: Closeable) -> None:
    try:
        await backend.open()
    except InterlockError:
        raise
    except Exception as error:
        raise BackendUnavailableError(
            f"{type(backend).__name__} could not be opened: {error!r}"
        ) from error
