"""What pytest prints of a failed check."""

from collections.abc import Mapping
from typing import Any

from interlock_conformance.causes import Cause

_HINT = "(--tb=long shows the traceback)"


def shown(told: Mapping[str, Any], seen: dict[str, str]) -> str:  # Any: what the test told
    """The reason; of an error that another check of the class met before, which check that is.

    `seen` has the first check of each error, and gets this one.
    """
    cause = told["cause"] and Cause(*told["cause"])
    if cause is None:
        return str(told["reason"])
    first = seen.setdefault(cause.key, told["id"])
    if first != told["id"]:
        return f"{told['id']}: the same error as in {first}: {cause.error.splitlines()[0]}"
    if told["outcome"] == "error":
        return f"{told['id']} ended in an error:\n{told['reason']}\n{_HINT}"
    return f"{told['reason']}\nin {cause.place}\n{_HINT}"
