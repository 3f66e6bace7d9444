"""Protections of what a record says beside the JSON, and of what is told of a loss."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_FIDELITY_LOST = "tests/core/test_fidelity_lost.py::"
_KEPT_BY_PLAIN_CLASSES = "tests/core/test_kept_by_plain_classes.py::"
_KEPT_DETAILS = "tests/core/test_kept_details.py::"
_FIDELITY = "tests/core/test_fidelity.py::"
_SAID = f"{_FIDELITY}test_the_details_say_what_json_cannot"
_PUT_BACK = f"{_FIDELITY}test_one_object_is_put_back_wherever_it_stood"
_UNENCODED = (
    f"{_FIDELITY}test_what_cannot_be_encoded_is_told_by_its_field_and_never_by_a_key_or_value"
)
_EXTRAS = f"{_FIDELITY}test_unset_and_shared_extras_come_back"
_LOSSES = "tests/core/test_losses.py::"
_REGISTERING = "tests/core/test_registering.py::"
_KEPT = "tests/core/test_kept_states.py::"

DETAILS = [
    Patch(
        "unset names are not said",
        "a record says which names of models are unset",
        CodeEdit("details_of", 'details["unset"] = list(unset.items())', "pass"),
        _SAID,
        (19,),
    ),
    Patch(
        "shared objects are not said",
        "a record says which objects are one",
        CodeEdit("details_of", 'details["shared"] = list(shared.values())', "pass"),
        _SAID,
        (19,),
    ),
    Patch(
        "constants are said to be shared",
        "what can't change isn't said to be shared",
        CodeEdit("details_of", "if kinds[type(value)].can_change:", "if True:"),
        f"{_FIDELITY}test_a_state_with_every_name_set_and_nothing_shared_has_no_details",
    ),
    Patch(
        "unset extras are not said",
        "extras may be unset too",
        CodeEdit("_unset", "*(model.__pydantic_extra__ or ())", "*()"),
        _EXTRAS,
    ),
    Patch(
        "unset names of an exact state are not said",
        "a state that the check passes has details, if names are unset",
        CodeEdit(
            "Fidelity.state_details",
            "details if objects is ids else self.details(state)",
            "details",
        ),
        _SAID,
        (19,),
    ),
    Patch(
        "shared objects of an exact state are not said",
        "a state that the check passes has details, if objects are shared",
        CodeEdit("Fidelity.state_details", "len(objects) == len({*objects})", "True"),
        _SAID,
        (19,),
    ),
    Patch(
        "unset names of the state itself are not said",
        "the state's own unset names are said",
        CodeEdit(
            "Fidelity.state_details",
            "b'' if given == self._names else self._root_details(state)",
            "b''",
        ),
        f"{_FIDELITY}test_the_unset_names_of_the_state_itself_are_said",
        (19,),
    ),
    Patch(
        "what the details give back is not compared",
        "a state that doesn't come back with its details isn't kept",
        CodeEdit(
            "Fidelity.state_details",
            "difference(state, copy, self.kinds, is_state=True) or more",
            "more",
        ),
        f"{_FIDELITY_LOST}test_what_is_lost_is_told_by_its_path",
        (19,),
    ),
    Patch(
        "unset names are not restored",
        "a decoded state has the unset names that it had",
        CodeEdit(
            "restore",
            "_follow(state, path).__pydantic_fields_set__.difference_update(names)",
            "pass",
        ),
        _SAID,
        (19,),
    ),
    Patch(
        "shared objects are not restored",
        "objects that were one are one in a decoded state",
        CodeEdit("restore", "_set(_follow(state, parent), step, value)", "pass"),
        _SAID,
        (19,),
    ),
    Patch(
        "what is shared in a model is not restored",
        "one object is put back into a model",
        CodeEdit(
            "_set",
            "(extra if step in extra else parent.__dict__)[step] = value",
            "pass",
        ),
        _PUT_BACK,
        (19,),
    ),
    Patch(
        "what is shared in extras is not restored",
        "one object is put back into a model's extras",
        CodeEdit("_set", "extra if step in extra else parent.__dict__", "parent.__dict__"),
        _EXTRAS,
        (19,),
    ),
    Patch(
        "what is shared in a sequence is not restored",
        "one object is put back into a list or deque",
        CodeEdit("_set", "parent[int(step)] = value", "pass"),
        _PUT_BACK,
        (19,),
    ),
    Patch(
        "what is shared in a dataclass is not restored",
        "one object is put back into a dataclass",
        CodeEdit("_set", "object.__setattr__(parent, str(step), value)", "pass"),
        _PUT_BACK,
        (19,),
    ),
    Patch(
        "details put objects where there is no field",
        "details that can't be ours make a record unusable",
        CodeEdit(
            "_set", "if step not in extra and step not in type(parent).model_fields:", "if False:"
        ),
        "tests/core/test_fidelity.py::test_details_of_what_is_not_there_are_refused",
    ),
    Patch(
        "details put an object into itself",
        "details that can't be ours make a record unusable",
        CodeEdit("restore", "if path[: len(first)] == first:", "if False:"),
        "tests/core/test_fidelity.py::test_details_of_what_is_not_there_are_refused",
    ),
    Patch(
        "records are decoded without their details",
        "a state that is read is what its record says",
        CodeEdit("AggregateMapper.decoded", "if record.details:", "if False:"),
        f"{_KEPT_DETAILS}TestDetails::test_one_object_stays_one_and_what_is_unset_stays_so",
        (19,),
    ),
    Patch(
        "the stamp has no details",
        "a state's own JSON says what its record says",
        CodeEdit("stamp_of", "if details:", "if False:"),
        f"{_KEPT_DETAILS}TestDetails::test_the_stamp_has_them",
        (19,),
    ),
    Patch(
        "a stamp's details are not restored",
        "a state that is validated is what its stamp says",
        CodeEdit("proven_origin", 'if "details" in stamp:', "if False:"),
        f"{_KEPT_DETAILS}TestDetails::test_the_stamp_has_them",
        (19,),
    ),
    Patch(
        "the envelope leaves out the details",
        "the details are in the bytes of a record",
        CodeEdit("AggregateRecord._read", "details=details", "details=b''"),
        "tests/core/test_records.py::test_a_record_comes_back_from_its_bytes",
        (19,),
    ),
    Patch(
        "a class has its base's fidelity",
        "each class has a fidelity of its own",
        CodeEdit(
            "fidelity_of",
            'cls.__dict__.get("__interlock_fidelity__")',
            'getattr(cls, "__interlock_fidelity__", None)',
        ),
        f"{_FIDELITY}test_each_class_has_a_fidelity_of_its_own",
    ),
    Patch(
        "keys are told",
        "what doesn't validate is told by its field, since what follows may be data",
        CodeEdit("told", "first['loc'][:1]", "first['loc']"),
        f"{_FIDELITY}test_what_does_not_validate_is_told_by_its_field_and_never_by_a_key_or_value",
    ),
    Patch(
        "errors are told with their values",
        "what an error says may be data: its class is told",
        CodeEdit("told", "type(error).__name__", "repr(error)"),
        f"{_KEPT_BY_PLAIN_CLASSES}test_what_a_codec_says_of_values_is_not_repeated",
    ),
]
TOLD = [
    Patch(
        "nobody hears which field can't be encoded",
        "a field that can't be encoded is named",
        CodeEdit("told_of", "not _is_encoded(model, {name})", "False"),
        _UNENCODED,
    ),
    Patch(
        "the first field is to blame for what a serializer of the whole does",
        "no field is blamed where a serializer takes the whole",
        CodeEdit("told_of", "_is_encoded(model, set())", "True"),
        _UNENCODED,
    ),
    Patch(
        "names beyond the declared ones are encoded",
        "an extra name that can't be encoded is named",
        CodeEdit("told_of", "model.__pydantic_extra__ or ()", "()"),
        _UNENCODED,
    ),
]
PATCHES = [*DETAILS, *TOLD]
