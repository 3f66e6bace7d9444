"""A second aggregate of the law's domain: medals are awarded and spent."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command
from law.domain import RefusedError


class Medal(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    weight: Decimal
    kind: Literal["gold", "tin"] = "tin"


class Awarded(BaseModel):
    medal: Medal
    points: int
    until: datetime


class Spent(BaseModel):
    points: int


class Award(Command[int]):
    medal: Medal
    points: int
    until: datetime


class Spend(Command[int]):
    points: int
    at_once: int = 1


class Show(Command[tuple[object, ...]]):
    raises: bool = False


class Badge(Aggregate):
    revision = "7"

    points: int = 0
    medals: tuple[Medal, ...] = ()
    names: frozenset[str] = frozenset()
    until: datetime | None = None
    weight: Decimal = Decimal("0.00")
    trail: tuple[tuple[int, int], ...] = ()

    @handles_command
    def award(self, command: Award) -> int:
        self.emit(Awarded(medal=command.medal, points=command.points, until=command.until))
        return self.points

    @handles_command
    def spend(self, command: Spend) -> int:
        for _ in range(command.at_once):
            if self.points < command.points:
                raise RefusedError(f"{self.points} points left, wanted {command.points}")
            self.emit(Spent(points=command.points))
        self.points += 1000
        return self.points

    @handles_command
    def show(self, command: Show) -> tuple[object, ...]:
        if command.raises:
            raise RefusedError(f"{self.points} at {self.version}")
        return (self.version, self.points, self.trail, self.weight)

    @applies_event
    def apply_awarded(self, event: Awarded) -> None:
        self.points += event.points
        self.medals = (*self.medals, event.medal)
        self.names |= {event.medal.name}
        self.until = event.until
        self.weight += event.medal.weight

    @applies_event
    def apply_spent(self, event: Spent) -> None:
        self.points -= event.points
        self.trail = (*self.trail, (self.version, event.points))
