"""What may be shown of a configuration: what came from elsewhere, and passwords, are masked."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, get_args

from pydantic import BaseModel, SecretBytes, SecretStr

MASK = "***"
_LONGEST = 80  # characters of a value in a message
_PASSWORDS = (
    re.compile(r"(://[^/@:\s]*:).*(?=@)", re.DOTALL),  # of a URL's user
    re.compile(r"([?&][^=&#]*(?:pass|pwd|secret|token)[^=&#]*=)[^&#]*", re.IGNORECASE),
)


class Secret(str):
    """A string a part of which came from the environment or a file; shown with that part masked."""

    __slots__ = ("parts", "shown")

    shown: str
    parts: tuple[str, ...]

    def __new__(cls, value: str, shown: str = MASK, parts: Iterable[str] | None = None) -> Self:
        """The value, how it is shown, and what in it is secret: all of it unless given."""
        secret = super().__new__(cls, value)
        secret.shown = shown
        secret.parts = (value,) if parts is None else tuple(parts)
        return secret

    def __repr__(self) -> str:
        return repr(self.shown)


def hidden(options: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """The options, those that the model declares secret as `Secret`, wherever they came from."""

    def hide(name: str, value: Any) -> Any:  # Any: a TOML value
        field = model.model_fields.get(name)
        kinds = () if field is None else (field.annotation, *get_args(field.annotation))
        if isinstance(value, str) and (SecretStr in kinds or SecretBytes in kinds):
            return Secret(value)
        return value

    return {name: hide(name, value) for name, value in options.items()}


def shown(options: Mapping[str, Any]) -> dict[str, Any]:  # Any: TOML values
    """Options as they may be shown: secrets masked, and passwords in URLs."""

    def mask(value: Any) -> Any:  # Any: a TOML value
        if isinstance(value, dict):
            return shown(value)
        if isinstance(value, list):
            return [mask(item) for item in value]
        if not isinstance(value, str):
            return value
        text = value.shown if isinstance(value, Secret) else value
        for password in _PASSWORDS:
            text = password.sub(rf"\1{MASK}", text)
        return text

    return {key: mask(value) for key, value in options.items()}


def masked(text: str, value: object) -> str:
    """The text, with the secrets that are in the value masked wherever they stand in it."""
    for secret in _secrets(value):
        text = text.replace(secret, secret.shown)
    return text


def _secrets(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        if value:
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item)


def brief(value: object) -> str:
    """A value of TOML as a message may show it: masked, and short."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    (text,) = shown({"": value}).values()
    return repr(text) if len(repr(text)) <= _LONGEST else f"{repr(text)[:_LONGEST]}..."
