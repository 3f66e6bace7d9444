"""What processes asked and got, in files that survive them; and the history that these give."""

import json
import os
import time
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import accumulate, count
from pathlib import Path
from typing import Any
from uuid import UUID

from history import Call, End, History, Row
from interlock.application import RecordedEvent
from outcomes import end_of
from simulated_bank import Moved, RefusedError

State = tuple[int, int, Sequence[str] | None]
"""A version, a balance, and the tags unless they weren't told."""
Recorded = RecordedEvent[Moved]


class CallLog:
    """The calls of one process. A line is written at once, so that a kill loses none."""

    def __init__(self, path: Path, process: int) -> None:
        self.folder = path.parent
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
        self._process = process
        self._numbers = count()

    async def call(
        self,
        aggregate_id: UUID,
        work: Callable[[], Awaitable[State | None]],
        **asked: Any,  # Any: fields of a call
    ) -> End:
        """Call, and note how it began and ended; None for what tells no state."""
        name = [self._process, next(self._numbers)]
        asked |= {"aggregate": str(aggregate_id)}
        self._write(name, "began", asked)
        got: dict[str, object] = {}
        try:
            state = await work()
        except Exception as error:  # noqa: BLE001 whatever it is, it is noted
            end = end_of(error)
            got["note"] = repr(error)
            if isinstance(error, RefusedError):
                got |= {"version": error.version, "balance": error.balance}
        else:
            end = End.ACKNOWLEDGED
            if state is not None:
                got |= dict(zip(("version", "balance", "tags"), state, strict=True))
        self._write(name, "ended", {"end": end.name, **got})
        return end

    def _write(self, name: list[int], moment: str, told: Mapping[str, object]) -> None:
        line = {"name": name, moment: time.monotonic_ns(), **told}
        os.write(self._file, f"{json.dumps(line)}\n".encode())


def history_of(logs: Iterable[Path], streams: Mapping[str, Sequence[Recorded]]) -> History:
    """Put the calls beside the streams.

    Processes have no common count of what happens. An event stood at the latest when somebody who
    was told of it was answered, and at the earliest when its command began.
    """
    calls: dict[tuple[int, int], Call] = {}
    lines = [json.loads(line) for path in logs for line in path.read_text().splitlines()]
    for line in lines:
        process, number = line.pop("name")
        if "began" in line:
            calls[process, number] = _begun(process, line)
        else:
            _end(calls[process, number], line)
    rows = {name: [_row(recorded) for recorded in events] for name, events in streams.items()}
    for call in calls.values():
        if call.end is End.OPEN:
            call.end, call.ended, call.note = End.UNKNOWN, 2**63, "its process was killed"
    ordered = sorted(calls.values(), key=lambda call: call.began)
    ordered = [call for call in ordered if call.aggregate in rows]
    for name, stream in rows.items():
        _bound([call for call in ordered if call.aggregate == name], stream)
    return History(rows, ordered)


def _bound(calls: Sequence[Call], stream: Sequence[Row]) -> None:
    """Note between which lengths the stream was when each call began and ended."""
    begun = {call.command: call.began for call in calls if call.command}
    # By when an event stood at the earliest: those after it didn't stand before.
    earliest = list(accumulate((begun.get(row.command, 0) for row in stream), max))
    told = sorted(
        (call.ended, call.version)
        for call in calls
        if call.sees and call.end in (End.ACKNOWLEDGED, End.REFUSED)
    )
    moments = [ended for ended, _ in told]
    highest = [0, *accumulate((version for _, version in told), max)]
    for call in calls:
        call.head_before = highest[bisect_left(moments, call.began)]
        call.head_after = bisect_right(earliest, call.ended)


def _begun(process: int, line: dict[str, Any]) -> Call:  # Any: JSON
    amounts = line.pop("amounts", None)
    call = Call(process, line.pop("aggregate"), line.pop("began"), 0.0, 0)
    call.amounts = None if amounts is None else tuple(amounts)
    for name, value in line.items():
        setattr(call, name, value)
    return call


def _end(call: Call, line: dict[str, Any]) -> None:  # Any: JSON
    call.ended, call.end, call.note = line["ended"], End[line["end"]], line.get("note", "")
    if "version" in line:
        call.state(version=line["version"], balance=line["balance"], tags=line.get("tags"))


def _row(recorded: Recorded) -> Row:
    return Row(
        version=recorded.version,
        event_id=recorded.event_id.hex,
        command=str(recorded.metadata["command_id"]),
        stood_at=0.0,
        **recorded.event.model_dump(),
    )
