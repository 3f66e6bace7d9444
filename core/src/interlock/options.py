"""What plugins name by import strings, and options for it: validated, all that is wrong told."""

import difflib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from pydantic import ValidationError, validate_call

from interlock.errors import ConfigurationError, PluginError
from interlock.masking import masked


class OptionsError(ConfigurationError):
    """Options that a plugin doesn't take; `problems` are (path, what is wrong)."""

    def __init__(self, what: str, error: ValidationError, names: tuple[str, ...] = ()) -> None:
        self.problems = [
            (".".join(map(str, item["loc"])), _explained(cast("dict[str, Any]", item), names))
            for item in error.errors(include_url=False, include_context=False)
        ]
        lines = "; ".join(f"{path}: {text}" if path else text for path, text in self.problems)
        super().__init__(f"the options of {what} don't fit: {lines}")


def _explained(item: Mapping[str, Any], names: tuple[str, ...]) -> str:
    name = str(item["loc"][-1]) if item["loc"] else ""
    if item["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        near = difflib.get_close_matches(name, names, 1)
        known = f"; known are {', '.join(names)}" if names else ""
        return "no such option" + (f", did you mean {near[0]!r}?" if near else known)
    if item["type"] in ("missing", "missing_keyword_only_argument"):
        return "is required and missing"
    found = item["input"]
    is_shown = isinstance(found, bool | int | float | str) and "://" not in str(found)
    return masked(item["msg"], found) + (f", found {found!r}" if is_shown else "")


def imported(path: str, what: str) -> Any:  # Any: whatever the plugin names
    """What an import string of a plugin names. Raises `PluginError`."""
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{what}: {path} can't be imported: {type(error).__name__}: {error}"
        ) from error


def called(path: str, what: str, options: Mapping[str, Any]) -> object:
    """What a factory makes of the options, validated by its annotations.

    Raises `PluginError` and `OptionsError`.
    """
    factory: Callable[..., object] = imported(path, what)
    try:
        return validate_call(factory)(**options)
    except ValidationError as error:
        raise OptionsError(what, error) from None
