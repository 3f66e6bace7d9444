"""The face for callers without an event loop."""

from interlock._app.sync_application import SyncApplication

__all__ = ["SyncApplication"]
