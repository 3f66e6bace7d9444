"""A driver's errors as the framework's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interlock.errors import BackendUnavailableError, InterlockError


@contextmanager
def translated(
    *driver_errors: type[Exception],
    where: str,
    told: Callable[[Exception], object] = str,
    nothing_done: bool = False,
) -> Iterator[None]:
    """Raise the driver's errors as `BackendUnavailableError`, with the driver's as its cause.

    Its message is `where`, the store's name, and what `told` says of the error: keep passwords out
    of both. `nothing_done` is for an append that is known not to be stored. The framework's own
    errors pass as they are, also where `driver_errors` has `Exception`.
    """
    try:
        yield
    except InterlockError:
        raise
    except driver_errors as error:
        message = f"{where}: {told(error) or repr(error)}"
        raise BackendUnavailableError(message, nothing_done=nothing_done) from error
