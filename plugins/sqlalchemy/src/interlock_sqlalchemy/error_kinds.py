"""The kinds of a server's errors, by what has to be done about them."""

from enum import Enum

from interlock.backends import BackendUnavailableError


class ErrorKind(Enum):
    """The meaning of a driver's error."""

    CONFLICT = "a row stands where one was to be inserted"
    LOST = "the connection is gone; whether the statement was carried out isn't known"
    ABORTED = "the transaction was undone, and may be carried out if it is repeated"
    STALE = "what the connection prepared is of a table that was altered, or gone; nothing was done"
    GIVEN_UP = "the server gave the statement up, or had no room for it; nothing was done"
    NOT_PRIMARY = "the server takes no writes, any more"
    TOO_LARGE = "the server can't keep a value of this size"
    WRONG_OPTION = "the driver knows no such option"
    WRONG_USER = "the server doesn't let this user in"
    NO_DATABASE = "the server has no such database"
    NO_RIGHT = "the user may not do this"
    REFUSED = "the server answered with another error; nothing was done"


class NotPrimaryError(BackendUnavailableError):
    """The server can't keep events. On start this is the configuration's fault."""


class WrongAccessError(BackendUnavailableError):
    """The URL can't be right: its user, database, options or server. As above."""

    def __init__(self, message: str) -> None:
        super().__init__(message, nothing_done=True)
