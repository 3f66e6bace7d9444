"""Every exception that Interlock raises.

A driver's own exception never leaves a backend: it becomes one of these, with the driver's as its
cause.
"""

from collections.abc import Collection
from uuid import UUID


class InterlockError(Exception):
    """The base of all of them."""


class ConfigurationError(InterlockError):
    """The application can't work as it was configured; nothing was started."""


class RevisionWarning(UserWarning):
    """A computed revision doesn't follow from the source alone, or doesn't cover all that decides.

    It is safe to go on: the revision is still another one where the code that is told of differs,
    unless the warning says that it can't be known.
    """


class PluginError(ConfigurationError):
    """A plugin that the configuration names can't be loaded or doesn't keep its contract."""


class BackendUnavailableError(InterlockError):
    """A backend didn't answer, or answered with a failure that isn't about one record.

    `nothing_done` is set by an event store that knows that the append it was asked for was not and
    will not be made: a full disk, a read-only file. Without it the outcome of an append is looked
    up.
    """

    def __init__(self, message: str, *, nothing_done: bool = False) -> None:
        super().__init__(message)
        self.nothing_done = nothing_done


class RecordUnusableError(InterlockError):
    """A stored record can't serve as a state: corrupt, foreign, or of a format that isn't known.

    `version` is the record's, where the store could tell; an older record is then looked for below
    it.
    """

    def __init__(self, message: str, *, version: int | None = None) -> None:
        super().__init__(message)
        self.version = version


class StateNotKeptError(InterlockError):
    """A state doesn't come back from its record as it was, so it is neither cached nor snapshotted.

    Loads of it are answered all the same, from the events. `where` is the JSON path of what would
    be lost, and what that is: types, never values.
    """

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(message)
        self.where = where


class RecordTooLargeError(InterlockError):
    """A record is above its store's limit; it isn't kept, nor is what stood in its place."""


class ConcurrencyError(InterlockError):
    """The stream's head isn't the event that the append was built on; nothing was appended."""


class AppendOutcomeUnknownError(InterlockError):
    """The reply of an append was lost and the event store can't be asked whether the events stand.

    `event_ids` are the ids under which they stand if they do.
    """

    def __init__(self, message: str, *, event_ids: Collection[UUID] = ()) -> None:
        super().__init__(message)
        self.event_ids = tuple(event_ids)


class StreamTruncatedError(InterlockError):
    """Events that the state needs are gone from the stream and no usable baseline covers them.

    `revisions` are the revisions of the code that have a snapshot of this aggregate, `archive` is
    the file with the events that were archived, if there is one.
    """

    def __init__(
        self, message: str, *, revisions: Collection[str] = (), archive: str | None = None
    ) -> None:
        super().__init__(message)
        self.revisions = tuple(revisions)
        self.archive = archive


class ArchiveError(InterlockError):
    """A stream can't be archived as it is, or its archive isn't as it was written.

    No event was deleted.
    """


class VersionNotFoundError(InterlockError):
    """The version asked for is beyond the stream's head."""


class UnknownEventError(InterlockError):
    """An event that the aggregate has no applier for, or of a newer schema than this code's."""


class EventApplyError(InterlockError):
    """An event's payload doesn't validate, or its applier raised; the cause says what."""


class UnknownCommandError(InterlockError):
    """No registered aggregate handles the command."""


class ReentrantCommandError(InterlockError):
    """A handler, or what it started, dispatched a command while its own aggregate was held."""
