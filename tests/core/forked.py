"""Commands in processes of their own, forked from one that has imported what they import.

Importing takes most of the time of a short command. `python forked.py MODULE ...` is that process:
it reads orders, one JSON object a line, and answers each with the exit code of the fork that
carried it out.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen

_PATIENCE = 300  # seconds


class Forks:
    """Runs commands in forks of a process that has imported these modules.

    The flags are the interpreter's.
    """

    def __init__(self, *modules: str, flags: Sequence[str] = ()) -> None:
        self._command = [sys.executable, *flags, __file__, *modules]
        self._process: Popen[str] | None = None

    def run(
        self, words: Sequence[str], folder: Path, settings: Mapping[str, str]
    ) -> CompletedProcess[str]:
        """Run `interlock ...`, or `python` with FILE, `-m MODULE` or `-c CODE`, in the folder.

        The settings are environment variables; those that an interpreter reads when it starts, as
        `PYTHONPATH`, change nothing.
        """
        printed = [folder.with_suffix(end) for end in (".stdout", ".stderr")]
        order = {
            "words": words,
            "folder": str(folder),
            "settings": os.environ | settings,
            "printed": [str(path) for path in printed],
        }
        answer = self._asked(json.dumps(order))
        return CompletedProcess(words, int(answer), *(path.read_text() for path in printed))

    def _asked(self, order: str) -> str:
        if self._process is None:
            self._process = Popen(self._command, stdin=PIPE, stdout=PIPE, text=True)  # noqa: S603
            atexit.register(self._process.communicate)  # it ends when its input does
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"nobody forks: {self._process.wait()}"
        return answer


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
            sys.path[0] = str(Path(sys.executable).parent)
            import_module("interlock.cli").main()
        case ["python", "-m", module, *rest]:
            sys.argv = [module, *rest]
            sys.path[0] = str(Path.cwd())
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["python", "-c", code, *rest]:
            sys.argv = ["-c", *rest]
            sys.path[0] = ""
            exec(code, {"__name__": "__main__"})  # noqa: S102 our own
        case ["python", file, *rest]:
            sys.argv = [file, *rest]
            sys.path[0] = str(Path.cwd())
            runpy.run_path(file, run_name="__main__")
        case _:
            sys.exit(f"wanted interlock or python, got {words}")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        import_module(name)
    gc.freeze()
    words = _fork()
    if words:
        _carry_out(words)
