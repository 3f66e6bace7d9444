"""What a run of the law holds: streams, processes, calls that are under way."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from interlock._engine.reports import LoadReport
from interlock.application import Application
from law.calls import Dispatch, Forget, Load
from law.calls import Events as ReadEvents
from law.fault_lists import Subject
from law.model import Plain as State
from law.oracle import Event

UNANSWERED = object()
One = Dispatch | Load | ReadEvents | Forget


class BrokenError(AssertionError):
    """The law doesn't hold."""


@dataclass
class Stream:
    """What the oracle knows of one stream. `born[n]` is the true time of version n's append."""

    events: list[Event] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    born: list[timedelta] = field(default_factory=list)
    accepted: dict[UUID, tuple[Any, int]] = field(default_factory=dict)
    ghosts: list[State] = field(default_factory=list)


@dataclass
class Process:
    app: Application
    reports: list[LoadReport]
    floor: Counter[Subject]


@dataclass
class Called:
    """A call, what was known when it began, and its answer."""

    call: One
    delay: int
    subject: Subject = ("", UUID(int=0))
    begin: int = 0
    began: timedelta = timedelta(0)
    floor: Counter[Subject] = field(default_factory=Counter)
    answer: Any = UNANSWERED
