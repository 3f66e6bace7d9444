"""Imports the objects that plugins name, and validates options for them."""

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError, validate_call

from interlock._plugins.problems import MOST, within
from interlock._values.masking import Masking, brief, shown
from interlock.errors import ConfigurationError, PluginError

M = TypeVar("M", bound=BaseModel)

_LONGEST = 64  # characters of a name that another one is looked for


class OptionsError(ConfigurationError):
    """Options that a plugin doesn't take; `problems` are (path, what is wrong, what to do)."""

    def __init__(
        self,
        what: str,
        error: ValidationError,
        options: Mapping[str, Any],  # Any: what didn't validate
        model: type[BaseModel] | None = None,
    ) -> None:
        masking = Masking().learn(options, model)
        masked = shown(options, model)
        names = () if model is None else tuple(model.model_fields)
        self.problems = [
            (item["loc"], *_explained(cast("dict[str, Any]", item), names, masked, masking))
            for item in error.errors(include_url=False, include_context=False)[:MOST]
        ]
        lines = [
            f"{within('', *path)}: " * bool(path) + text + f"; {hint}" * bool(hint)
            for path, text, hint in self.problems
        ]
        super().__init__(f"the options of {what} don't fit: {'; '.join(lines)}")


def _explained(
    item: Mapping[str, Any], names: tuple[str, ...], masked: Any, masking: Masking
) -> tuple[str, str]:  # Any: TOML values
    """Say what is wrong with an option, and what to do about it."""
    if item["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return "no such option", nearest(str(item["loc"][-1]), names)
    if item["type"] in ("missing", "missing_keyword_only_argument"):
        return "is required and missing", ""
    found = _at(item["loc"], masked)
    is_shown = isinstance(found, bool | int | float | str)
    return masking.text(item["msg"]) + (f", found {brief(found)}" if is_shown else ""), ""


def _at(path: Sequence[str | int], value: Any) -> Any:  # Any: TOML values
    """The value at the path of an error, in which pydantic names parts of types as well."""
    for part in path:
        is_item = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if is_item or (isinstance(value, dict) and part in value):
            value = value[part]
    return value


def nearest(name: str, known: Collection[str]) -> str:
    """Suggest in a sentence the known name that was probably meant; else list all."""
    near = difflib.get_close_matches(name[:_LONGEST], known, 1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(known)}" if known else ""


def imported(path: str, what: str) -> Any:  # Any: whatever the plugin names
    """Import the object that a plugin's import string names. Raises `PluginError`."""
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{what}: {path} can't be imported: {type(error).__name__}: {error}"
        ) from error


def validated(
    what: str,
    model: type[M],
    options: Mapping[str, Any],  # Any: checked here
) -> M:
    """Validate options by their model. Raises `OptionsError`."""
    try:
        return model.model_validate(options)
    except ValidationError as error:
        raise OptionsError(what, error, options, model) from None


def called(path: str, what: str, options: Mapping[str, Any]) -> object:
    """Call a factory with options that its annotations have validated.

    Raises `PluginError` and `OptionsError`.
    """
    factory: Callable[..., object] = imported(path, what)
    try:
        return validate_call(factory)(**options)
    except ValidationError as error:
        raise OptionsError(what, error, options) from None
