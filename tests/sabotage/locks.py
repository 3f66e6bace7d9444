"""Protections of `interlock revisions`: what a check against a lock file tells."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_cli_revisions.py::test_"
_CODE = f"{_TESTS}code_that_changed_under_an_explicit_revision_is_told"
_COST = f"{_TESTS}an_input_that_changed_is_named_and_what_that_costs"
_INPUTS = f"{_TESTS}inputs_that_are_new_or_gone_are_told"
_TYPES = f"{_TESTS}types_that_come_and_go_are_told"
_UNMADE = f"{_TESTS}an_application_that_cannot_be_made_is_told_in_one_line"
_UNREAD = f"{_TESTS}a_lock_file_that_cannot_be_read_is_told"

PATCHES = [
    Patch(
        "an explicit revision covers any change",
        "code that changed under an explicit revision is told",
        CodeEdit("_difference", "(new.explicit and what)", "False"),
        _CODE,
        (17,),
    ),
    Patch(
        "a revision that its class sets is locked as any other",
        "the lock file tells that a class sets its revision",
        CodeEdit("_locked", "own_revision(cls) is not None", "False"),
        _CODE,
        (17,),
    ),
    Patch(
        "changed inputs are not named",
        "the inputs that changed are named",
        CodeEdit("_difference", "old.inputs[each] != new.inputs[each]", "False"),
        _COST,
    ),
    Patch(
        "new inputs are not named",
        "the inputs that are new are named",
        CodeEdit("_difference", "new.inputs.keys() - both", "()"),
        _INPUTS,
    ),
    Patch(
        "inputs that are gone are not named",
        "the inputs that are gone are named",
        CodeEdit("_difference", "old.inputs.keys() - both", "()"),
        _INPUTS,
    ),
    Patch(
        "a new revision costs nothing",
        "snapshots that aren't used any more are told",
        CodeEdit("_cost", "revision in reads", "True"),
        _COST,
        (16,),
    ),
    Patch(
        "a revision that is read still costs its snapshots",
        "snapshots that are used still are told",
        CodeEdit("_cost", "revision in reads", "False"),
        f"{_TESTS}a_revision_that_is_read_still_costs_nothing",
    ),
    Patch(
        "a raised revision costs nothing",
        "what a raised revision costs is told",
        CodeEdit(
            "_difference",
            "message = f'{said}; {_cost(old.revision, reads)}' if is_other else still",
            "message = still",
        ),
        f"{_TESTS}an_explicit_revision_that_was_raised_is_told",
        (16,),
    ),
    Patch(
        "types that aren't in the lock file pass",
        "a type that isn't in the lock file is told",
        CodeEdit("changes", "old is None and new is not None", "False"),
        _TYPES,
    ),
    Patch(
        "types that aren't registered any more pass",
        "a type that isn't registered any more is told",
        CodeEdit("changes", "new is None and old is not None", "False"),
        _TYPES,
    ),
    Patch(
        "a check that finds something succeeds",
        "a check exits with 1 if anything differs",
        CodeEdit("revisions", "typer.Exit(1 if differences else 0)", "typer.Exit(0)"),
        _COST,
    ),
    Patch(
        "an application that can't be made fails as a difference does",
        "a check exits with 2 if the application can't be made",
        CodeEdit("revisions", "typer.Exit(2)", "typer.Exit(1)"),
        _UNMADE,
    ),
    Patch(
        "a module that can't be imported ends in a traceback",
        "a module that can't be imported is told in one line",
        CodeEdit("found_callable", 'with _told(f"{module_name} can\'t be imported"):', "if True:"),
        _UNMADE,
    ),
    Patch(
        "a callable that stops the process ends in its code",
        "a callable that stops the process is told in one line",
        CodeEdit("cli.application:_told", "(Exception, SystemExit)", "Exception"),
        _UNMADE,
    ),
    Patch(
        "a lock file of another shape is an empty one",
        "a lock file that isn't one is told",
        CodeEdit("Lock", "extra='forbid'", "extra='ignore'"),
        _UNREAD,
    ),
    Patch(
        "a lock file of a later schema is read as this one",
        "a lock file of another schema is told",
        CodeEdit("Lock", "Literal[1]", "int"),
        _UNREAD,
    ),
    Patch(
        "doubts are not told",
        "what a revision doesn't cover is noted",
        CodeEdit("_locked", "notes += computed.doubts", ""),
        f"{_TESTS}what_makes_a_revision_doubtful_is_noted",
        (17,),
    ),
]
