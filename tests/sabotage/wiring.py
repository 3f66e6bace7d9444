"""Protections of what is registered, of starting and of closing."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_REFUSED = "tests/core/test_builder_refused.py::TestRefused::"
_SCOPES = "tests/core/test_builder.py::TestScopes::"
_CLOSING = "tests/core/test_runtime_life.py::TestClosing::"

PATCHES = [
    Patch(
        "two aggregates handle one command",
        "a command that two registered aggregates handle is refused",
        CodeEdit("_handlers", "if command in owners:", "if False:"),
        f"{_REFUSED}test_an_aggregate_that_cannot_work",
    ),
    Patch(
        "two aggregates share a stored name",
        "two aggregates of one stored name are refused",
        CodeEdit("Assembly._check_names", "if name in by_name:", "if False:"),
        f"{_REFUSED}test_an_aggregate_that_cannot_work",
        (22,),
    ),
    Patch(
        "defaults are not looked at",
        "a default that varies is refused when the type is registered",
        CodeEdit("Assembly._context", "check_defaults(cls)", ""),
        f"{_REFUSED}test_an_aggregate_that_cannot_work",
    ),
    Patch(
        "fields are not looked at",
        "a state that its JSON would lose is refused when the type is registered",
        CodeEdit("Assembly._context", "if keeps_snapshots or keeps_cache:", "if False:"),
        f"{_REFUSED}test_a_state_that_its_json_would_lose_is_refused_where_states_are_kept",
        (19,),
    ),
    Patch(
        "code without source has some revision",
        "code that can't be read needs an explicit revision",
        CodeEdit(
            "_revision",
            """
            if is_needed:
                return compute_revision(cls, codec)
            """,
            "",
        ),
        f"{_REFUSED}test_code_whose_source_is_unknown_is_refused_where_states_are_kept",
        (17,),
    ),
    Patch(
        "namespaces share keys",
        "the namespace is in every key",
        CodeEdit(
            "Assembly._context",
            "Scope(application.namespace, application.epoch, name, revision)",
            'Scope("default", application.epoch, name, revision)',
        ),
        f"{_SCOPES}test_namespace_and_epoch_keep_cached_states_apart[setting0]",
        (22,),
    ),
    Patch(
        "epochs share keys",
        "the epoch is in every cache key",
        CodeEdit("Assembly._context", "application.epoch", "0"),
        f"{_SCOPES}test_namespace_and_epoch_keep_cached_states_apart[setting1]",
        (22,),
    ),
    Patch(
        "the epoch hides snapshots",
        "the epoch is no part of snapshots' keys",
        CodeEdit(
            "Assembly._context", "Scope(application.namespace, 0, name, revision)", "mapper.scope"
        ),
        f"{_SCOPES}test_the_epoch_keeps_snapshots_together",
    ),
    Patch(
        "another event loop is not noticed",
        "an application belongs to one event loop",
        CodeEdit(
            "Life.check",
            "if self._loop is not asyncio.get_running_loop():",
            "if self._loop is None:",
        ),
        "tests/core/test_runtime.py::TestLoops::test_another_loop_is_refused",
    ),
    Patch(
        "events that another loop goes on with are not noticed",
        "an application belongs to one event loop",
        CodeEdit("Application.events", "self._life.check()", ""),
        "tests/core/test_lives.py::test_what_one_loop_began_another_does_not_go_on_with[events]",
    ),
    Patch(
        "a time that no datetime holds is met later",
        "what an event's columns can't be is an error of the event",
        CodeEdit("Fold.extend", "_check_times(rows)", ""),
        "tests/core/test_fold.py::test_a_time_that_no_datetime_holds_is_an_error_of_its_event",
    ),
    Patch(
        "a failed start leaves backends open",
        "if one backend fails to open, the others are closed",
        CodeEdit("Application.start", "await self._backends.close(self._deadline())", ""),
        "tests/core/test_runtime_life.py::TestOpening::test_a_failing_open_closes_those_already_opened",
    ),
    Patch(
        "closing doesn't wait for commands",
        "closing waits for the commands that are being handled",
        CodeEdit("TypeServices.drain", "await self.commands.drain()", ""),
        f"{_CLOSING}test_it_waits_for_commands_that_are_being_handled_or_queue",
    ),
    Patch(
        "closing doesn't wait for loads",
        "closing waits for flights",
        CodeEdit("Loader.drain", "await self.flights.drain()", ""),
        f"{_CLOSING}test_it_waits_for_loads",
    ),
    Patch(
        "closing waits for ever",
        "closing waits within a deadline",
        CodeEdit("Application.close", "deadline - min(_FAREWELL_SECONDS, seconds / 4)", "None"),
        f"{_CLOSING}test_what_never_ends_is_not_waited_for_for_ever",
    ),
    Patch(
        "a command is matched by its bases",
        "dispatch is by exact command type",
        CodeEdit(
            "Application.dispatch",
            "self._handlers.get(type(command))",
            """
            next(
                (self._handlers[cls] for cls in type(command).__mro__ if cls in self._handlers),
                None,
            )
            """,
        ),
        "tests/core/test_runtime.py::TestQuestions::"
        "test_a_command_derived_from_a_handled_one_is_another",
    ),
]
