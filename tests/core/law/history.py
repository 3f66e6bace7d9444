"""What goes on outside of the two processes: time, and what stands in the streams.

Whatever is stored was decided by a plain replay of what stands before it.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from interlock.backends import EventRow
from interlock.domain import Command
from law import badge, domain
from law.calls import Wait
from law.fault_lists import Subject
from law.faulty_events import Events
from law.oracle import Decision, decide, fold
from law.plain import jsonable, plain
from law.run_state import BrokenError, Stream

YEAR = timedelta(days=365)
MOST_JUMPS = 9


class History:
    """The streams as the oracle knows them, who writes to them besides, and the time.

    `commands` are those of all who write, by id. `broken` tells what doesn't fit.
    """

    def __init__(self, events: Events) -> None:
        self.now = timedelta(0)  # the true time; the clock may have jumped back
        self.streams: dict[Subject, Stream] = {}
        self.commands: dict[UUID, Command[Any]] = {}
        self.broken: list[str] = []
        self.events = events
        self.events.intrude = self._intrude
        self.events.dawdle = self._dawdle
        self._jumps = 0

    def clock(self) -> datetime:
        start = datetime(2040, 1, 1, tzinfo=UTC)
        return start + self.now - self._jumps * (YEAR + timedelta(days=1))

    def wait(self, step: Wait) -> None:
        self.now += timedelta(seconds=step.seconds)
        if step.jumps_back and self._jumps < MOST_JUMPS:
            self.now += timedelta(days=1)
            self._jumps += 1

    def stream(self, subject: Subject) -> Stream:
        return self.streams.setdefault(subject, Stream())

    def renewed(self, command: Command[Any]) -> Command[Any]:
        """The same command under an id of its own, by which its events are known."""
        command = command.model_copy(update={"command_id": uuid4()})
        self.commands[command.command_id] = command
        return command

    def decided(self, subject: Subject, command: Command[Any], version: int) -> Decision:
        """What a plain replay of the first events decides."""
        state = fold(*subject, self.stream(subject).events[:version])
        return decide(type(command).__name__, plain(command), state)

    def write(self, command: Command[Any]) -> bool:
        """As another process does that replays; whether anything was written."""
        subject = subject_of(command)
        command = self.renewed(command)
        self.sync(subject)
        stream = self.stream(subject)
        events = self.decided(subject, command, len(stream.events)).events
        metadata = json.dumps({"command_id": str(command.command_id)}).encode()
        self.events.write(
            subject,
            [
                EventRow(
                    version,
                    uuid4().bytes,
                    name,
                    1,
                    int(self.clock().timestamp()) * 1_000_000,
                    metadata,
                    json.dumps(jsonable(values)).encode(),
                )
                for version, (name, values) in enumerate(events, len(stream.events) + 1)
            ],
        )
        self.sync(subject)
        return bool(events)

    def write_all(self, commands: Sequence[Command[Any]]) -> None:
        for command in commands:
            self.write(command)

    def _intrude(self, subject: Subject) -> bool:
        if subject[0] == "Badge":
            medal = badge.Medal(name="intruder", weight="0.5")
            until = datetime(2031, 1, 1, tzinfo=UTC)
            return self.write(
                badge.Award(aggregate_id=subject[1], medal=medal, points=1, until=until)
            )
        return self.write(domain.Tag(aggregate_id=subject[1], tags=["intruder"]))

    def _dawdle(self) -> None:
        """What was read is no longer true, and old, before it is answered."""
        self.now += timedelta(seconds=11)

    def lose(self, subject: Subject, kept: int) -> None:
        """The stream ends here now; a cache may hold what it was."""
        stream = self.stream(subject)
        length = len(stream.events)
        stream.ghosts += [fold(*subject, stream.events[:n]) for n in range(kept + 1, length + 1)]
        for numbers in (stream.events, stream.ids, stream.born):
            del numbers[kept:]

    def sync(self, subject: Subject) -> None:
        """Take in what was appended, command by command, each decided on what stands before."""
        stream, rows = self.stream(subject), self.events.rows(subject)
        known = len(stream.ids)
        self._demand([row[1] for row in rows[:known]] == stream.ids, f"{subject} was rewritten")
        self._demand(
            [row[0] for row in rows] == list(range(1, len(rows) + 1)), f"{subject} has a gap"
        )
        while len(stream.ids) < len(rows):
            begin = len(stream.ids)
            command_id = _command_id(rows[begin])
            group = [row for row in rows[begin:] if _command_id(row) == command_id]
            self._demand(command_id not in stream.accepted, f"{command_id} is accepted twice")
            decision = self.decided(subject, self.commands[command_id], begin)
            found = [(row[2], json.loads(row[6])) for row in group]
            wanted = [(name, jsonable(values)) for name, values in decision.events]
            self._demand(
                found == wanted, f"{self.commands[command_id]!r}: stored {found}, wanted {wanted}"
            )
            if found != wanted:
                raise BrokenError(self.broken[-1])
            stream.events += decision.events
            stream.ids += [row[1] for row in group]
            stream.born += [self.now] * len(group)
            stream.accepted[command_id] = (decision.outcome, begin + len(group))

    def _demand(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001 as assert's
        if not holds:
            self.broken.append(otherwise)


def subject_of(command: Command[Any]) -> Subject:
    name = "Badge" if isinstance(command, badge.Award | badge.Spend | badge.Show) else "Ledger"
    return name, command.aggregate_id


def _command_id(row: EventRow) -> UUID:
    return UUID(json.loads(row[5])["command_id"])
