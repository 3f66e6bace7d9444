"""Extensions: secrets, observers and commands, of what was listed."""

from collections.abc import Callable, Sequence
from typing import Any

import pluggy

from interlock._plugins.specs import ExtensionSpec, Hooks
from interlock.errors import PluginError


class Extensions:
    """Extensions that were listed, in that order; a listed one that is broken stops the start."""

    def __init__(self, specs: Sequence[ExtensionSpec] = ()) -> None:
        self._manager = hook_manager()
        for spec in reversed(specs):  # pluggy calls the last one registered first
            self._manager.register(spec.plugin, name=spec.name)

    def secret(self, name: str) -> str | None:
        """The secret of a name. Raises `PluginError` if an extension fails to look it up."""
        found = self._called("interlock_resolve_secret", name=name)
        return None if found is None else str(found)

    def observers(self) -> list[Callable[[Any], object]]:
        """The observers that they register."""
        return [each for given in self._called("interlock_register_observers") for each in given]

    def commands(self) -> list[Any]:  # Any: typer's applications
        """The commands that they register."""
        return [each for given in self._called("interlock_register_commands") for each in given]

    def _called(self, hook: str, **arguments: str) -> Any:  # Any: what the hook gives
        try:
            return getattr(self._manager.hook, hook)(**arguments)
        except (Exception, SystemExit) as error:
            names = ", ".join(name for name, _ in self._manager.list_name_plugin())
            raise PluginError(f"{hook} of the extensions {names} failed: {error!r}") from error


def hook_manager() -> pluggy.PluginManager:
    """A manager that knows the hooks, and no plugin yet."""
    manager = pluggy.PluginManager("interlock")
    manager.add_hookspecs(Hooks)
    return manager
