"""The faults of the law by name, and what schedules them."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from interlock.backends import (
    RecordKey,
)
from interlock.errors import BackendUnavailableError

T = TypeVar("T")
Subject = tuple[str, UUID]
READ_FAULTS = ("fails", "missing", "stale", "foreign", "corrupt", "other-revision", "ghost")
PUT_FAULTS = ("put-fails", "put-fails-late", "put-dropped", "put-lags")
REMOVE_FAULTS = ("remove-fails",)
APPEND_FAULTS = ("lost-before", "lost-after", "lost-late", "refused", "unreachable")
STREAM_FAULTS = ("read-fails", "read-breaks")
INTRUSIONS = ("written-before-append", "written-before-read", "written-after-read")
FAILURES = (
    lambda: OSError("the server is down"),
    lambda: TimeoutError("the driver waited long enough"),
    lambda: BackendUnavailableError("not now"),
    lambda: KeyError("a bug in a driver"),
)


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """Something that a store was given once."""

    version: int
    value: T


class Faults(Generic[T]):
    """What is armed on one store of states, and what that store was ever given.

    `lost` holds what was given for a stream that was then restored: ahead of it, or of another
    branch.
    """

    def __init__(self, where: str, bites: Counter[str], turns: int) -> None:
        self.where = where
        self.bites = bites
        self.turns = turns
        self.failed = 0
        self.taken = 0
        self.haunted: set[Subject] = set()
        self.kept: defaultdict[Subject, list[Kept[T]]] = defaultdict(list)
        self.lost: defaultdict[Subject, list[Kept[T]]] = defaultdict(list)
        self._armed: list[str] = []
        self._lagging: list[tuple[Subject, Callable[[], Awaitable[None]]]] = []
        self.calls = 0
        self._stubborn = 0  # so many removals fail as well

    def arm(self, fault: str) -> None:
        if fault not in self._armed:
            self._armed.append(fault)

    def takes(self, fault: str) -> bool:
        if fault not in self._armed:
            return False
        self._armed.remove(fault)
        self.taken += 1
        self.bites[f"{self.where} {fault}"] += 1
        return True

    def restored(self, subject: Subject, version: int) -> None:
        """The stream ends at this version again, or there is none, at 0."""
        kept = self.kept[subject]
        self.lost[subject] += [one for one in kept if one.version > version]
        self.kept[subject] = [one for one in kept if one.version <= version]
        self._lagging = [late for late in self._lagging if late[0] != subject]

    async def begin(self, fault: str) -> None:
        """What happens at the start of a call: turns pass, lagging puts arrive, or it fails."""
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.calls += 1
        if self._lagging and self.calls % 2 == 0:
            _, arrive = self._lagging.pop(0)
            await arrive()
        if fault == "remove-fails" and self._stubborn:
            self._stubborn -= 1
            self.fail()
        if self.takes(fault):
            self._stubborn = 12 if fault == "remove-fails" else 0
            self.fail()

    def fail(self) -> None:
        self.failed += 1
        failure = FAILURES[self.failed % len(FAILURES)]()
        raise failure

    def lag(self, subject: Subject, put: Callable[[], Awaitable[None]]) -> None:
        self._lagging.append((subject, put))

    def keep(self, subject: Subject, version: int, value: T) -> None:
        self.kept[subject].append(Kept(version, value))

    def answer(
        self, subject: Subject, found: Kept[T] | None, bound: int | None
    ) -> tuple[str, T | None]:
        """Which read fault bites, and what it answers with; "" for the honest answer."""
        for fault in list(self._armed):
            answer = self._tried(fault, subject, found, bound)
            if answer is not None and self.takes(fault):
                return fault, answer.value
        if found is not None and "missing" in self._armed and self.takes("missing"):
            return "missing", None
        return "", None if found is None else found.value

    def _tried(
        self, fault: str, subject: Subject, found: Kept[T] | None, bound: int | None
    ) -> Kept[T] | None:
        if fault in ("corrupt", "other-revision"):
            return found
        if fault == "stale" and found is not None:
            older = [one for one in self.kept[subject] if one.version < found.version]
            return older[len(older) // 2] if older else None
        if fault == "foreign":
            others = [one for key, kept in self.kept.items() if key != subject for one in kept[-1:]]
            return others[-1] if others else None
        if fault == "ghost":
            ghosts = [one for one in self.lost[subject] if bound is None or one.version <= bound]
            if ghosts:
                self.haunted.add(subject)
                return ghosts[-1]
        return None


def _subject(key: RecordKey) -> Subject:
    return key.aggregate_type, key.aggregate_id
