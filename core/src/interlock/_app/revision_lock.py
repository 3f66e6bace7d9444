"""The lock file of revisions: what each was computed from, and what has changed since."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from interlock._app.application import Application, registrations_of
from interlock._config.toml import find
from interlock._engine.registration import Registration
from interlock._storage.revision import own_revision, revision_of
from interlock.errors import ConfigurationError

_MOST = 5  # inputs that a line of text names


class Locked(BaseModel):
    """A type's revision; whether the class sets it; the digests of its inputs by their names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    revision: str
    explicit: bool = False
    inputs: dict[str, str] = {}


class Lock(BaseModel):
    """The file: the types by their stored names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(1, alias="schema")
    types: dict[str, Locked] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """How a type differs from what is locked. A revision is None where there is none.

    `kind` is "added", "removed", "revision", or "code": inputs changed under an explicit revision.
    """

    type: str
    kind: Literal["added", "removed", "revision", "code"]
    message: str
    locked: str | None
    now: str | None
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:  # Any: JSON values
        """The change, in JSON's types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Found:
    """The revisions of an application, what each type reads besides, and what is to be noted."""

    lock: Lock
    reads: Mapping[str, tuple[str, ...]]
    notes: list[str]


def found_in(application: Application) -> Found:
    """The revisions of an application, which needn't be started."""
    registrations = registrations_of(application)
    notes: list[str] = []
    types = {each.routes.name: _locked(each, notes) for each in registrations}
    reads = {each.routes.name: each.reads_revisions for each in registrations}
    return Found(Lock(types=dict(sorted(types.items()))), reads, notes)


def read(path: Path) -> Lock:
    """The file. Raises `ConfigurationError` if it isn't there or isn't one."""
    advice = f"`interlock revisions --write {path}` makes a new one"
    try:
        return Lock.model_validate(find(path).table)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; {advice}") from error
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise ConfigurationError(
            f"{path} is no lock file of revisions ({why}); {advice}"
        ) from error


def changes(locked: Lock, now: Lock, reads: Mapping[str, tuple[str, ...]]) -> Iterator[Change]:
    """The differences, type by type. `reads` has the `reads_revisions` of each type."""
    for name in sorted(locked.types.keys() | now.types.keys()):
        old, new = locked.types.get(name), now.types.get(name)
        if old is None and new is not None:
            yield Change(name, "added", "it isn't in the lock file", None, new.revision)
        elif new is None and old is not None:
            message = "it is in the lock file, and isn't registered any more"
            yield Change(name, "removed", message, old.revision, None)
        elif old is not None and new is not None:
            yield from _difference(name, old, new, reads.get(name, ()))


def _difference(name: str, old: Locked, new: Locked, reads: tuple[str, ...]) -> Iterator[Change]:
    both = old.inputs.keys() & new.inputs.keys()
    changed = tuple(sorted(each for each in both if old.inputs[each] != new.inputs[each]))
    added = tuple(sorted(new.inputs.keys() - both))
    removed = tuple(sorted(old.inputs.keys() - both))
    groups = ((changed, "changed"), (added, "new"), (removed, "gone"))
    what = ", ".join(f"{_listed(names)} {verb}" for names, verb in groups if names)
    is_other = old.revision != new.revision
    if old.explicit or new.explicit:
        said = f'revision was "{old.revision}" and is "{new.revision}"'
        still = f'{what}, but revision is still "{new.revision}"; raise it if the meaning changed'
        message = f"{said}; {_cost(old.revision, reads)}" if is_other else still
    else:
        message = f"{what or 'inputs changed their names'}; {_cost(old.revision, reads)}"
    if is_other or (new.explicit and what):
        kind: Literal["revision", "code"] = "revision" if is_other else "code"
        yield Change(name, kind, message, old.revision, new.revision, changed, added, removed)


def _listed(names: tuple[str, ...]) -> str:
    rest = len(names) - _MOST
    return ", ".join(f"`{name}`" for name in names[:_MOST]) + (f" and {rest} more" * (rest > 0))


def _cost(revision: str, reads: tuple[str, ...]) -> str:
    if revision in reads:
        return f"snapshots of {revision} are used still, since reads_revisions names it"
    return f"snapshots of {revision} are not used; name it in reads_revisions if the meaning stayed"


def _locked(registration: Registration, notes: list[str]) -> Locked:
    """The revision that records have, and its inputs; none if the source can't be read."""
    cls, revision = registration.aggregate_type, registration.mapper.scope.revision
    is_explicit = own_revision(cls) is not None
    try:
        computed = revision_of(cls, registration.mapper.codec)
    except ConfigurationError as error:
        notes.append(f"{registration.routes.name}: {error}")
        return Locked(revision=revision, explicit=is_explicit)
    notes += computed.doubts
    return Locked(revision=revision, explicit=is_explicit, inputs=dict(computed.inputs))
