"""The metadata of events, as JSON."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

from interlock._model.command import Command

Metadata = Mapping[str, Any]  # Any: JSON values


def encode_metadata(command: Command[Any], metadata: Metadata | None) -> bytes:
    """The metadata of a command's events, as JSON.

    Raises `TypeError` for what JSON can't hold, and for what could never be read again: NaN,
    infinities, integers of over 4,300 digits, more than 200 levels.
    """
    if not metadata:
        return to_json({"command_id": command.__dict__["command_id"]})
    try:
        encoded = to_json({**metadata, "command_id": command.command_id}, inf_nan_mode="constants")
        from_json(encoded, allow_inf_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(
            "metadata is to be a mapping of JSON values, with finite numbers of at most 4,300 "
            f"digits and at most 200 levels; what was given is none ({type(error).__name__})"
        ) from None
    return encoded
