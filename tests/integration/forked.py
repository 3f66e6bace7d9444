"""Commands in processes of their own, forked from one that has imported what most of them import.

Importing takes most of the time of a short command. `python forked.py` is that process: it reads
orders, one JSON object a line, and answers each with the exit code of the fork that carried it out.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen

_PATIENCE = 300  # seconds
_IMPORTED = (
    "interlock.cli.commands",
    "interlock.application",
    "interlock_diskcache_cache.backend",
    "interlock_sqlalchemy_events.backend",
    "interlock_sqlalchemy_snapshots.backend",
    "sqlalchemy.dialects.sqlite",
)


def run(words: Sequence[str], folder: Path, settings: Mapping[str, str]) -> CompletedProcess[str]:
    """Run `interlock ...`, `python FILE ...` or `python -m MODULE ...` in the folder.

    The settings are environment variables. Warnings are errors.
    """
    printed = [folder.with_suffix(end) for end in (".stdout", ".stderr")]
    order = {
        "words": words,
        "folder": str(folder),
        "settings": os.environ | settings,
        "printed": [str(path) for path in printed],
    }
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(order) + "\n")
    server.stdin.flush()
    answer = server.stdout.readline()
    assert answer, f"nobody forks: {server.wait()}"
    return CompletedProcess(words, int(answer), *(path.read_text() for path in printed))


@cache
def _server() -> Popen[str]:
    """One for this process, which it outlives by nothing."""
    command = [sys.executable, "-W", "error", __file__]
    server = Popen(command, stdin=PIPE, stdout=PIPE, text=True)  # noqa: S603 ourselves
    atexit.register(server.communicate)
    return server


def _fork() -> list[str]:
    """Fork for each order until there are no more; in a fork, return the words of its order."""
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if process == 0:
            _become(order["folder"], order["settings"], order["printed"])
            return list(order["words"])
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    return []


def _become(folder: str, settings: Mapping[str, str], printed: Sequence[str]) -> None:
    signal.alarm(_PATIENCE)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(settings)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, path in enumerate(printed, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)


def _carry_out(words: Sequence[str]) -> None:
    """Run it as the interpreter would, from `sys.path` on."""
    match words:
        case ["interlock", *rest]:
            sys.argv = ["interlock", *rest]
            import_module("interlock.cli").main()
        case ["python", "-m", module, *rest]:
            sys.argv = [module, *rest]
            sys.path[0] = str(Path.cwd())
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["python", file, *rest]:
            sys.argv = [file, *rest]
            sys.path[0] = str(Path.cwd())
            runpy.run_path(file, run_name="__main__")
        case _:
            sys.exit(f"wanted interlock or python, got {words}")


if __name__ == "__main__":
    for name in _IMPORTED:
        import_module(name)
    gc.freeze()
    words = _fork()
    if words:
        _carry_out(words)
