"""What the handlers and appliers of the domain do, said again on dicts and lists.

A handler is called with (state, emit, command), an applier with (state, event); all are plain.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

Plain = dict[str, Any]
Emit = Callable[..., None]


class RefusedError(Exception):
    """Compared with the domain's by name and text."""


class EventApplyError(Exception):
    """Compared with Interlock's by name and text."""


def empty(aggregate: str, aggregate_id: UUID) -> Plain:
    state: Plain = {"id": aggregate_id, "version": 0}
    if aggregate == "Badge":
        return state | {
            "points": 0,
            "medals": (),
            "names": frozenset(),
            "until": None,
            "weight": Decimal("0.00"),
            "trail": (),
        }
    return state | {
        "owner": "",
        "opened_at": None,
        "balance": Decimal(0),
        "lines": [],
        "tags": [],
        "counts": {},
        "words": set(),
        "last": (0, None),
        "payment": None,
        "by_text": {},
        "note": {"text": "", "color": ""},
        "trail": [],
        "totals": [],
    }


def _open(state: Plain, emit: Emit, command: Plain) -> None:
    if state["opened_at"] is not None:
        raise RefusedError(f"{state['owner']!r} opened it at {state['opened_at'].isoformat()}")
    emit("Opened", owner=command["owner"], at=command["at"])


def _post(state: Plain, emit: Emit, command: Plain) -> Decimal:
    for _ in range(command["times"]):
        if state["balance"] + command["amount"] < 0:
            raise RefusedError(f"{state['balance']} is too little for {command['amount']}")
        line = {"text": command["text"], "amount": command["amount"], "marks": state["tags"][-2:]}
        emit("Posted", line=line, payment=command["payment"], reference=command["reference"])
    balance: Decimal = state["balance"]
    return balance


def _tag(state: Plain, emit: Emit, command: Plain) -> int:
    emit("Tagged", tags=command["tags"], counts={tag: [] for tag in command["tags"]})
    return len(state["tags"]) + 1


def _meddle(state: Plain, emit: Emit, command: Plain) -> str:
    state["tags"].append("meddled")
    state["words"].add("meddled")
    state["counts"]["meddled"] = [state["version"]]
    if command["keeps"]:
        emit("Tagged", tags=state["tags"], counts=state["counts"])
    return f"{state['owner']}!{len(state['tags'])}{sorted(state['words'])}"


def _post_and_raise(state: Plain, emit: Emit, command: Plain) -> None:
    raise RefusedError(f"{command['text']} at {state['version'] + 1}, {state['balance']}")


def _poison(state: Plain, emit: Emit, command: Plain) -> None:
    text = command["text"]
    raise EventApplyError(
        f"Ledger {state['id']} could not apply the emitted Poisoned: {text} is poison"
    )


def _describe(state: Plain, emit: Emit, command: Plain) -> tuple[object, ...]:
    version, balance, tags = state["version"], state["balance"], state["tags"]
    if command["raises"]:
        raise RefusedError(f"{version}: {balance} of {state['owner']!r}, {tags}")
    marks = [mark for line in state["lines"] for mark in line["marks"]]
    unset = {"text": state["note"]["text"]} if len(tags) > 1 else {}
    seen = (version, balance, tags, marks, sorted(state["words"]), state["last"])
    return (*seen, unset, type(state["trail"]).__name__, _total(state), [*state["by_text"]])


def _total(state: Plain) -> Decimal:
    return sum((line["amount"] for line in state["lines"]), Decimal(0))


def _award(state: Plain, emit: Emit, command: Plain) -> int:
    emit("Awarded", medal=command["medal"], points=command["points"], until=command["until"])
    points: int = state["points"]
    return points


def _spend(state: Plain, emit: Emit, command: Plain) -> int:
    for _ in range(command["at_once"]):
        if state["points"] < command["points"]:
            raise RefusedError(f"{state['points']} points left, wanted {command['points']}")
        emit("Spent", points=command["points"])
    return int(state["points"]) + 1000


def _show(state: Plain, emit: Emit, command: Plain) -> tuple[object, ...]:
    if command["raises"]:
        raise RefusedError(f"{state['points']} at {state['version']}")
    return (state["version"], state["points"], state["trail"], state["weight"])


def _opened(state: Plain, event: Plain) -> None:
    state["owner"], state["opened_at"] = event["owner"], event["at"]


def _posted(state: Plain, event: Plain) -> None:
    lines = state["lines"]
    state["totals"] = [*state["totals"][-1:], _total(state)]
    if lines:
        lines[-1]["marks"].append(f"before {state['version']}")
    lines.append(event["line"])
    state["by_text"][event["line"]["text"]] = event["line"]
    is_lost = event["line"]["amount"] == 100
    state["trail"] = (state["version"],) if is_lost else [state["version"]]
    state["balance"] += event["line"]["amount"]
    state["words"].add(event["line"]["text"])
    state["last"] = (state["version"], event["reference"])
    state["payment"] = event["payment"]


def _tagged(state: Plain, event: Plain) -> None:
    version = state["version"]
    state["tags"] = [*event["tags"], f"v{version}"]
    text = event["tags"][0] if event["tags"] else ""
    state["note"] = {"text": text, "color": ""}
    for tag, versions in event["counts"].items():
        state["counts"][tag] = [*versions, version]
        if tag in state["by_text"]:
            state["by_text"][tag]["marks"].append(f"tagged {version}")


def _awarded(state: Plain, event: Plain) -> None:
    state["points"] += event["points"]
    state["medals"] += (event["medal"],)
    state["names"] |= {event["medal"]["name"]}
    state["until"] = event["until"]
    state["weight"] += event["medal"]["weight"]


def _spent(state: Plain, event: Plain) -> None:
    state["points"] -= event["points"]
    state["trail"] += ((state["version"], event["points"]),)


HANDLERS: dict[str, Callable[[Plain, Emit, Plain], Any]] = {
    "Open": _open,
    "Post": _post,
    "PostLater": _post,
    "PostOnce": _post,
    "Tag": _tag,
    "Meddle": _meddle,
    "PostAndRaise": _post_and_raise,
    "Poison": _poison,
    "Describe": _describe,
    "Award": _award,
    "Spend": _spend,
    "Show": _show,
}
APPLIERS: dict[str, Callable[[Plain, Plain], None]] = {
    "Opened": _opened,
    "Posted": _posted,
    "Tagged": _tagged,
    "Awarded": _awarded,
    "Spent": _spent,
}
