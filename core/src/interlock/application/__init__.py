"""The face for building applications; lazy, so that a protocol below it loads no builder."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interlock._app.application import Application
    from interlock._app.builder import ApplicationBuilder
    from interlock._app.health import BackendHealth, Health
    from interlock._app.probes import Liveness, Readiness
    from interlock._engine.archiving import Archived
    from interlock._engine.fold import RecordedEvent
    from interlock._engine.inspecting import KeptState
    from interlock._engine.rebuilding import RebuildProgress
    from interlock._engine.reports import (
        AppendReport,
        Batch,
        BreakerReport,
        CacheReport,
        CountReport,
        DispatchReport,
        FailureReport,
        LoadReport,
        Miss,
        Observer,
        OnLoad,
        Operation,
        OperationKind,
        Reason,
        SnapshotReport,
        Source,
        StoreAction,
    )
    from interlock._plugins.sources import (
        CacheBackendSource,
        EventStoreSource,
        SnapshotBackendSource,
    )
    from interlock._plugins.specs import backend

__all__ = [
    "AppendReport",
    "Application",
    "ApplicationBuilder",
    "Archived",
    "BackendHealth",
    "Batch",
    "BreakerReport",
    "CacheBackendSource",
    "CacheReport",
    "CountReport",
    "DispatchReport",
    "EventStoreSource",
    "FailureReport",
    "Health",
    "KeptState",
    "Liveness",
    "LoadReport",
    "Miss",
    "Observer",
    "OnLoad",
    "Operation",
    "OperationKind",
    "Readiness",
    "Reason",
    "RebuildProgress",
    "RecordedEvent",
    "SnapshotBackendSource",
    "SnapshotReport",
    "Source",
    "StoreAction",
    "backend",
]

_HOMES = {
    "AppendReport": "interlock._engine.reports",
    "Application": "interlock._app.application",
    "ApplicationBuilder": "interlock._app.builder",
    "Archived": "interlock._engine.archiving",
    "BackendHealth": "interlock._app.health",
    "Batch": "interlock._engine.reports",
    "BreakerReport": "interlock._engine.reports",
    "CacheBackendSource": "interlock._plugins.sources",
    "CacheReport": "interlock._engine.reports",
    "CountReport": "interlock._engine.reports",
    "DispatchReport": "interlock._engine.reports",
    "EventStoreSource": "interlock._plugins.sources",
    "FailureReport": "interlock._engine.reports",
    "Health": "interlock._app.health",
    "KeptState": "interlock._engine.inspecting",
    "Liveness": "interlock._app.probes",
    "LoadReport": "interlock._engine.reports",
    "Miss": "interlock._engine.reports",
    "Observer": "interlock._engine.reports",
    "OnLoad": "interlock._engine.reports",
    "Operation": "interlock._engine.reports",
    "OperationKind": "interlock._engine.reports",
    "Readiness": "interlock._app.probes",
    "Reason": "interlock._engine.reports",
    "RebuildProgress": "interlock._engine.rebuilding",
    "RecordedEvent": "interlock._engine.fold",
    "SnapshotBackendSource": "interlock._plugins.sources",
    "SnapshotReport": "interlock._engine.reports",
    "Source": "interlock._engine.reports",
    "StoreAction": "interlock._engine.reports",
    "backend": "interlock._plugins.specs",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
