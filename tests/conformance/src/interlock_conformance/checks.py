"""A check: one obligation of a backend, with an id that never changes its meaning."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

CONTRACTS = ("1.0",)
"""The versions of the contract, oldest first. A published one is never altered."""


@dataclass(frozen=True, slots=True)
class Level:
    """When a check counts."""

    word: str
    capabilities: tuple[str, ...] = ()

    def applies_to(self, capabilities: Collection[str]) -> bool:
        """Whether a backend with these capabilities has this obligation."""
        if self.word in ("IF", "ADVISED"):
            return all(name in capabilities for name in self.capabilities)
        if self.word == "UNLESS":
            return not any(name in capabilities for name in self.capabilities)
        return True

    def __str__(self) -> str:
        return " ".join([self.word, ", ".join(self.capabilities)]).strip()


MUST = Level("MUST")
SHOULD = Level("SHOULD")


def IF(*capabilities: str) -> Level:  # noqa: N802 levels are written alike
    """Counts for backends that have all of these."""
    return Level("IF", capabilities)


def ADVISED(*capabilities: str) -> Level:  # noqa: N802 as above
    """Counts as `IF` does; who fails it isn't refused, but advised against: it is partial."""
    return Level("ADVISED", capabilities)


def UNLESS(*capabilities: str) -> Level:  # noqa: N802 as above
    """Counts for backends that have none of these."""
    return Level("UNLESS", capabilities)


KEEPS = UNLESS("null")
"""Counts for every backend that keeps what it is given."""


class CheckFailed(AssertionError):  # noqa: N818 as pytest's own outcomes
    """A backend doesn't meet an obligation."""

    def __init__(self, expected: str, happened: str) -> None:
        super().__init__(expected, happened)
        self.expected = expected
        self.happened = happened
        self.check: Check | None = None

    def __str__(self) -> str:
        lines = [f"expected: {self.expected}", f"happened: {self.happened}"]
        if self.check is not None:
            lines.insert(0, f"{self.check.id}: {self.check.obligation}")
            lines.append(f"how others solve it: {self.check.others}")
        return "\n".join(lines)


class CannotTell(Exception):  # noqa: N818 no error of the backend
    """The check applies but can't be made here; the verdict is then partial at best."""


@dataclass(frozen=True, slots=True)
class Check:
    """One obligation. Called with a harness, it returns or raises `CheckFailed`.

    `is_plain` says that the aggregate-level protocols can carry it too.
    """

    id: str
    level: Level
    since: str
    others: str
    is_plain: bool
    function: Callable[[Any], Awaitable[None] | None]  # Any: the kind's harness

    @property
    def kind(self) -> str:
        """CACHE, SNAP, EVENTS or PLUG."""
        return self.id.partition("-")[0]

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @property
    def obligation(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def counts_in(self, contract: str) -> bool:
        """Whether the contract of this version has the check."""
        return _number(self.since) <= _number(contract)

    def run(self, harness: Any) -> None:  # Any: the kind's harness
        """Make the check, on the harness's own event loop."""
        __tracebackhide__ = True
        try:
            pending = self.function(harness)
            if pending is not None:
                harness.run(pending)
        except CheckFailed as failure:
            failure.check = self
            raise


_registry: dict[str, Check] = {}

Function = Callable[[Any], Awaitable[None] | None]  # Any: the kind's harness


def check(
    check_id: str, level: Level, *, others: str, since: str = "1.0", plain: bool = False
) -> Callable[[Function], Check]:
    """Register a check; `others` says in a sentence how other backends do it."""

    def register(function: Function) -> Check:
        if check_id in _registry:
            raise ValueError(f"two checks are called {check_id}")
        found = Check(check_id, level, since, others, plain, function)
        if not found.obligation:
            raise ValueError(f"{check_id} says no obligation in its docstring")
        _registry[check_id] = found
        return found

    return register


def both(
    number: str,
    level: Level,
    *,
    others: str,
    since: str = "1.0",
    plain: Collection[str] = (),
    snapshots: Level | None = None,
) -> Callable[[Function], Check]:
    """Register a check of what caches and snapshot stores have in common, under both ids.

    `plain` names the kinds whose aggregate-level protocol can carry it, `snapshots` is the level
    for snapshot stores where it differs.
    """
    levels = {"SNAP": snapshots or level, "CACHE": level}

    def register(function: Function) -> Check:
        of_snapshots, of_caches = (
            check(f"{kind}-{number}", level, others=others, since=since, plain=kind in plain)
            for kind, level in levels.items()
        )
        of_snapshots(function)
        return of_caches(function)

    return register


def checks_of(kind: str) -> Iterator[Check]:
    """The registered checks of a kind, by id."""
    return (_registry[name] for name in sorted(_registry) if _registry[name].kind == kind)


def expect(holds: object, expected: str, happened: str) -> None:
    """Raise `CheckFailed` unless it holds."""
    __tracebackhide__ = True
    if not holds:
        raise CheckFailed(expected, happened)


@contextmanager
def unless_raised(expected: str) -> Iterator[None]:
    """Whatever is raised in the block is the failure of the check."""
    try:
        yield
    except CheckFailed:
        raise
    except Exception as error:
        raise CheckFailed(expected, f"{type(error).__name__}: {error}") from error


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
