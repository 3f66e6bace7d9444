"""How a call ended, by what it raised."""

from history import End
from interlock.errors import (
    AppendOutcomeUnknownError,
    BackendUnavailableError,
    ConcurrencyError,
    VersionNotFoundError,
)
from simulated_bank import RefusedError

_ENDS: dict[type[Exception], End] = {
    RefusedError: End.REFUSED,
    AppendOutcomeUnknownError: End.UNKNOWN,
    VersionNotFoundError: End.NOT_FOUND,
    ConcurrencyError: End.FAILED,
    BackendUnavailableError: End.FAILED,
}


def end_of(error: Exception) -> End:
    """Tell how a call ended that raised this."""
    return _ENDS.get(type(error), End.UNDOCUMENTED)
