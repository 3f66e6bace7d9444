"""The connection to the servers; the one file that translates the driver's errors."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import nats.errors
from nats.aio.client import Client as Driver
from nats.aio.msg import Msg

from interlock.backends import BackendUnavailableError
from interlock_nats_events.config import NatsEventsConfig, Tls
from interlock_nats_events.deadlines import Deadline, LostError

T = TypeVar("T")
Json = dict[str, Any]  # Any: what the server answers

NO_LEADER = 503
"""The status of an answer while nobody leads the stream, or the cluster."""

_OLDEST = (2, 12)
_PAUSE_SECONDS = 0.05
_PING_SECONDS = 1
"""A server that answers no two pings in a row is left for another."""

_MOVE_SECONDS = 5
"""A server is left for another once nothing was stored through it for so long, though it was asked
to: it answers pings, but may be cut off from the others."""

_CONNECT_SECONDS = 2
_CLOSE_SECONDS = 1


class Client:
    """Asks the servers, and connects anew to another one when a connection breaks."""

    def __init__(self, config: NatsEventsConfig) -> None:
        self.where = f"NATS ({','.join(config.servers)})"
        self._config = config
        self._driver: Driver | None = None
        self._lost: asyncio.Future[None] | None = None
        self._change = asyncio.Event()
        self._opening = asyncio.Lock()
        self._failures = 0
        self._error: Exception | None = None
        self._lost_since: float | None = None

    async def open(self) -> None:
        """Connect. Raises `BackendUnavailableError` if no server can be reached."""
        self._change, self._opening = asyncio.Event(), asyncio.Lock()
        self._driver = await self._connect()

    async def _connect(self) -> Driver:
        config, driver = self._config, Driver()
        self._failures, self._error = 0, None
        scheme = "nats" if config.tls is None else "tls"
        connecting = asyncio.ensure_future(
            driver.connect(
                [f"{scheme}://{server}" for server in config.servers],
                error_cb=self._note_error,
                disconnected_cb=self._note_loss,
                reconnected_cb=self._note_connection,
                connect_timeout=_CONNECT_SECONDS,
                reconnect_time_wait=_PAUSE_SECONDS,  # type: ignore[arg-type] # it is slept for
                max_reconnect_attempts=-1,
                ping_interval=_PING_SECONDS,
                **_credentials(config),
            )
        )
        try:
            await self._until(connecting, driver, self.deadline())
        except BaseException:
            connecting.cancel()
            with suppress(Exception, asyncio.CancelledError):
                await connecting
            with suppress(Exception):
                await driver.close()
            raise
        await self._note_connection()
        return driver

    async def close(self) -> None:
        """Disconnect; a connection that is being made is made first, and closed in order."""
        driver, self._driver = self._driver, None
        if driver is not None:
            with suppress(BackendUnavailableError):
                await self._until(None, driver, Deadline(_CLOSE_SECONDS, self.where))
            with suppress(OSError, nats.errors.Error):
                await driver.close()

    @property
    def max_payload(self) -> int:
        """How many bytes the headers and the payload of a message may have together."""
        return self._opened().max_payload

    @property
    def version(self) -> tuple[int, ...]:
        """The version of the server that this is connected to."""
        found = self._opened().connected_server_version
        return found.major, found.minor, found.patch

    def deadline(self) -> Deadline:
        """The end of a call that begins now."""
        return Deadline(self._config.timeout.total_seconds(), self.where)

    async def api(self, subject: str, request: Json, deadline: Deadline) -> Json:
        """Ask JetStream, until it answers; for requests that may be repeated."""
        payload = json.dumps(request).encode()
        while True:
            try:
                answer = await self.ask(f"$JS.API.{subject}", payload, {}, deadline)
            except LostError:
                continue
            found: Json = json.loads(answer.data)
            if found.get("error", {}).get("code") != NO_LEADER:
                return found
            await self.note_lost()
            await asyncio.sleep(deadline.left(most=_PAUSE_SECONDS))

    def refused(self, error: Json) -> BackendUnavailableError:
        """Make the error of a request that a server refused; another may have done it."""
        return BackendUnavailableError(f"{self.where}: {error.get('description')}")

    async def ask(
        self, subject: str, payload: bytes, headers: Mapping[str, str], deadline: Deadline
    ) -> Msg:
        """Ask once. Raises `LostError` if no answer comes."""
        driver = await self._connected(deadline)
        seconds = deadline.left()
        try:
            return await self._unless_lost(
                driver.request(subject, payload, timeout=seconds, headers=dict(headers) or None)
            )
        except nats.errors.NoRespondersError:
            await self.note_lost()
            await asyncio.sleep(deadline.left(most=_PAUSE_SECONDS))
            raise LostError from None
        except LostError:
            await self.note_lost()
            raise

    def note_stored(self) -> None:
        """Remember that a quorum is reached through this connection."""
        self._lost_since = None

    async def note_lost(self) -> None:
        """Connect to another server if no quorum is reached through this one for too long."""
        now = asyncio.get_running_loop().time()
        if self._lost_since is None:
            self._lost_since = now
        elif now - self._lost_since > _MOVE_SECONDS:
            self._lost_since = None
            await self._opened().force_reconnect()

    async def send(
        self, subject: str, payload: bytes, headers: Mapping[str, str], deadline: Deadline
    ) -> None:
        """Publish without waiting for an answer. Raises `LostError`."""
        driver = await self._connected(deadline)
        await self._unless_lost(driver.publish(subject, payload, headers=dict(headers)))

    async def messages(self, stream: str, request: Json, deadline: Deadline) -> list[Msg]:
        """Get messages directly, from whichever replica answers. Raises `LostError`."""
        driver = await self._connected(deadline)
        inbox = driver.new_inbox()
        found: list[Msg] = []
        end: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def take(message: Msg) -> None:  # without a wait for each of them
            status = (message.headers or {}).get("Status")
            if status is None:
                found.append(message)
            elif not end.done():
                end.set_result(status)

        with self._translated():
            subscription = await driver.subscribe(inbox, cb=take)
        try:
            payload = json.dumps(request).encode()
            with self._translated():
                await driver.publish(f"$JS.API.DIRECT.GET.{stream}", payload, reply=inbox)
            while not end.done():
                before = len(found)
                await self._unless_lost(asyncio.wait([end], timeout=deadline.left()))
                if len(found) == before and not end.done():
                    raise LostError
            if end.result() in {"204", "404"}:  # the end of them; none there
                return found
            await asyncio.sleep(deadline.left(most=_PAUSE_SECONDS))
            raise LostError
        finally:
            with suppress(nats.errors.Error, OSError):
                await subscription.unsubscribe()

    def unfit(self) -> str | None:
        """Say why the server that this is connected to can't be trusted with events, if so."""
        if self.version >= _OLDEST:
            return None
        return (
            f"{self.where}: wanted nats-server {dotted(_OLDEST)} or newer, found "
            f"{dotted(self.version)}: older ones have no atomic batches, and some acknowledge "
            "several appends behind one head; upgrade every node"
        )

    async def _connected(self, deadline: Deadline) -> Driver:
        driver = await self._reconnected(deadline)
        why = self.unfit()  # another node may be of another version
        if why is not None:
            raise BackendUnavailableError(why, nothing_done=True)
        return driver

    async def _reconnected(self, deadline: Deadline) -> Driver:
        driver = self._opened()
        if not driver.is_connected:
            if driver.is_closed:  # for good: the driver goes on after most errors, not after all
                async with self._opening:
                    if self._opened() is driver:
                        self._driver = await self._connect()
                return self._opened()
            await self._until(None, driver, deadline)
        return driver

    def _opened(self) -> Driver:
        if self._driver is None:
            raise BackendUnavailableError(f"{self.where} isn't open", nothing_done=True)
        return self._driver

    async def _until(
        self, connecting: asyncio.Future[None] | None, driver: Driver, deadline: Deadline
    ) -> None:
        """Wait for a connection, until each server has been tried twice."""
        failures = self._failures
        while not (_is_settled(driver) if connecting is None else connecting.done()):
            tried = self._failures - failures
            # The driver's first attempt stands still after a certificate that isn't trusted.
            is_stuck = connecting is not None and isinstance(self._error, ssl.SSLError)
            if is_stuck or tried >= 2 * max(len(driver.server_pool), len(self._config.servers)):
                raise BackendUnavailableError(
                    f"{self.where}: no server can be reached: {_told(self._error)}",
                    nothing_done=True,
                )
            self._change.clear()
            changing = asyncio.ensure_future(self._change.wait())
            awaited: set[asyncio.Future[Any]] = {changing}  # Any: nothing of them is used
            if connecting is not None:
                awaited.add(connecting)
            try:
                await asyncio.wait(
                    awaited, timeout=deadline.left(), return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                changing.cancel()
        if connecting is not None and (error := connecting.exception()) is not None:
            raise BackendUnavailableError(
                f"{self.where}: {_told(error)}", nothing_done=True
            ) from error

    async def _unless_lost(self, work: Awaitable[T]) -> T:
        """Await the driver's work, but not beyond the loss of the connection."""
        working = asyncio.ensure_future(work)
        awaited: set[asyncio.Future[Any]] = {working}  # Any: the loss has no result
        if self._lost is not None:
            awaited.add(self._lost)
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not working.done():
                working.cancel()
        if not working.done():
            raise LostError
        with self._translated():
            return working.result()

    def _translated(self) -> "_Translated":
        return _Translated(self.where)

    async def _note_error(self, error: Exception) -> None:
        self._error = error
        self._failures += 1
        self._change.set()

    async def _note_loss(self) -> None:
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

    async def _note_connection(self) -> None:
        self._lost = asyncio.get_running_loop().create_future()
        self._change.set()


class _Translated:
    """Turns the driver's errors into `LostError`, and what it refuses to send into an answer."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, nats.errors.MaxPayloadError):
            raise BackendUnavailableError(
                f"{self._where}: the message is above the server's max_payload", nothing_done=True
            ) from error
        if isinstance(error, nats.errors.NoRespondersError):
            return
        if isinstance(error, (nats.errors.Error, OSError, asyncio.TimeoutError)):
            raise LostError from error


def dotted(version: tuple[int, ...]) -> str:
    """Write a version."""
    return ".".join(map(str, version))


def _credentials(config: NatsEventsConfig) -> dict[str, Any]:  # Any: the driver's options
    found: dict[str, Any] = {"tls": _context(config.tls)} if config.tls is not None else {}
    if config.password is not None:
        found |= {"user": config.user, "password": config.password.get_secret_value()}
    if config.token is not None:
        found["token"] = config.token.get_secret_value()
    if config.credentials is not None:
        found["user_credentials"] = str(config.credentials)
    return found


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_file)
    if tls.cert_file is not None:
        context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


def _is_settled(driver: Driver) -> bool:
    return bool(driver.is_connected or driver.is_closed)


def _told(error: BaseException | None) -> str:
    return "no answer" if error is None else str(error) or type(error).__name__
