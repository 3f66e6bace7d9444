"""A configuration checked as far as that goes without opening anything, with all its profiles."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from interlock._config.reader import read
from interlock._config.settings import AggregateOptions, Settings
from interlock._config.toml import Found
from interlock._plugins.catalogue import Catalogue
from interlock._plugins.problems import (
    Problem,
    Problems,
    SettingsError,
    TooManyError,
    in_order,
    within,
)
from interlock._plugins.specs import BackendKind, BackendReference
from interlock.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check: the errors, and notes that are only worth a look.

    `profiles` are those that were looked at, besides the file without any.
    """

    errors: Sequence[Problem]
    notes: Sequence[Problem]
    profiles: Sequence[str]


def check(found: Found, profile: str | None = None) -> Checked:
    """All that is wrong in a file, with a profile or with each, and without any.

    What can't be had here, a variable that isn't set or a file that is missing, is only noted of
    profiles other than the one in use.
    """
    used = profile or os.environ.get("INTERLOCK_PROFILE") or None
    names: list[str | None] = [profile] if profile is not None else [None, *found.profiles]
    if used not in names:
        names.append(used)
    errors: list[Problem] = []
    notes: list[Problem] = []
    for name in names:
        problems = checked(found, name)[1]
        for told, wrong in ((errors, problems), (notes, problems.notes)):
            for each in wrong:
                into = notes if each.is_of_here and name != used else told
                _add(into, each, name)
    return Checked(in_order(errors), in_order(notes), [name for name in names if name is not None])


def _add(told: list[Problem], problem: Problem, profile: str | None) -> None:
    """Add it, unless it is told of the file without a profile."""
    said = {(each.place, each.text) for each in told if each.profile is None}
    if (problem.place, problem.text) not in said:
        told.append(replace(problem, profile=profile))


def settings_of(found: Found, profile: str | None) -> Settings:
    """The settings, if an application can be built with them. Raises `SettingsError`."""
    settings, problems = checked(found, profile or os.environ.get("INTERLOCK_PROFILE") or None)
    if settings is None or problems:
        raise SettingsError(str(found.path), problems)
    return settings


def checked(found: Found, profile: str | None) -> tuple[Settings | None, Problems]:
    """The settings with a profile, all that is wrong with them, and what is worth a look."""
    settings, problems = read(found, profile)
    if settings is not None:
        try:
            _build(settings, problems)
            _look(settings, problems)
        except TooManyError:
            return None, problems
    return settings, problems


def _build(settings: Settings, problems: Problems) -> None:
    """Make each backend, as `build()` does; of one that is wrong already nothing more is told."""
    catalogue = Catalogue.installed()
    namespace = settings.application.namespace
    wrong = {problem.place for problem in problems}

    def made(kind: BackendKind, reference: BackendReference) -> object:
        def part(name: str) -> object:
            return made(kind, settings.named(kind).get(name, BackendReference(name)))

        return catalogue.build(reference, kind, namespace=namespace, part=part)

    for where, kind, reference in settings.backends():
        inner = f"{where}.", f"{where}["
        if not any(place == where or place.startswith(inner) for place in wrong):
            try:
                made(kind, reference)
            except ConfigurationError as error:
                problems.add(where, str(error))


def _look(settings: Settings, problems: Problems) -> None:
    """Note where a strategy has no backend, or a backend no strategy."""
    for what in ("snapshot", "cache"):
        for key, other in permutations((f"{what}_strategy", f"{what}_backend")):
            for name, own in {"default": settings.default, **settings.aggregates}.items():
                both = own.over(settings.default)
                is_completed = name == "default" and any(
                    _is_set(each, other) for each in settings.aggregates.values()
                )
                is_said = name != "default" and not (
                    _is_set(own, key) or other in own.model_fields_set
                )
                if _is_set(both, key) and not (_is_set(both, other) or is_completed or is_said):
                    problems.note(
                        within("aggregates", name, key),
                        f"there is no {other}, so nothing is kept",
                        "name one here or in code",
                    )


def _is_set(options: AggregateOptions, name: str) -> bool:
    """Whether it is more than nothing: no null backend, no strategy that never keeps anything."""
    value = getattr(options, name)
    is_null = isinstance(value, str) and value.startswith("null-")
    return not is_null and value != AggregateOptions.model_fields[name].default
