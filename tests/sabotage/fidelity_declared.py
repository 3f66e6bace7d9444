"""Protections at registration: what a type declares that JSON would lose, and shared defaults."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_KEPT_DETAILS = "tests/core/test_kept_details.py::"
_FIDELITY = "tests/core/test_fidelity.py::"
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
        CodeEdit("IMMUTABLE", "_BaseMultiHostUrl", "tuple"),
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
PATCHES = [*DECLARED, *DEFAULTS]
