"""The test classes: a subclass with the method `backend` is a suite for one backend."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from interlock.backends import BackendKind
from interlock_conformance import (
    bad_days,
    caches,
    cancelled,
    concurrency,
    connections,
    doors,
    durability,
    environment,
    events,
    forgetting,
    hostile,
    instances,
    isolation,
    keeping,
    listings,
    lives,
    many,
    models,
    outages,
    packaging,
    ports,
    promises,
    replay,
    retention,
    snapshots,
    superseding,
    unusable,
    watching,
)
from interlock_conformance.checks import Check, checks_of
from interlock_conformance.distribution import PackagingHarness
from interlock_conformance.harness import Harness
from interlock_conformance.outcomes import Outcome, make_check

__all__ = [
    "CacheConformance",
    "EventStoreConformance",
    "PackagingConformance",
    "PlainCacheConformance",
    "PlainSnapshotConformance",
    "SnapshotConformance",
]
# Imported so that their checks are registered.
_MODULES = (
    bad_days,
    cancelled,
    caches,
    concurrency,
    connections,
    doors,
    durability,
    environment,
    events,
    forgetting,
    hostile,
    instances,
    isolation,
    keeping,
    listings,
    lives,
    many,
    models,
    outages,
    packaging,
    ports,
    promises,
    replay,
    retention,
    snapshots,
    superseding,
    unusable,
    watching,
)


class Conformance:
    """Parts shared by the classes.

    `backend` makes one that isn't open, or names an installed one: `backend("name", url=...)`. It
    may be `async`, and may take `keep`, `keep_revisions`, `size`, `ttl` with defaults.
    `capabilities` are what the backend promises beside those of its registration. Optional methods
    are `tamper(backend, key, change)` and `advance(backend, seconds)`, both `async`, and
    `hold(backend)` and `break_(backend)`, which give async context managers; for an event store
    `snapshots()`, which makes the snapshot store that it reads with its own events.
    `backends()` gives one for each endpoint of the store, and then there may be `stop(place)`,
    `wake(place)` and `replace(place)`, all `async`.
    """

    kind: ClassVar[BackendKind]
    capabilities: ClassVar[frozenset[str]] = frozenset()
    is_plain: ClassVar[bool] = False
    interlock_checks: ClassVar[tuple[Check, ...]] = ()
    interlock_not_carried: ClassVar[tuple[Check, ...]] = ()
    harness: ClassVar[Callable[..., Any]] = Harness  # Any: the kind's harness

    backend: Callable[..., object]


class CacheConformance(Conformance):
    """The checks of a cache that moves records."""

    kind = BackendKind.CACHE


class SnapshotConformance(Conformance):
    """The checks of a snapshot store that moves records."""

    kind = BackendKind.SNAPSHOTS


class EventStoreConformance(Conformance):
    """The checks of an event store."""

    kind = BackendKind.EVENTS


class PlainCacheConformance(Conformance):
    """Those that a plain `AggregateCacheBackend` can carry.

    `backend(self, aggregate_type)` makes one for the type; it is called for two types.
    """

    kind = BackendKind.CACHE
    is_plain = True


class PlainSnapshotConformance(Conformance):
    """Those that a plain `AggregateSnapshotStorageBackend` can carry; see the plain cache."""

    kind = BackendKind.SNAPSHOTS
    is_plain = True


class PackagingConformance(Conformance):
    """The checks of a distribution; `backend` names an installed backend."""

    harness = PackagingHarness


def _test_of(check: Check) -> Callable[..., None]:
    @pytest.mark.parametrize("check", [check], ids=[check.id])
    def test(
        self: Any,  # Any: the suite
        check: Check,
        request: pytest.FixtureRequest,
    ) -> None:
        __tracebackhide__ = True
        result = make_check(check, self)
        told = {
            "id": check.id,
            "outcome": str(result.outcome),
            "reason": result.reason,
            # As texts: a worker of pytest-xdist hands on no members of an enum.
            "capabilities": sorted(map(str, result.capabilities)),
            "backend": result.backend,
            "answers": result.answers,
            "cause": result.cause and [result.cause.error, result.cause.place],
        }
        # Not by `record_property`: it warns where results are written in the format xunit2.
        request.node.user_properties.append(("interlock", told))
        if result.outcome in (Outcome.NOT_MET, Outcome.ADVISED_AGAINST):
            pytest.xfail(f"{check.level.word}, {result.outcome}: {result.reason}")
        if result.outcome in (Outcome.NOT_APPLICABLE, Outcome.CANNOT_TELL):
            pytest.skip(f"{result.outcome}: {result.reason}")
        if result.error is not None:
            raise result.error

    test.__name__ = f"test_{check.name}"
    test.__qualname__ = test.__name__
    test.__doc__ = check.obligation
    test.interlock_check = check.id  # by which the plugin knows it again
    made: Callable[..., None] = test
    return made


def _attach(suite: type[Conformance], kind: str) -> None:
    checks = tuple(checks_of(kind))
    suite.interlock_checks = tuple(c for c in checks if c.is_plain or not suite.is_plain)
    suite.interlock_not_carried = tuple(c for c in checks if c not in suite.interlock_checks)
    for check in suite.interlock_checks:
        setattr(suite, f"test_{check.name}", _test_of(check))


_attach(CacheConformance, "CACHE")
_attach(PlainCacheConformance, "CACHE")
_attach(SnapshotConformance, "SNAP")
_attach(PlainSnapshotConformance, "SNAP")
_attach(EventStoreConformance, "EVENTS")
_attach(PackagingConformance, "PLUG")
