"""The error of a backend that made checks fail: told whole once, however many fail from it."""

import re
import sysconfig
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from interlock_conformance.checks import CannotTell, CheckFailed

_STDLIB = sysconfig.get_path("stdlib")
_GALLERY = f"{__package__}.gallery"
_VARIABLE = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8,}|\d+")


@dataclass(frozen=True, slots=True)
class Cause:
    """An error that isn't the suite's own. `place` is its line in the backend."""

    error: str
    place: str

    @property
    def key(self) -> str:
        """Equal for errors that were raised alike at one place."""
        first = self.error.partition("\n")[0]  # below it stand notes, of each check its own
        return f"{self.place}: {_VARIABLE.sub('#', first)}"

    def lines(self) -> Iterator[str]:
        """The error and its place."""
        yield from self.error.splitlines()
        if self.place:
            yield f"in {self.place}"


def cause_of(error: BaseException) -> Cause | None:
    """The first error of the chain; None where the check itself found something amiss."""
    chain = list(_chain(error))
    told = [each for each in chain if isinstance(each, Exception)]
    if isinstance(told[-1], CheckFailed | CannotTell):
        return None
    return Cause("".join(traceback.format_exception_only(told[-1])).strip(), _place(chain[-1]))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it came from, and so on."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def _place(error: BaseException) -> str:
    """The innermost line that is neither the suite's nor the standard library's."""
    steps = list(traceback.walk_tb(error.__traceback__))
    foreign = [step for step in steps if not _is_machinery(*step)]
    if not foreign:
        return ""
    frame, number = foreign[-1]
    (line,) = traceback.StackSummary.extract([(frame, number)])
    return f"{frame.f_globals.get('__name__')}, line {number}: {line.line}"


def _is_machinery(frame: FrameType, _: int) -> bool:
    code, module = frame.f_code, str(frame.f_globals.get("__name__"))
    is_suite = module.startswith(f"{__package__}.") and not module.startswith(_GALLERY)
    return is_suite or code.co_filename.startswith((f"{_STDLIB}/asyncio", f"{_STDLIB}/contextlib"))
