"""Making backends of what was registered: an instance, a class, a factory, a name with options."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from interlock._model.aggregate import Aggregate
from interlock.errors import ConfigurationError

_FILLED = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


class Dependencies:
    """Values for constructors of backends, by annotated type or by parameter name."""

    def __init__(self) -> None:
        self._values: dict[type | str, object] = {}

    def register(self, key: type | str, value: object) -> None:
        """Provide a value for parameters annotated with the type, or of the name."""
        self._values[key] = value

    def construct(
        self, factory: Callable[..., object], aggregate_type: type[Aggregate] | None
    ) -> object:
        """Call the factory, its required parameters filled; `aggregate_type` wherever it is taken.

        Raises `ConfigurationError` for a parameter that can't be filled, or if the factory raises.
        """
        arguments: dict[str, object] = {}
        hints = _hints(factory)
        for name, parameter in inspect.signature(factory).parameters.items():
            if name == "aggregate_type" and aggregate_type is not None:
                arguments[name] = aggregate_type
            elif parameter.default is not inspect.Parameter.empty or parameter.kind not in _FILLED:
                continue
            elif (hint := hints.get(name)) in self._values:
                arguments[name] = self._values[hint]
            elif name in self._values:
                arguments[name] = self._values[name]
            else:
                raise ConfigurationError(
                    f"{_name(factory)} needs {name!r} and nothing was registered for it: "
                    f'.register_dependency("{name}", value), or give a made instance, or name the '
                    "backend with options"
                )
        try:
            return factory(**arguments)
        except ConfigurationError:
            raise
        except Exception as error:
            raise ConfigurationError(f"{_name(factory)} could not be made: {error!r}") from error


def _hints(
    factory: Callable[..., object],
) -> Mapping[str, Any]:  # Any: whatever the annotations are
    try:
        return get_type_hints(vars(factory)["__init__"] if isinstance(factory, type) else factory)
    except (KeyError, NameError, TypeError):
        return {}  # then parameters are filled by name


def _name(factory: Callable[..., object]) -> str:
    return getattr(factory, "__qualname__", repr(factory))
