"""Emitting, and the stamp in an aggregate's JSON."""

import copy
import json
import pickle
from functools import partial
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from interlock._model.aggregate import Aggregate, origin_of, pending_of, running_types, set_origin
from interlock._model.stamp import STAMP_KEY
from interlock.errors import EventApplyError, UnknownEventError
from logbook import MOMENT, ORIGIN, Forbidding, Logbook, Marked, Renamed, Unapplied, stamped
from rig import unharmed


def test_emit_encodes_at_once_and_applies_the_decoded_copy() -> None:
    ledger = Logbook()
    event = Marked(marks=["a"])
    ledger.emit(event)
    event.marks.append("later")
    assert ledger.marks == ["a"]
    ledger.marks.append("by a handler")
    assert ledger.uncommitted_events == (Marked(marks=["a"]),)
    assert ledger.version == 1


def test_an_applier_sees_the_version_of_its_event() -> None:
    ledger = Logbook()
    ledger.emit(Marked(marks=[]))
    ledger.emit(Marked(marks=[]))
    assert ledger.seen_version == 2


def test_an_event_nobody_applies_is_refused() -> None:
    with pytest.raises(UnknownEventError, match=r"Logbook emitted Unapplied.*@applies_event"):
        Logbook().emit(Unapplied())


def test_an_event_whose_applier_raises_is_not_recorded() -> None:
    ledger = Logbook()
    with pytest.raises(EventApplyError, match="a bad mark"):
        ledger.emit(Marked(marks=["bad"]))
    assert (ledger.version, ledger.uncommitted_events) == (0, ())


def test_the_stamp_is_in_the_json_and_nowhere_else() -> None:
    state = stamped()
    wanted = {
        "namespace": "bank",
        "epoch": 3,
        "type": "Logbook",
        "id": str(UUID(int=1)),
        "revision": "r1",
        "version": 4,
        "last_event_id": str(UUID(int=5)),
        "last_event_at": MOMENT.isoformat(),
        "anchor_at": MOMENT.isoformat(),
    }
    for dumped in (json.loads(state.model_dump_json()), state.model_dump(mode="json")):
        stamp = dumped[STAMP_KEY]
        assert len(stamp.pop("checksum")) == 32
        assert stamp.pop("details")["unset"] == [[["marks", "tags", "seen_version", "at"], [[]]]]
        assert stamp == wanted
    assert STAMP_KEY not in state.model_dump()
    assert STAMP_KEY not in Logbook.model_json_schema()["properties"]
    other = stamped()
    set_origin(other, ORIGIN._replace(epoch=9))
    assert state == other


@pytest.mark.parametrize("options", [{}, {"exclude_none": True}, {"exclude_defaults": True}])
def test_json_comes_back_with_its_origin(options: dict[str, Any]) -> None:
    state = stamped(marks=["x"], tags={"a", "b"})
    for back in (
        Logbook.model_validate_json(state.model_dump_json(**options)),
        Logbook.model_validate_json(state.model_dump_json(indent=2, **options)),
        Logbook.model_validate(state.model_dump(mode="json", **options)),
    ):
        assert back == state
        assert origin_of(back) == ORIGIN


def test_json_without_a_stamp_is_a_state_without_origin() -> None:
    back = Logbook.model_validate_json('{"marks": ["x"]}')
    assert back.marks == ["x"]
    assert origin_of(back) is None
    with pytest.raises(ValidationError):
        Logbook.model_validate_json('{"marks": 3}')
    with pytest.raises(ValidationError):
        Logbook.model_validate_json("no json")


def test_a_forbidding_model_takes_its_own_json() -> None:
    state = stamped(Forbidding, total=3)
    assert Forbidding.model_validate_json(state.model_dump_json()).total == 3


def changed(text: str, **changes: Any) -> str:
    data = json.loads(text)
    for path, value in changes.items():
        *parents, key = path.split("__")
        target = data[STAMP_KEY] if parents else data
        target[key] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"marks": ["y"]},
        {"version": 5},
        {"stamp__version": 5},
        {"stamp__id": str(UUID(int=2))},
        {"stamp__last_event_id": str(UUID(int=6))},
        {"stamp__revision": "r2"},
        {"stamp__epoch": 4},
        {"stamp__checksum": "0" * 32},
    ],
)
def test_json_that_was_changed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="interlock_stamp"):
        Logbook.model_validate_json(changed(stamped(marks=["x"]).model_dump_json(), **changes))


class Written:
    """What a forger may write where a time, or an id, is wanted."""

    def __init__(self, json: object) -> None:
        self.json = json

    def isoformat(self) -> object:
        return self.json

    def __str__(self) -> str:
        return str(self.json)


@pytest.mark.parametrize("cls", [Logbook, Aggregate])
@pytest.mark.parametrize(
    "stamp",
    [
        *(None, [], 7, "text", {}, {"type": None}, {"type": ["Logbook"]}, {"type": {}}),
        *({"type": "\N{SNOWMAN}" * 9}, {"type": float("nan")}, {"type": 10**4000}),
        *({"type": "Logbook", "version": float("nan")}, {"type": "Logbook", "checksum": [1]}),
    ],
)
def test_a_foreign_stamp_is_a_validation_error(cls: type[Aggregate], stamp: object) -> None:
    data = {"marks": [], STAMP_KEY: stamp}
    refused = partial(pytest.raises, ValidationError, match="interlock_stamp")
    with unharmed("another error came out"), refused():
        cls.model_validate(data)
    with unharmed("another error came out"), refused():
        cls.model_validate_json(json.dumps(data))


@pytest.mark.parametrize(
    "forged",
    [
        *({"namespace": None}, {"namespace": {}}, {"epoch": "3"}, {"epoch": None}, {"epoch": True}),
        *({"revision": []}, {"last_event_id": Written("5")}, {"last_event_id": None}),
        *({"last_event_at": Written("0001-01-01T00:00:00+14:00")}, {"anchor_at": Written(5)}),
        *({"last_event_at": Written("9999-12-31T23:59:59-14:00")}, {"anchor_at": Written(None)}),
        {"anchor_at": Written("2030-01-01T00:00:00")},
    ],
)
def test_a_stamp_with_parts_of_other_types_is_a_validation_error(forged: dict[str, Any]) -> None:
    state = stamped()
    set_origin(state, ORIGIN._replace(**forged))
    text = state.model_dump_json()  # with a checksum that is right
    for validate in (Logbook.model_validate_json, Aggregate.model_validate_json):
        with pytest.raises(ValidationError, match="the stamp can't be read"):
            validate(text)


def test_a_stamp_that_is_no_json_is_a_validation_error() -> None:
    circular: list[object] = []
    circular.append(circular)
    for stamp in (circular, {"type": "Logbook", "x": object()}, "\ud800"):
        with pytest.raises(ValidationError, match="the stamp can't be read"):
            Logbook.model_validate({STAMP_KEY: stamp})


@pytest.mark.parametrize("given", [5, None, b"\xff", "[" * 500, '{"marks": [' + "9" * 5000 + "]}"])
def test_what_is_no_json_is_a_validation_error(given: Any) -> None:
    with pytest.raises(ValidationError):
        Logbook.model_validate_json(given)


def test_json_that_lost_a_field_is_refused() -> None:
    text = stamped(marks=["x"]).model_dump_json(exclude={"marks"})
    with pytest.raises(ValidationError, match="interlock_stamp"):
        Logbook.model_validate_json(text)


def test_json_stamped_with_another_type_is_refused() -> None:
    with pytest.raises(ValidationError, match="stamped as Forbidding, wanted Logbook"):
        Logbook.model_validate_json(stamped(Forbidding).model_dump_json())


def test_the_base_class_returns_the_stamped_type() -> None:
    with unharmed("the base class made something else of it"):
        found = Aggregate.model_validate_json(stamped(marks=["x"]).model_dump_json())
    assert type(found) is Logbook
    assert found == stamped(marks=["x"])
    assert type(Aggregate.model_validate(stamped(Renamed).model_dump(mode="json"))) is Renamed


def test_the_base_class_refuses_json_without_a_stamp() -> None:
    with pytest.raises(ValidationError, match="interlock_stamp"):
        Aggregate.model_validate_json("{}")


def test_two_types_of_one_name_are_an_error_unless_one_is_running() -> None:
    class Twin(Aggregate):
        type_name = "Twins"

    class OtherTwin(Aggregate):
        type_name = "Twins"

    text = stamped(Twin).model_dump_json()
    with pytest.raises(ValidationError, match="2 aggregate classes"):
        Aggregate.model_validate_json(text)
    types = {"Twins": OtherTwin}
    running_types.append(types)
    try:
        assert type(Aggregate.model_validate_json(text)) is OtherTwin
    finally:
        running_types.remove(types)


def test_a_field_of_the_stamps_name_is_refused() -> None:
    with pytest.raises(TypeError, match="taken by the stamp"):

        class Clashing(Aggregate):
            interlock_stamp: int = 0


def test_copies_and_pickles_keep_the_stamp_and_what_is_uncommitted() -> None:
    state = stamped(marks=["x"])
    state.emit(Marked(marks=["y"]))
    for twin in (
        copy.copy(state),
        copy.deepcopy(state),
        state.model_copy(),
        state.model_copy(deep=True),
        pickle.loads(pickle.dumps(state)),  # noqa: S301 our own bytes
    ):
        assert twin == state
        assert origin_of(twin) == ORIGIN
        assert pending_of(twin) == pending_of(state)
        twin.emit(Marked(marks=["z"]))
        assert len(pending_of(state)) == 1


def test_a_set_may_come_back_in_another_order() -> None:
    tags = {f"tag {number}" for number in range(200)}  # some fall into the same place
    text = stamped(tags=tags).model_dump_json()
    data = json.loads(text)
    data["tags"].reverse()
    with unharmed("the order was taken for a change"):
        assert Logbook.model_validate_json(json.dumps(data)).tags == tags


def test_a_list_beside_a_set_keeps_its_order() -> None:
    text = stamped(marks=["x", "y"], tags={"a"}).model_dump_json()
    with pytest.raises(ValidationError, match="checksum doesn't fit"):
        Logbook.model_validate_json(changed(text, marks=["y", "x"]))


def test_type_names_are_not_inherited() -> None:
    class Further(Renamed):
        marker: ClassVar[int] = 1

    assert stamped(Further).model_dump(mode="json")[STAMP_KEY]["type"] == "Further"
    assert uuid4() != Further().id
