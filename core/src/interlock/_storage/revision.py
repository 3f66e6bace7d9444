"""Revisions: a hash over the code that decides how events become a state."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from interlock._model.aggregate import Aggregate
from interlock._storage.codecs import Codec
from interlock._storage.revision_parts.inputs import Search
from interlock._storage.revision_parts.syntax import digest
from interlock._storage.revision_parts.text import NoSourceError
from interlock.errors import ConfigurationError, RevisionWarning


@dataclass(frozen=True, slots=True)
class Revision:
    """A computed revision and its inputs.

    `inputs` has the digest of each input by its name, in alphabetical order. `doubts` says what
    makes the revision depend on more, or on less, than the code.
    """

    value: str
    inputs: Mapping[str, str]
    doubts: tuple[str, ...]


def own_revision(cls: type[Aggregate]) -> str | None:
    """The class's explicit `revision`, if it declares one."""
    revision = cls.__dict__.get("revision")
    if revision is None or (isinstance(revision, str) and revision):
        return revision
    raise ConfigurationError(
        f"{cls.__name__}.revision is {revision!r}; a non-empty string is wanted"
    )


def compute_revision(cls: type[Aggregate], codec: Codec) -> str:
    """Compute a hash over the code that decides how events become a state of the class.

    Raises `ConfigurationError` where a function's source can't be read; warns, once, where the
    source isn't that of the loaded code and where something can't be known (`RevisionWarning`).
    """
    revision = revision_of(cls, codec)
    if revision.doubts:
        warnings.warn("; ".join(revision.doubts), RevisionWarning, stacklevel=2)
    return revision.value


def revision_of(cls: type[Aggregate], codec: Codec) -> Revision:
    """Compute the revision together with its inputs, without a warning."""
    try:
        found = Search(cls, codec.name)
    except NoSourceError as error:
        raise ConfigurationError(
            f"the source of {error} can't be read, so a change of it would go unseen; set "
            '`revision = "1"` on the aggregate and raise it whenever what events mean changes'
        ) from error
    labelled = sorted((each.label, each.digest) for each in found.inputs)
    named = sorted((each.name, each.digest) for each in found.inputs)
    return Revision(digest(tuple(labelled)), dict(named), tuple(_doubts(cls, found)))


def _doubts(cls: type[Aggregate], found: Search) -> list[str]:
    doubts = []
    if found.not_from_text:
        functions = ", ".join(sorted(set(found.not_from_text)))
        doubts.append(
            f"the revision of {cls.__name__} was computed from compiled code and is another with "
            f"every Python version, since the source isn't that of the loaded code: {functions}. "
            "Restart the process if a file was changed after its import"
        )
    if found.untold:
        doubts.append(
            f"the revision of {cls.__name__} doesn't cover what can't be known before it runs: "
            f"{', '.join(sorted(set(found.untold)))}. Set `revision` on the class, and raise it "
            "when that changes"
        )
    return doubts
