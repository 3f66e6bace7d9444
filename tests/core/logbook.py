"""An aggregate that notes what it is given, and the stamps of its JSON."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from interlock._model.aggregate import Aggregate, set_origin
from interlock._model.stamp import Origin
from interlock.routing import applies_event

MOMENT = datetime(2030, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


ORIGIN = Origin("bank", 3, "r1", UUID(int=5), MOMENT, MOMENT)


class Marked(BaseModel):
    marks: list[str]
    at: datetime | None = None


class Unapplied(BaseModel):
    x: int = 0


class Logbook(Aggregate):
    marks: list[str] = []
    tags: set[str] = set()
    seen_version: int = 0
    at: datetime | None = None

    @applies_event
    def apply_marked(self, event: Marked) -> None:
        if "bad" in event.marks:
            raise ValueError("a bad mark")
        self.marks = event.marks
        self.at = event.at
        self.seen_version = self.version


class Forbidding(Aggregate):
    model_config = ConfigDict(extra="forbid")

    total: int = 0


class Renamed(Aggregate):
    type_name = "OldName"


def stamped(cls: type[Any] = Logbook, **values: Any) -> Any:
    state = cls(id=UUID(int=1), version=4, **values)
    set_origin(state, ORIGIN)
    return state
