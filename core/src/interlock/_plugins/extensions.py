"""Calls the hooks of the listed extensions: secrets, observers, commands."""

from collections.abc import Sequence
from typing import Any

import pluggy

from interlock._engine.reports import Observer
from interlock._plugins.specs import ExtensionSpec, Hooks
from interlock.errors import PluginError


class Extensions:
    """The listed extensions, in order; one that is broken prevents the start."""

    def __init__(self, specs: Sequence[ExtensionSpec] = ()) -> None:
        self._manager = hook_manager()
        for spec in reversed(specs):  # pluggy calls the last one registered first
            self._manager.register(spec.plugin, name=spec.name)

    def secret(self, name: str) -> str | None:
        """Look up a secret by name. Raises `PluginError` if an extension fails to."""
        found = self._called("interlock_resolve_secret", name=name)
        return None if found is None else str(found)

    def observers(self) -> list[Observer]:
        """List the observers that the extensions register."""
        return [each for given in self._called("interlock_register_observers") for each in given]

    def commands(self) -> list[Any]:  # Any: typer's applications
        """List the commands that the extensions register."""
        return [each for given in self._called("interlock_register_commands") for each in given]

    def _called(self, hook: str, **arguments: str) -> Any:  # Any: what the hook gives
        try:
            return getattr(self._manager.hook, hook)(**arguments)
        except (Exception, SystemExit) as error:
            names = ", ".join(name for name, _ in self._manager.list_name_plugin())
            raise PluginError(f"{hook} of the extensions {names} failed: {error!r}") from error


def hook_manager() -> pluggy.PluginManager:
    """Make a plugin manager that knows the hooks and has no plugin."""
    manager = pluggy.PluginManager("interlock")
    manager.add_hookspecs(Hooks)
    return manager
