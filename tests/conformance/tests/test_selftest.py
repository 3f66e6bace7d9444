"""The suite proves itself: who survives is named, and who died of something else isn't counted."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from interlock_conformance import __main__ as command
from interlock_conformance.gallery.collection import CANARIES, MUTANTS
from interlock_conformance.gallery.mutants import Canary, Mutant, code, in_memory
from interlock_conformance.gallery.references import reference_for
from interlock_conformance.mutation import Edits
from interlock_conformance.selftest import (
    KINDS,
    Findings,
    all_checks,
    examine_some,
    judge,
    problems_of,
)

MutantCommand = Callable[[Mutant], tuple[int, str]]

KILLED = code(
    "first-put-wins", "CACHE-003", "ShelfCacheBackend.put", "newer(found, record)", "found"
)
UNCHANGED = Mutant("nothing", "CACHE-003", Edits())
DIES_IN_SET_UP = code(
    "does-not-open",
    "CACHE-003",
    "ShelfCacheBackend.open",
    "self._shelf.open()",
    'raise RuntimeError("this shelf never opens")',
)
DIES_IN_IMPORT = code("does-not-import", "CACHE-003", "backend:", "import time", "import tine")
ASSERTION_OF_NO_CHECK = code(
    "asserts-when-closed",
    "CACHE-003",
    "ShelfCacheBackend.close",
    "self._shelf.close()",
    """
    self._shelf.close()
    from interlock_conformance.checks import CheckFailed

    raise CheckFailed("a check", "nobody")
    """,
)
KILLED_BY_OTHERS = Mutant("noticed-elsewhere", "CACHE-001", KILLED.edit)


@pytest.fixture
def run_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> MutantCommand:
    """The command, with a gallery of one mutant."""

    def run(mutant: Mutant) -> tuple[int, str]:
        monkeypatch.setattr(command, "MUTANTS", (mutant,))
        code = command.main(["selftest", "--only", mutant.name])
        return code, capsys.readouterr().out

    return run


def test_every_mutant_dies_and_every_check_kills() -> None:
    done = subprocess.run(
        # Twice as many as there are cores: many a mutant dies of what doesn't happen in time.
        [sys.executable, "-m", "interlock_conformance", "selftest", "--jobs", "4"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    count = len(MUTANTS)
    assert lines[-1] == (
        f"{count} of {count} killed, {len(all_checks())} checks, {len(CANARIES)} canaries"
    )
    assert not [line for line in lines if "SURVIVED" in line or line.startswith("PROBLEM")]
    for kind in KINDS:
        assert [line for line in lines if re.match(rf"{kind}: .* checks kill, 100 %", line)]


def test_a_mutant_that_the_named_check_notices_is_killed(run_only: MutantCommand) -> None:
    code, text = run_only(KILLED)
    assert code == 0
    assert re.search(r"CACHE-003 +cache/first-put-wins +killed", text)
    assert text.splitlines()[-1] == "1 of 1 killed, 1 checks, 0 canaries"


@pytest.mark.parametrize(
    ("mutant", "reason"),
    [
        (UNCHANGED, "passed"),
        (KILLED_BY_OTHERS, "passed"),
        (DIES_IN_SET_UP, "error: RuntimeError: this shelf never opens"),
        (ASSERTION_OF_NO_CHECK, "nobody"),
        (DIES_IN_IMPORT, "error: ModuleNotFoundError: No module named 'tine'"),
        (code("twice", "CACHE-003", "ShelfCacheBackend.put", "key", "1"), "stands in it 2 times"),
        (code("nowhere", "CACHE-003", "ShelfCacheBackend.give", "1", "2"), "is defined nowhere"),
        (in_memory("other-base", "CACHE-024", "Cache.put", "newer", "max"), "not applicable"),
    ],
    ids=lambda value: value.name if isinstance(value, Mutant) else "",
)
def test_who_dies_of_anything_else_survives_and_is_named(
    run_only: MutantCommand, mutant: Mutant, reason: str
) -> None:
    code, text = run_only(mutant)
    assert code == 1
    line = text.splitlines()[0]
    assert f"cache/{mutant.name}" in line
    assert "SURVIVED" in line
    assert reason in line
    assert text.splitlines()[-1].startswith("0 of 1 killed")


def test_a_recommendation_that_is_not_met_is_a_kill() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.killer == "PLUG-011")
    assert judge(mutant).is_killed


def test_a_mutant_of_an_unedited_backend_that_fails_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = reference_for(all_checks()["CACHE-003"], "shelf")
    files = KILLED.edit.apply(broken.files())
    monkeypatch.setattr(
        "interlock_conformance.selftest.reference_for",
        lambda check, base: type(broken)(lambda: files, broken.make),
    )
    second = ("ShelfCacheBackend.put", "found.stamp not in supersedes", "True")
    death = judge(code("second-edit", "CACHE-003", *second))
    assert not death.is_killed
    assert death.words.startswith("the unedited backend has failed")


def test_other_checks_that_notice_are_told() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "name-misspelt")
    findings = examine_some([mutant], others=True)
    assert findings.is_proven
    assert findings.deaths[0].others == ("PLUG-007",)
    assert "noticed by PLUG-007 too" in next(findings.lines())


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.title)
def test_an_edit_is_one(mutant: Mutant) -> None:
    files = reference_for(all_checks()[mutant.killer], mutant.base).files()
    edited = mutant.edit.apply(files)
    assert len([path for path in files if files[path] != edited[path]]) == 1
    assert mutant.diff().startswith(f"--- {mutant.title}\n@@ ")


def test_the_diff_is_printed_and_nothing_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["selftest", "--diff", "cache/first-put-wins"]) == 0
    text = capsys.readouterr().out
    assert text == (
        "--- cache/first-put-wins\n@@ ShelfCacheBackend.put\n-newer(found, record)\n+found\n"
    )


def test_an_unknown_name_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command.main(["selftest", "--only", "nobody"])
    assert "no mutant is called 'nobody'" in capsys.readouterr().err


def copies(count: int) -> Sequence[Mutant]:
    return [Mutant(f"copy-{place}", "PLUG-001", Edits()) for place in range(count)]


@pytest.mark.parametrize(
    ("mutants", "canaries", "problem"),
    [
        ((*MUTANTS, *copies(3)), CANARIES, "PLUG-001 is named by 4 mutants, at most 3 may"),
        (
            [m for m in MUTANTS if m.killer != "PLUG-005"],
            (),
            "PLUG-005 has no mutant that it kills",
        ),
        ((*MUTANTS, MUTANTS[0]), CANARIES, "events/columns-swapped is the title of 2 mutants"),
        (
            (*MUTANTS, Mutant("stray", "PLUG-999", Edits())),
            CANARIES,
            "PLUG-999 is named by a mutant and is no check",
        ),
        (MUTANTS, [Canary("PLUG-001", "why")], "PLUG-001 is no check that needs a canary"),
        (
            [m for m in MUTANTS if not m.killer.startswith("PLUG")],
            [Canary(f"PLUG-{number:03}", "why") for number in range(1, 13)],
            "12 canaries, at most 5 may be",
        ),
    ],
)
def test_a_gallery_that_cheats_is_told(
    mutants: Sequence[Mutant], canaries: Sequence[Canary], problem: str
) -> None:
    problems = list(problems_of(mutants, canaries))
    assert problem in problems
    findings = Findings([], [], canaries, problems)
    assert not findings.is_proven
    assert f"PROBLEM {problem}" in list(findings.lines())


def test_the_gallery_has_no_problems() -> None:
    assert list(problems_of(MUTANTS, CANARIES)) == []
    assert len(MUTANTS) >= 25


def test_a_canary_excuses_a_check() -> None:
    rest = [mutant for mutant in MUTANTS if mutant.killer != "PLUG-005"]
    assert list(problems_of(rest, [Canary("PLUG-005", "why")])) == []
