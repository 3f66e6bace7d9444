"""An application in an event loop on a thread of its own, for callers that have no loop."""

import asyncio
import atexit
import concurrent.futures.thread  # noqa: F401 its hook at exit has to be registered before ours
import os
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from interlock._app.application import Application
from interlock._plugins.durations import duration_text
from interlock._storage.log_lines import LogLines
from interlock.errors import ConfigurationError

T = TypeVar("T")

_MOST_AT_ONCE = 128
"""How many items an iteration takes from the loop in one call; it begins with one."""
_THREADS = 4
"""How many threads wait for what backends do in threads as they close."""


class BackgroundLoop:
    """Starts an application in a thread of its own, hands it calls of any thread, and closes it.

    Re-entrant, since a signal handler may call while its thread is about to.
    """

    def __init__(self, application: Application, timeout: timedelta | None) -> None:
        self._application = application
        self._timeout = timeout
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process: int | None = None
        self._is_closed = False

    def start(self) -> None:
        """Start the application. Raises what its own `start` raises."""
        self._check_caller()
        with self._lock:
            if self._loop is not None:
                raise ConfigurationError("the application is running already")
            self._start()

    def close(self) -> None:
        """Close the application, and wait until that is done; nothing if it isn't running."""
        self._check_caller()
        with self._lock:
            self._is_closed = True
            loop, self._loop = self._loop, None
            thread = self._thread
            if loop is not None:
                with suppress(RuntimeError):  # it has ended by itself
                    loop.call_soon_threadsafe(self._stop.set)
        if thread is None:
            return
        thread.join()
        with self._lock:
            if self._thread is thread:
                self._process = self._thread = None
                if self._failure is not None:
                    raise self._failure

    def call(self, begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of what begins in the loop, which is waited for."""
        self._check_caller()
        call = _Call(begin)
        try:
            self._submit(call.start)
            is_over = call.wait(self._timeout)
        except BaseException:  # Ctrl-C, or what a handler of another signal raised
            self._end(call)
            raise
        if not is_over:
            self._end(call)
        if not call.was_cancelled:
            return call.result()
        if is_over:
            raise ConfigurationError("the application was closed before the call had ended")
        raise TimeoutError(
            f"no answer within {duration_text(self._timeout or timedelta())}, so the call was "
            "cancelled; what a command emitted may be stored all the same"
        )

    def iterate(self, items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """The items of an async generator, taken from the loop a few at a time."""
        size = 1
        try:
            while True:
                found, error = self.call(lambda: _some(items, size))  # noqa: B023 called at once
                yield from found
                if isinstance(error, StopAsyncIteration):
                    return
                if error is not None:
                    raise error
                size = min(2 * size, _MOST_AT_ONCE)
        finally:
            self._dismiss(items)

    def _submit(self, start: Callable[[], None]) -> None:
        """Let the loop call this; the first call starts the application."""
        with self._lock:
            if self._loop is None:
                if self._is_closed:
                    raise ConfigurationError("the application was closed; start it again")
                self._start()
            loop: asyncio.AbstractEventLoop = self._loop  # type: ignore[assignment] # it is started
            try:
                loop.call_soon_threadsafe(start)
            except RuntimeError as error:
                raise ConfigurationError(
                    "the thread of the application has ended; close it and start it again"
                ) from error

    def _end(self, call: "_Call[Any]") -> None:  # Any: of whatever result
        """Cancel the call, and wait until it is over: a write that had begun is."""
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(call.cancel)
            except RuntimeError:
                return  # the loop is closed, and with it whatever it had begun
            call.wait(None)

    def _check_caller(self) -> None:
        if self._process is None:
            return
        if self._process != os.getpid():
            raise ConfigurationError(
                f"the application was started by process {self._process}, of which this one is a "
                "fork, without its threads; make another here, or fork before the first call, "
                "which starts it"
            )
        if self._thread is threading.current_thread():
            raise ConfigurationError(
                "a handler or backend called the application through interlock.sync, and would "
                "wait for the thread that it runs on itself; handlers don't dispatch"
            )

    def _start(self) -> None:
        self._process = os.getpid()
        begun: Future[asyncio.AbstractEventLoop] = Future()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, args=(begun,), name="interlock.sync", daemon=True
        )
        _close_at_exit(self)
        try:
            self._thread.start()
            self._loop = begun.result()
        except BaseException:
            begun.cancel()  # then the thread closes what it opens
            self._process = self._thread = None
            raise
        self._is_closed = False

    def _run(self, begun: Future[asyncio.AbstractEventLoop]) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop) as runner:
                runner.run(self._serve(begun))
        except BaseException as error:  # noqa: BLE001 it is raised where somebody waits
            if begun.done():
                self._failure = error
            else:
                begun.set_exception(error)

    async def _serve(self, begun: Future[asyncio.AbstractEventLoop]) -> None:
        self._stop = asyncio.Event()
        async with self._application:
            if begun.set_running_or_notify_cancel():
                begun.set_result(asyncio.get_running_loop())
                await self._stop.wait()

    def _dismiss(self, items: AsyncGenerator[Any, None]) -> None:  # Any: of whatever items
        """Close the generator soon. It takes no lock: a collected iterator may come here."""
        loop = self._loop
        if loop is not None and self._process == os.getpid():
            with suppress(RuntimeError):  # the loop is closed, and the generator with it
                loop.call_soon_threadsafe(_close, items)


class _Call(Generic[T]):
    """A call that a thread waits for while the loop makes it, in the context of its caller."""

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._begin = begin
        self._task: asyncio.Task[T] | None = None
        self._is_over = False
        self._over = threading.Lock()
        self._over.acquire()

    def start(self) -> None:
        """Begin it, in the loop, which calls this before `cancel`."""
        self._task = asyncio.get_running_loop().create_task(self._begin())
        self._task.add_done_callback(self._note)

    def cancel(self) -> None:
        """Cancel it, in the loop; it may not have come to a start."""
        if self._task is None:
            self._note(None)
        else:
            self._task.cancel()

    def wait(self, timeout: timedelta | None) -> bool:
        """Wait until it is over, or the timeout; whether it is."""
        seconds = -1 if timeout is None else timeout.total_seconds()
        return self._is_over or self._over.acquire(timeout=seconds)

    @property
    def was_cancelled(self) -> bool:
        """Whether it has no result."""
        return self._task is None or self._task.cancelled()

    def result(self) -> T:
        """What it gave, or raise what it raised."""
        task: asyncio.Task[T] = self._task  # type: ignore[assignment] # it is over
        return task.result()

    def _note(self, _: object) -> None:
        self._is_over = True  # first, for one that is interrupted between both
        self._over.release()


def _loop() -> asyncio.AbstractEventLoop:
    """A loop that is closed without a new thread: Python 3.12 starts none as it exits."""
    loop, threads = (
        asyncio.new_event_loop(),
        ThreadPoolExecutor(thread_name_prefix="interlock.sync"),
    )
    all_begin = threading.Barrier(_THREADS)
    for _ in range(_THREADS):
        threads.submit(all_begin.wait)
    loop.set_default_executor(threads)

    async def shutdown_default_executor(*_: object) -> None:
        threads.shutdown()

    loop.shutdown_default_executor = shutdown_default_executor  # type: ignore[method-assign]
    return loop


async def _some(items: AsyncGenerator[T, None], size: int) -> tuple[list[T], Exception | None]:
    """The next items, and what ended them."""
    found: list[T] = []
    try:
        while len(found) < size:
            found.append(await anext(items))
    except Exception as error:  # noqa: BLE001 it is raised when the items before it are taken
        return found, error
    return found, None


_closing = set[asyncio.Task[None]]()


def _close(items: AsyncGenerator[Any, None]) -> None:  # Any: as above
    task = asyncio.get_running_loop().create_task(items.aclose())
    _closing.add(task)
    task.add_done_callback(_closing.discard)


_open = WeakSet[BackgroundLoop]()
_hooked = False


def _close_at_exit(background: BackgroundLoop) -> None:
    """Have it closed before the interpreter ends.

    `atexit` is too late: by then no executor takes a call any more, and backends need theirs to
    close. Threading's own hooks, which `concurrent.futures` uses, run before that.
    """
    global _hooked  # noqa: PLW0603 it is of the process
    _open.add(background)
    if not _hooked:
        _hooked = True
        getattr(threading, "_register_atexit", atexit.register)(_close_all)


def _close_all() -> None:
    for each in list(_open):
        if each._process == os.getpid():  # noqa: SLF001 of here
            try:
                each.close()
            except Exception as error:  # noqa: BLE001 the others are closed all the same
                LogLines("interlock").warning(
                    "close.failed", f"an application could not be closed at exit: {error!r}"
                )
