"""How a call ended, by what it raised."""

from history import End
from interlock.errors import (
    AppendOutcomeUnknownError,
    BackendUnavailableError,
    ConcurrencyError,
    StreamTruncatedError,
    VersionNotFoundError,
)
from simulated_bank import RefusedError

_ENDS: dict[type, End] = {
    RefusedError: End.REFUSED,
    AppendOutcomeUnknownError: End.UNKNOWN,
    VersionNotFoundError: End.NOT_FOUND,
    StreamTruncatedError: End.TRUNCATED,
    ConcurrencyError: End.CONFLICT,
    BackendUnavailableError: End.FAILED,
}


def end_of(error: Exception) -> End:
    """Tell how a call ended that raised this; an error of a kind that is documented is one, too."""
    kinds = type(error).__mro__
    return next((_ENDS[kind] for kind in kinds if kind in _ENDS), End.UNDOCUMENTED)
