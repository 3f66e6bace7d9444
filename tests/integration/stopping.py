"""`python stopping.py MODULE:NAME N COMMAND ...`: a command that gets Ctrl-C at the Nth call of it.

NAME is a function, or a method as CLASS.METHOD. The signal comes before the call, which is made.
"""

import os
import signal
import sys
from importlib import import_module
from itertools import count
from operator import attrgetter
from typing import Any

from interlock.cli import main


def _interrupt_at(name: str, call: int) -> None:
    module, _, path = name.partition(":")
    *owners, attribute = path.split(".")
    owner: Any = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    called, calls = attrgetter(attribute)(owner), count(1)

    def calling(*given: Any, **more: Any) -> Any:  # Any: passed on
        if next(calls) == call:
            os.kill(os.getpid(), signal.SIGINT)
        return called(*given, **more)

    setattr(owner, attribute, calling)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what started this may ignore it
    _interrupt_at(sys.argv[1], int(sys.argv[2]))
    sys.argv = ["interlock", *sys.argv[3:]]
    main()
