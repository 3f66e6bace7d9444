"""Protections of what JSON can't say, of declarations that lose something, and of events."""

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
_NAMED = f"{_LOSSES}test_what_the_declaration_loses_is_named"
_FIELD = f"{_LOSSES}test_a_field_that_is_not_written_as_it_is_read"
_NO_LOSS = f"{_LOSSES}test_what_the_declaration_does_not_lose"
_PRIVATE = f"{_LOSSES}test_a_private_attribute_is_lost_in_states"
_EVENT = f"{_LOSSES}test_an_event_that_loses_data_is_refused_unless_it_is_only_read"
_REGISTERING = "tests/core/test_registering.py::"
_SHARED = f"{_REGISTERING}test_two_new_states_that_share_an_object_are_refused"
_IN_ALL = f"{_REGISTERING}test_what_all_objects_share_is_refused_in_states_and_events"
_DEFAULT = f"{_REGISTERING}test_a_default_that_does_not_come_back_is_named"
_KEPT = "tests/core/test_kept_states.py::"
_NOT_RECORDED = f"{_KEPT}test_an_event_that_loses_something_is_not_recorded"
_WARNED = f"{_KEPT}test_what_pydantic_would_warn_of_is_told_by_its_path_and_without_its_value"
_CACHED = f"{_KEPT_DETAILS}TestCachedProperties::test_appliers_and_handlers_compute_it_anew"
_METADATA = "tests/core/test_runtime.py::TestQuestions::test_metadata_that_json_cannot_hold"

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
            "Fidelity._root_details",
            "given == self._names or state.__pydantic_extra__",
            "True",
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
        CodeEdit("AggregateMapper.state", "if record.details:", "if False:"),
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
        CodeEdit("AggregateRecord.from_bytes", "details=details", "details=b''"),
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
DECLARED = [
    Patch(
        "excluded fields are taken",
        "a field that is excluded from the JSON is refused",
        CodeEdit("_values.losses:_of_field", "field.get('serialization_exclude')", "False"),
        _NAMED,
        (19,),
    ),
    Patch(
        "fields that may be excluded are taken",
        "a field that may be excluded from the JSON is refused",
        CodeEdit("_values.losses:_of_field", "field.get('serialization_exclude_if')", "False"),
        _FIELD,
        (19,),
    ),
    Patch(
        "aliases are taken",
        "a field is read by the name that it is written by",
        CodeEdit("_values.losses:_of_field", "if written not in read:", "if False:"),
        _NAMED,
        (19,),
    ),
    Patch(
        "an alias is always written",
        "what is written by its alias is read by it",
        CodeEdit("_values.losses:_of_field", 'config.get("serialize_by_alias", False)', "False"),
        _NO_LOSS,
    ),
    Patch(
        "an alias is always read",
        "an alias may be for writing alone",
        CodeEdit(
            "_values.losses:_of_field", "if not config.get('validate_by_alias', True):", "if False:"
        ),
        _NAMED,
        (19,),
    ),
    Patch(
        "a name is not read where there is an alias",
        "a name may be read beside an alias",
        CodeEdit("_values.losses:_of_field", "config.get('validate_by_name')", "False"),
        _NO_LOSS,
    ),
    Patch(
        "a path counts as its first step",
        "an alias that is a path isn't the name it begins with",
        CodeEdit("_single_keys", "len(path) == 1", "True"),
        _FIELD,
        (19,),
    ),
    Patch(
        "secrets are taken",
        "a secret, of which JSON has asterisks, is refused",
        CodeEdit("_Losses.of", "_is_of_secrets(serializer.get('function'))", "False"),
        _NAMED,
        (19,),
    ),
    Patch(
        "any serializer is a secret's",
        "a secret with a serializer of its own is no loss",
        CodeEdit(
            "_is_of_secrets", "getattr(function, '__module__', '') == 'pydantic.types'", "True"
        ),
        _NO_LOSS,
    ),
    Patch(
        "any serializer of pydantic is a secret's",
        "a serializer of pydantic that gives back what it had is no loss",
        CodeEdit("_is_of_secrets", "'secret' in name", "True"),
        _NO_LOSS,
    ),
    Patch(
        "computed fields are read as extras",
        "a computed field of a model that takes or forbids extras is refused",
        CodeEdit("_Losses.of", 'extra != "ignore"', "False"),
        _NAMED,
        (19,),
    ),
    Patch(
        "computed fields are refused",
        "a computed field of a model that ignores extras is no loss",
        CodeEdit("_Losses.of", 'extra != "ignore"', "True"),
        _NO_LOSS,
    ),
    Patch(
        "fields of BaseModel itself are taken",
        "a field that is typed with BaseModel is refused",
        CodeEdit("_Losses._of_class", "cls is BaseModel", "False"),
        _NAMED,
        (19,),
    ),
    Patch(
        "fields of abstract classes are taken",
        "a field that is typed with an abstract class is refused",
        CodeEdit("_Losses._of_class", "isabstract(cls)", "False"),
        _NAMED,
        (19,),
    ),
    Patch(
        "private attributes are taken",
        "a private attribute in a state is refused",
        CodeEdit("_Losses._of_class", 'made == "init_private_attributes"', "False"),
        _PRIVATE,
        (19,),
    ),
    Patch(
        "private attributes are refused in events",
        "a private attribute of an event is looked at with each event",
        CodeEdit("_Losses._of_class", "self._is_state", "True"),
        _PRIVATE,
    ),
    Patch(
        "private attributes that are derived are refused",
        "a private attribute that model_post_init makes is no loss",
        CodeEdit("_Losses._of_class", 'made == "init_private_attributes"', "True"),
        _NO_LOSS,
    ),
    Patch(
        "states of any declaration are taken",
        "a state whose declaration loses something is refused",
        CodeEdit("check_state", "declared_losses(cls, is_state=True)", "[]"),
        f"{_REGISTERING}test_all_losses_are_told_at_once",
        (19,),
    ),
    Patch(
        "events of any declaration are taken",
        "an event whose declaration loses something is refused",
        CodeEdit("_is_read_only", "if losses:", "if False:"),
        _EVENT,
        (19,),
    ),
    Patch(
        "an event is read only if its base is",
        "each event class says by itself that it is only read",
        CodeEdit(
            "_is_read_only",
            'event_class.__dict__.get("read_only", False)',
            'getattr(event_class, "read_only", False)',
        ),
        _EVENT,
    ),
    Patch(
        "events that are only read are emitted",
        "an event class that is only read isn't emitted",
        CodeEdit("Aggregate.emit", "if entry.is_read_only:", "if False:"),
        _EVENT,
        (19,),
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
DEFAULTS = [
    Patch(
        "a default that all events have is theirs",
        "no two events that lack a value are given one object",
        CodeEdit("_require_own_defaults", "if problem is not None:", "if False:"),
        _IN_ALL,
        (8,),
    ),
    Patch(
        "a default that all states' models have is theirs",
        "no two models in states that lack a value are given one object",
        CodeEdit("check_defaults", "shared_default(cls, kinds)", "None"),
        _IN_ALL,
        (8,),
    ),
    Patch(
        "what models hold may be shared",
        "defaults are looked at however deep they stand",
        CodeEdit(
            "shared_default", "for name, inner in inner_schemas(schema):", "for name, inner in ():"
        ),
        _IN_ALL,
        (8,),
    ),
    Patch(
        "what a schema refers to may be shared",
        "defaults are looked at wherever pydantic writes them down",
        CodeEdit("shared_default", "todo.append((where, definitions[reference]))", "pass"),
        _IN_ALL,
        (8,),
    ),
    Patch(
        "a factory may give one object",
        "what factories make is looked at, too",
        CodeEdit(
            "_two_defaults",
            "type(schema.get('default', schema)) in ATOMS",
            "'default' not in schema",
        ),
        _IN_ALL,
        (8,),
    ),
    Patch(
        "URLs can change",
        "a URL may be a default",
        CodeEdit("_IMMUTABLE", "_BaseMultiHostUrl", "tuple"),
        f"{_REGISTERING}test_defaults_of_ones_own_are_fine",
    ),
    Patch(
        "two new states share an object",
        "the defaults of a new state are its own",
        CodeEdit("shared", "if id(value) in mine:", "if False:"),
        _SHARED,
        (8,),
    ),
    Patch(
        "what models of two new states share is passed over",
        "the defaults of a new state are its own, also in models",
        CodeEdit("_mutable", "if isinstance(value, BaseModel):", "if False:"),
        _SHARED,
        (8,),
    ),
    Patch(
        "a sequence's items may be shared",
        "the defaults of a new state are its own, also in sequences",
        CodeEdit("_mutable", "isinstance(value, list | tuple | set | frozenset | deque)", "False"),
        _SHARED,
        (8,),
    ),
    Patch(
        "a mapping's values may be shared",
        "the defaults of a new state are its own, also in mappings",
        CodeEdit("_mutable", "todo += [*value, *value.values()]", "pass"),
        _SHARED,
        (8,),
    ),
    Patch(
        "defaults that don't come back are taken",
        "a default comes back from its JSON",
        CodeEdit("check_state", "list(_default_losses(cls, mapper))", "[]"),
        _DEFAULT,
        (19,),
    ),
    Patch(
        "defaults are not compared",
        "a default comes back from its JSON as it is",
        CodeEdit("_default_losses", "if found is not None:", "if False:"),
        _DEFAULT,
        (19,),
    ),
]
EVENTS = [
    Patch(
        "an event is not compared with its JSON",
        "an event that doesn't come back as it was given isn't recorded",
        CodeEdit("_stored_form", "if lost is not None:", "if False:"),
        _NOT_RECORDED,
        (19,),
    ),
    Patch(
        "what pydantic warns of stops an event in other words",
        "what an event would lose is told by its path",
        CodeEdit("_stored_form", 'warnings="none"', "warnings=True"),
        _WARNED,
    ),
    Patch(
        "what pydantic warns of stops a state in other words",
        "what a state would lose is told by its path",
        CodeEdit("JsonCodec.encode", 'warnings="none"', "warnings=True"),
        _WARNED,
    ),
    Patch(
        "appliers meet cached properties",
        "an applier never meets a cached property from before the event",
        CodeEdit(
            "_on_fresh_state",
            """
            _drop(state, cached)
            applier(state, event)
            """,
            "applier(state, event)",
        ),
        f"{_KEPT_DETAILS}TestCachedProperties::"
        "test_what_a_handler_looked_at_is_computed_anew_for_the_event",
        (17,),
    ),
    Patch(
        "appliers leave cached properties",
        "an applier leaves no cached property from within the event",
        CodeEdit(
            "_on_fresh_state",
            """
            applier(state, event)
            _drop(state, cached)
            """,
            "applier(state, event)",
        ),
        _CACHED,
    ),
    Patch(
        "handlers meet cached properties",
        "a handler doesn't see whether its state was decoded",
        CodeEdit(
            "CommandHandler._run", "self._registration.mapper.fidelity.drop_cached(scratch)", ""
        ),
        f"{_KEPT_DETAILS}TestCachedProperties::test_a_handler_does_not_see_whether_its_state_was_decoded",
    ),
    Patch(
        "cached properties are encoded",
        "the values of a state's cached properties are dropped before it is kept",
        CodeEdit("AggregateMapper.encode", "self.fidelity.drop_cached(state)", "pass"),
        f"{_KEPT_DETAILS}TestCachedProperties::test_a_state_that_was_kept_is_handed_out_without_them",
    ),
    Patch(
        "metadata is not read again",
        "metadata that can't be read again is refused",
        CodeEdit("encode_metadata", "from_json(encoded, allow_inf_nan=False)", "pass"),
        _METADATA,
        (19,),
    ),
    Patch(
        "metadata may hold NaN",
        "NaN and infinities in metadata are refused",
        CodeEdit("encode_metadata", "allow_inf_nan=False", "allow_inf_nan=True"),
        _METADATA,
        (19,),
    ),
    Patch(
        "NaN in metadata becomes null",
        "NaN and infinities in metadata are refused, and not changed",
        CodeEdit("encode_metadata", 'inf_nan_mode="constants"', 'inf_nan_mode="null"'),
        _METADATA,
        (19,),
    ),
]
PATCHES = [*DETAILS, *DECLARED, *TOLD, *DEFAULTS, *EVENTS]
