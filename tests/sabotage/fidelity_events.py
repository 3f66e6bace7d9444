"""Protections of events: they come back from their JSON as they were."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_KEPT_DETAILS = "tests/core/test_kept_details.py::"
_FIDELITY = "tests/core/test_fidelity.py::"
_LOSSES = "tests/core/test_losses.py::"
_REGISTERING = "tests/core/test_registering.py::"
_KEPT = "tests/core/test_kept_states.py::"
_NOT_RECORDED = f"{_KEPT}test_an_event_that_loses_something_is_not_recorded"
_WARNED = f"{_KEPT}test_what_pydantic_would_warn_of_is_told_by_its_path_and_without_its_value"
_CACHED = f"{_KEPT_DETAILS}TestCachedProperties::test_appliers_and_handlers_compute_it_anew"
_METADATA = "tests/core/test_runtime.py::TestQuestions::test_metadata_that_json_cannot_hold"

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
        CodeEdit("_stored_form", "warnings=False", "warnings=True"),
        _WARNED,
    ),
    Patch(
        "what pydantic warns of stops a state in other words",
        "what a state would lose is told by its path",
        CodeEdit("JsonCodec.encode", "warnings=False", "warnings=True"),
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
        CodeEdit("CommandHandler._scratch", "self._fidelity.drop_cached(scratch)", "pass"),
        f"{_KEPT_DETAILS}TestCachedProperties::test_a_handler_does_not_see_whether_its_state_was_decoded",
    ),
    Patch(
        "cached properties are encoded",
        "the values of a state's cached properties are dropped before it is kept",
        CodeEdit("AggregateMapper.encode", "self._fidelity.drop_cached(state)", "pass"),
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
PATCHES = [*EVENTS]
