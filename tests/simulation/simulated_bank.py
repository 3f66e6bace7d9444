"""Accounts whose events record on which state they were decided."""

import asyncio
from types import new_class
from typing import ClassVar

from pydantic import BaseModel

from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command


class RefusedError(Exception):
    """A handler's refusal; it tells the version and the balance that the handler saw."""

    def __init__(self, version: int, balance: int) -> None:
        super().__init__(f"refused on version {version}, balance {balance}")
        self.version = version
        self.balance = balance


class Moved(BaseModel):
    """An amount came or went; `seen` is the balance, `after` the version it was decided on."""

    tag: str
    amount: int
    seen: int
    after: int


class Move(Command[tuple[int, int]]):
    """Move amounts, an event for each; the answer is the version and the balance after."""

    amounts: tuple[int, ...]


class MoveOnce(Move):
    """A move whose handler isn't run again."""


class MoveLater(Move):
    """A move whose handler waits."""


class MoveAndRefuse(Move):
    """A move that its handler refuses once it has emitted the events."""


class Look(Command[tuple[int, int]]):
    """Emit nothing; the answer is the version and the balance that the handler saw."""


class Account(Aggregate):
    """An account that lists the tags of its events in the order in which they were applied.

    `scale` is what the code multiplies amounts by before it keeps them: a state that other code
    keeps, taken for one's own, is another balance.
    """

    scale: ClassVar[int] = 1

    kept: int = 0
    tags: list[str] = []

    @property
    def balance(self) -> int:
        """The balance, in the unit of the commands."""
        return self.kept // self.scale

    @handles_command
    def move(self, command: Move) -> tuple[int, int]:
        seen, after = self.balance, self.version
        if seen + sum(command.amounts) < 0:
            raise RefusedError(after, seen)
        for part, amount in enumerate(command.amounts):
            tag = f"{command.command_id.int & 0xFFFF}.{part}"
            self.emit(Moved(tag=tag, amount=amount, seen=seen, after=after))
        self.tags.append("the handler's own")
        return self.version, self.balance

    @handles_command(once=True)
    def move_once(self, command: MoveOnce) -> tuple[int, int]:
        return self.move(command)

    @handles_command
    async def move_later(self, command: MoveLater) -> tuple[int, int]:
        await asyncio.sleep(0.01)
        return self.move(command)

    @handles_command
    def move_and_refuse(self, command: MoveAndRefuse) -> tuple[int, int]:
        seen, after = self.balance, self.version
        self.move(command)
        raise RefusedError(after, seen)

    @handles_command
    def look(self, command: Look) -> tuple[int, int]:
        return self.version, self.balance

    @applies_event
    def apply_moved(self, event: Moved) -> None:
        self.kept += event.amount * self.scale
        part = int(event.tag.partition(".")[2])
        is_own = self.version == event.after + part + 1
        self.tags.append(event.tag if is_own else f"{event.tag} applied as {self.version}")


def _code(revision: str, *, scale: int = 1, reads: tuple[str, ...] = ()) -> type[Account]:
    """Make the class as a release of the code has it."""
    members = {
        "__module__": __name__,
        "__doc__": Account.__doc__,
        "__annotations__": {"scale": ClassVar[int]},
        "scale": scale,
        "revision": revision,
        "reads_revisions": reads,
    }
    made: type[Account] = new_class("Account", (Account,), exec_body=lambda of: of.update(members))
    return made


RELEASES = (_code("1"), _code("2", scale=100), _code("3", reads=("1",)))
"""The code at different times; processes of several run side by side."""
DECEIVER = _code("1", scale=3)
"""Code that keeps other states than the first release, under the same revision."""
