"""Protections of the application for callers without an event loop."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

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
]
