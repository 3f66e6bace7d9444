"""A suite for what the command line names."""

from interlock.backends import BackendReference
from interlock_conformance.selection import selected


class Selected:
    """Its backend is the selected one."""

    def backend(self) -> BackendReference:
        """The backend by name."""
        found = selected()
        assert found is not None, "--interlock-backend names no backend"
        return found.reference

    def __getattr__(self, name: str) -> object:
        """The functions of the options file."""
        found = selected()
        if found is not None and name in found.hooks:
            return found.hooks[name]
        raise AttributeError(name)
