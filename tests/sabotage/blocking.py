"""Protections of the application for callers without an event loop."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_AT_CLOSE = (
    "tests/core/test_sync_processes.py::TestProcesses::test_it_starts_no_thread_as_it_closes"
)

PATCHES = [
    Patch(
        "a fork goes on with its parent's loop",
        "an application that another process started is refused",
        CodeEdit("BackgroundLoop._check_caller", "self._process != os.getpid()", "False"),
        "tests/core/test_sync_processes.py::TestProcesses::"
        "test_a_fork_of_the_process_that_started_it_is_refused",
    ),
    Patch(
        "a handler waits for its own thread",
        "a call from the thread of the application is refused",
        CodeEdit(
            "BackgroundLoop._check_caller", "self._thread is threading.current_thread()", "False"
        ),
        "tests/core/test_sync.py::TestHandlers::test_a_handler_that_calls_back_is_refused",
    ),
    Patch(
        "closed by atexit",
        "an application is closed while executors take calls",
        CodeEdit(
            "_close_at_exit",
            'getattr(threading, "_register_atexit", atexit.register)(_close_all)',
            "atexit.register(_close_all)",
        ),
        "tests/core/test_sync_processes.py::TestProcesses::test_it_is_closed_when_the_interpreter_exits",
    ),
    Patch(
        "threads are started at the exit",
        "an application closes without a new thread",
        CodeEdit("_loop", "for _ in range(_THREADS):", "for _ in ():"),
        _AT_CLOSE,
    ),
    Patch(
        "a thread waits for the loop's",
        "an application closes without a new thread",
        CodeEdit("_loop", "loop.shutdown_default_executor = shutdown_default_executor", "pass"),
        _AT_CLOSE,
    ),
]
