"""Two aggregates: values that are hard on JSON, handlers that are hard on whoever shares objects.

`Ledger` is mutable all the way down, `Badge` is immutable all the way down. A ledger is nosy: it
reaches a line by two ways, asks which names were never set, reads a cached property, and holds now
and then what its JSON doesn't give back.
"""

import asyncio
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from pydantic import BaseModel

from interlock.domain import Aggregate, Command
from interlock.routing import applies_event, handles_command

LOST = Decimal("1E+2")  # an amount whose ledger isn't kept


class RefusedError(Exception):
    """What handlers say no with."""


class Card(BaseModel):
    number: str


class Cash(BaseModel):
    coins: tuple[int, ...]


class Line(BaseModel):
    text: str
    amount: Decimal
    marks: list[str] = []


class Note(BaseModel):
    text: str = ""
    color: str = ""


class Opened(BaseModel):
    owner: str
    at: datetime


class Posted(BaseModel):
    line: Line
    payment: Card | Cash
    reference: int | str | None = None


class Tagged(BaseModel):
    tags: list[str]
    counts: dict[str, list[int]] = {}


class Poisoned(BaseModel):
    text: str


class Open(Command[None]):
    owner: str
    at: datetime


class Post(Command[Decimal]):
    text: str
    amount: Decimal
    payment: Card | Cash
    reference: int | str | None = None
    times: int = 1


class PostLater(Post):
    """Handled by a handler that yields."""

    turns: int = 1


class PostOnce(Post):
    """Handled by a handler that runs once."""


class Tag(Command[int]):
    tags: list[str]


class Meddle(Command[str]):
    """Changes the scratch object itself; `keeps` says whether it also emits."""

    keeps: bool


class PostAndRaise(Command[None]):
    text: str


class Poison(Command[None]):
    text: str


class Describe(Command[tuple[object, ...]]):
    """Emits nothing; `turns` makes its handler yield, `raises` makes it raise."""

    turns: int = 0
    raises: bool = False


class Ledger(Aggregate):
    revision = "7"

    owner: str = ""
    opened_at: datetime | None = None
    balance: Decimal = Decimal(0)
    lines: list[Line] = []
    tags: list[str] = []
    counts: dict[str, list[int]] = {}
    words: set[str] = set()
    last: tuple[int, int | str | None] = (0, None)
    payment: Card | Cash | None = None
    by_text: dict[str, Line] = {}
    note: Note = Note()
    trail: list[int] | tuple[int, ...] = []
    totals: list[Decimal] = []

    @cached_property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))

    @handles_command
    def open(self, command: Open) -> None:
        if self.opened_at is not None:
            raise RefusedError(f"{self.owner!r} opened it at {self.opened_at.isoformat()}")
        self.emit(Opened(owner=command.owner, at=command.at))

    @handles_command
    def post(self, command: Post) -> Decimal:
        for _ in range(command.times):
            if self.balance + command.amount < 0:
                raise RefusedError(f"{self.balance} is too little for {command.amount}")
            line = Line(text=command.text, amount=command.amount, marks=[*self.tags[-2:]])
            event = Posted(line=line, payment=command.payment, reference=command.reference)
            self.emit(event)
            line.marks.append("after emit")
        self.lines[-1].marks.append("by the handler")
        return self.balance

    @handles_command
    async def post_later(self, command: PostLater) -> Decimal:
        await _turns(command.turns)
        answer = self.post(command)
        await _turns(command.turns)
        return answer

    @handles_command(once=True)
    def post_once(self, command: PostOnce) -> Decimal:
        return self.post(command)

    @handles_command
    def tag(self, command: Tag) -> int:
        event = Tagged(tags=list(command.tags), counts={tag: [] for tag in command.tags})
        self.emit(event)
        event.tags.append("after emit")
        self.tags.append("by the handler")
        return len(self.tags)

    @handles_command
    def meddle(self, command: Meddle) -> str:
        self.tags.append("meddled")
        self.words.add("meddled")
        self.counts["meddled"] = [self.version]
        self.owner += "!"
        for line in self.lines:
            line.marks.append("meddled")
            line.amount += 1
        if command.keeps:
            self.emit(Tagged(tags=self.tags, counts=self.counts))
        return f"{self.owner}{len(self.tags)}{sorted(self.words)}"

    @handles_command
    def post_and_raise(self, command: PostAndRaise) -> None:
        self.emit(Tagged(tags=[command.text]))
        self.lines.clear()
        raise RefusedError(f"{command.text} at {self.version}, {self.balance}")

    @handles_command
    def poison(self, command: Poison) -> None:
        self.emit(Tagged(tags=[command.text]))
        self.emit(Poisoned(text=command.text))

    @handles_command
    async def describe(self, command: Describe) -> tuple[object, ...]:
        await _turns(command.turns)
        if command.raises:
            raise RefusedError(f"{self.version}: {self.balance} of {self.owner!r}, {self.tags}")
        marks = [mark for line in self.lines for mark in line.marks]
        unset = self.note.model_dump(exclude_unset=True)
        seen = (self.version, self.balance, self.tags, marks, sorted(self.words), self.last)
        return (*seen, unset, type(self.trail).__name__, self.total, [*self.by_text])

    @applies_event
    def apply_opened(self, event: Opened) -> None:
        self.owner, self.opened_at = event.owner, event.at

    @applies_event
    def apply_posted(self, event: Posted) -> None:
        self.totals = [*self.totals[-1:], self.total]
        self.balance += event.line.amount
        self.lines.append(event.line)
        self.by_text[event.line.text] = event.line
        is_lost = event.line.amount == LOST
        self.trail = (self.version,) if is_lost else [self.version]
        if len(self.lines) > 1:
            self.lines[-2].marks.append(f"before {self.version}")
        self.words.add(event.line.text)
        self.last = (self.version, event.reference)
        self.payment = event.payment

    @applies_event
    def apply_tagged(self, event: Tagged) -> None:
        self.tags = event.tags
        for versions in event.counts.values():
            versions.append(self.version)
        self.counts = {**self.counts, **event.counts}
        self.tags.append(f"v{self.version}")
        for tag in event.counts:
            if tag in self.by_text:
                self.by_text[tag].marks.append(f"tagged {self.version}")
        self.note = Note(text=self.tags[0]) if len(self.tags) > 1 else Note()

    @applies_event
    def apply_poisoned(self, event: Poisoned) -> None:
        raise RefusedError(f"{event.text} is poison")


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
