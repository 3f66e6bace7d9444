"""Do the checks notice? Each mutant of the gallery has to die by the check that it names."""

import logging
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from interlock_conformance.checks import Check, CheckFailed, checks_of
from interlock_conformance.gallery.mutants import Canary, Mutant
from interlock_conformance.gallery.references import Reference, reference_for
from interlock_conformance.mutation import EditError, Files
from interlock_conformance.outcomes import Outcome, Result
from interlock_conformance.waiting import hastily

KINDS = ("EVENTS", "SNAP", "CACHE", "PLUG")
MOST_CANARIES = 5
MOST_FOR_ONE_CHECK = 3

_NOTICED = (Outcome.FAILED, Outcome.NOT_MET, Outcome.ADVISED_AGAINST)


@dataclass(frozen=True, slots=True)
class Death:
    """The result of a mutant; `others` are further checks that notice it, if they were run."""

    mutant: Mutant
    is_killed: bool
    words: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """The results of a run of the gallery."""

    deaths: Sequence[Death]
    checks: Sequence[Check]
    canaries: Sequence[Canary]
    problems: Sequence[str] = field(default_factory=list)

    @property
    def is_proven(self) -> bool:
        """Whether every mutant died as it should, and every check has one or is a canary."""
        return not self.problems and all(death.is_killed for death in self.deaths)

    def lines(self) -> Iterator[str]:
        """The kill matrix; what is wrong; the sum."""
        killed = {death.mutant.killer for death in self.deaths if death.is_killed}
        width = max((len(death.mutant.title) for death in self.deaths), default=0)
        for death in self.deaths:
            word = "killed  " if death.is_killed else "SURVIVED"
            also = f"; noticed by {', '.join(death.others)} too" if death.others else ""
            title = death.mutant.title.ljust(width)
            yield f"{death.mutant.killer:<11} {title}  {word}  {death.words}{also}"
        for kind in KINDS:
            own = [check.id for check in self.checks if check.kind == kind]
            count = len(killed.intersection(own))
            if own:
                yield f"{kind}: {count} of {len(own)} checks kill, {count * 100 // len(own)} %"
        for canary in self.canaries:
            yield f"canary {canary.check}: {canary.reason}"
        yield from (f"PROBLEM {problem}" for problem in self.problems)
        total = sum(death.is_killed for death in self.deaths)
        yield (
            f"{total} of {len(self.deaths)} killed, {len(self.checks)} checks, "
            f"{len(self.canaries)} canaries"
        )


def all_checks() -> Mapping[str, Check]:
    """The checks of all kinds, by id."""
    return {check.id: check for kind in KINDS for check in checks_of(kind)}


def examine(
    mutants: Sequence[Mutant], canaries: Sequence[Canary], *, jobs: int = 1, others: bool = False
) -> Findings:
    """Run the whole gallery: every check needs a mutant that it kills, or is a canary."""
    checks = list(all_checks().values())
    problems = list(problems_of(mutants, canaries))
    known = [mutant for mutant in mutants if mutant.killer in all_checks()]
    return Findings(judged(known, jobs=jobs, others=others), checks, canaries, problems)


def examine_some(mutants: Sequence[Mutant], *, others: bool = False) -> Findings:
    """Run some mutants, without asking what they leave out."""
    named = {mutant.killer for mutant in mutants}
    checks = [check for check in all_checks().values() if check.id in named]
    return Findings(judged(mutants, others=others), checks, ())


def judged(mutants: Sequence[Mutant], *, jobs: int = 1, others: bool = False) -> Sequence[Death]:
    """The result of each mutant."""
    flags = [others] * len(mutants)
    if jobs == 1:
        return list(map(judge, mutants, flags))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_quieten) as pool:
        return list(pool.map(judge, mutants, flags))


def judge(mutant: Mutant, others: bool = False) -> Death:  # noqa: FBT001, FBT002 mapped over
    """Make the killer's check of the reference, which has to pass, and of the mutant."""
    killer = all_checks()[mutant.killer]
    reference = reference_for(killer, mutant.base)
    files = reference.files()
    try:
        edited = mutant.edit.apply(files)
    except EditError as error:
        return Death(mutant, is_killed=False, words=f"no such edit: {error}")
    with hastily():
        return _judged(mutant, killer, reference, files, edited, others=others)


def _judged(
    mutant: Mutant,
    killer: Check,
    reference: Reference,
    files: Files,
    edited: Files,
    *,
    others: bool,
) -> Death:
    correct = reference.make(killer, files)
    if correct.outcome is not Outcome.PASSED:
        words = f"the unedited backend has {correct.outcome}: {_line(correct.reason)}"
        return Death(mutant, is_killed=False, words=words)
    result = reference.make(killer, edited)
    if not died_by(killer, result):  # a race that a busy machine decided, perhaps
        result = reference.make(killer, edited)
    rest = [c for c in checks_of(killer.kind) if c is not killer] if others else []
    noticed = tuple(c.id for c in rest if died_by(c, reference.make(c, edited)))
    return Death(mutant, died_by(killer, result), _told(result), noticed)


def died_by(check: Check, result: Result) -> bool:
    """Whether the check's own assertion failed; what else was raised doesn't count."""
    error = result.error
    return result.outcome in _NOTICED and isinstance(error, CheckFailed) and error.check is check


def _told(result: Result) -> str:
    if isinstance(result.error, CheckFailed):
        return _line(result.error.happened)
    return f"{result.outcome}: {_line(result.reason)}" if result.reason else str(result.outcome)


def _line(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= 100 else f"{line[:97]}..."


def problems_of(mutants: Sequence[Mutant], canaries: Sequence[Canary]) -> Iterator[str]:
    """Faults of the gallery itself."""
    checks = all_checks()
    named = Counter(mutant.killer for mutant in mutants)
    excused = {canary.check for canary in canaries}
    for check_id, count in named.items():
        if check_id not in checks:
            yield f"{check_id} is named by a mutant and is no check"
        if count > MOST_FOR_ONE_CHECK:
            yield f"{check_id} is named by {count} mutants, at most {MOST_FOR_ONE_CHECK} may"
    for check_id in checks:
        if check_id not in named and check_id not in excused:
            yield f"{check_id} has no mutant that it kills"
    for check_id in sorted(excused):
        if check_id not in checks or check_id in named:
            yield f"{check_id} is no check that needs a canary"
    if len(excused) > MOST_CANARIES:
        yield f"{len(excused)} canaries, at most {MOST_CANARIES} may be"
    titles = Counter(mutant.title for mutant in mutants)
    yield from (f"{title} is the title of {n} mutants" for title, n in titles.items() if n > 1)


def _quieten() -> None:
    """Silence what asyncio logs about broken backends."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
