"""Accounts whose events record on which state they were decided."""

import asyncio

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


class Look(Command[tuple[int, int]]):
    """Emit nothing; the answer is the version and the balance that the handler saw."""


class Account(Aggregate):
    """An account that lists the tags of its events in the order in which they were applied."""

    revision = "1"

    balance: int = 0
    tags: list[str] = []

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
        await asyncio.sleep(0)
        return self.move(command)

    @handles_command
    def look(self, command: Look) -> tuple[int, int]:
        return self.version, self.balance

    @applies_event
    def apply_moved(self, event: Moved) -> None:
        self.balance += event.amount
        self.tags.append(event.tag)
