"""The checks themselves: their ids, their levels, their words."""

import re
from pathlib import Path

import pytest

from interlock_conformance import (
    CacheConformance,
    EventStoreConformance,
    PackagingConformance,
    SnapshotConformance,
)
from interlock_conformance.checks import (
    ADVISED,
    IF,
    MUST,
    SHOULD,
    UNLESS,
    Check,
    CheckFailed,
    Level,
    check,
    expect,
    unless_raised,
)
from interlock_conformance.verdict import Tally

SUITES = (CacheConformance, SnapshotConformance, EventStoreConformance, PackagingConformance)
CHECKS = [found for suite in SUITES for found in suite.interlock_checks]
CONTRACT = Path(__file__).with_name("contract-1.0.txt")


@pytest.mark.parametrize("found", CHECKS, ids=lambda found: found.id)
def test_a_check_says_what_it_asks_and_how_others_do_it(found: Check) -> None:
    assert re.fullmatch(r"(CACHE|SNAP|EVENTS|PLUG)-\d{3}", found.id)
    assert found.obligation.endswith(".")
    assert len(found.others) > 10


def test_a_frozen_contract_has_the_checks_and_levels_that_it_had() -> None:
    """A check that is added says `since` the next version of the contract."""
    frozen = [f"{found.id} {found.level}" for found in CHECKS if found.counts_in("1.0")]
    assert sorted(frozen) == CONTRACT.read_text("utf-8").splitlines()


@pytest.mark.parametrize("suite", SUITES)
def test_the_names_of_a_kind_differ(suite: type) -> None:
    names = [found.name for found in suite.interlock_checks]  # type: ignore[attr-defined]
    assert len(names) == len(set(names)) > 10


@pytest.mark.parametrize(
    ("level", "capabilities", "applies", "words"),
    [
        (MUST, set(), True, "MUST"),
        (SHOULD, set(), True, "SHOULD"),
        (IF("a", "b"), {"a"}, False, "IF a, b"),
        (IF("a", "b"), {"a", "b"}, True, "IF a, b"),
        (ADVISED("a"), {"b"}, False, "ADVISED a"),
        (ADVISED("a"), {"a"}, True, "ADVISED a"),
        (UNLESS("a", "b"), {"b"}, False, "UNLESS a, b"),
        (UNLESS("a", "b"), {"c"}, True, "UNLESS a, b"),
    ],
)
def test_a_level_applies_by_capabilities(
    level: Level, capabilities: set[str], words: str, *, applies: bool
) -> None:
    assert level.applies_to(capabilities) is applies
    assert str(level) == words


def test_an_id_is_given_once() -> None:
    with pytest.raises(ValueError, match="two checks are called CACHE-001"):
        check("CACHE-001", MUST, others="")(lambda _: None)


def test_a_failure_names_its_check_once_it_leaves_it() -> None:
    def never(_: object) -> None:
        expect(False, "a wonder", "the usual")

    found = Check("CACHE-999", MUST, "1.0", "not at all", is_plain=False, function=never)
    with pytest.raises(CheckFailed) as caught:
        found.run(None)
    assert caught.value.check is found
    assert str(caught.value).splitlines()[1:] == [
        "expected: a wonder",
        "happened: the usual",
        "how others solve it: not at all",
    ]


def test_whatever_is_raised_is_the_failure() -> None:
    with pytest.raises(CheckFailed, match="KeyError: 'x'") as caught, unless_raised("no exception"):
        raise KeyError("x")
    assert caught.value.expected == "no exception"


def test_a_frozen_contract_leaves_later_checks_out() -> None:
    early, late = (
        Check(f"CACHE-99{number}", MUST, since, "", is_plain=False, function=lambda _: None)
        for number, since in enumerate(("1.0", "1.10"))
    )
    suite = type("Suite", (), {"interlock_checks": (early, late), "interlock_not_carried": ()})
    tally = Tally()
    for found in (early, late):
        tally.collected(suite, f"t.py::{found.id}", "test", found.id)
    assert tally.freeze("1.9") == {"t.py::CACHE-991"}
    (report,) = tally.report("1.9")["suites"]
    assert [entry["id"] for entry in report["checks"]] == ["CACHE-990"]
