"""The face for what routes commands and events to methods."""

from interlock._model.routes import applies_event, handles_command, upcasts

__all__ = ["applies_event", "handles_command", "upcasts"]
