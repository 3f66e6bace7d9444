"""An installed distribution, read without the catalogue, which would refuse a broken one."""

import asyncio
import inspect
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, distributions
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from pydantic import BaseModel

from interlock.backends import BackendReference, BackendSpec
from interlock_conformance.checks import CannotTell
from interlock_conformance.subject import Suite

T = TypeVar("T")
GROUP = "interlock.backends"


@dataclass(slots=True)
class Installed:
    """A backend's distribution and its entry point."""

    reference: BackendReference
    point: EntryPoint
    distribution: Distribution
    answers: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The backend's name."""
        return self.reference.name


class PackagingHarness:
    """The input of the checks of packaging."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.subject = self.run(_installed(suite))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing was opened."""

    def run(self, pending: Awaitable[T]) -> T:
        """The awaited result."""
        return asyncio.run(cast("Coroutine[Any, Any, T]", pending))

    @property
    def capabilities(self) -> frozenset[str]:
        """`options` if the backend has a model of options; `url` if that has a URL."""
        model = self.model()
        if model is None:
            return self.suite.capabilities
        fields = {"url"} & {*getattr(model, "model_fields", ())}
        return self.suite.capabilities | {"options"} | fields

    def specs(self) -> Sequence[Any]:  # Any: whatever the hook gives
        """The raw registrations of the entry point's module."""
        module = self.subject.point.load()
        return list(module.interlock_register_backends())

    def spec(self) -> BackendSpec | None:
        """The one of the backend's name, if there is one."""
        try:
            named = [found for found in self.specs() if found.name == self.subject.name]
        except Exception:  # noqa: BLE001 what is wrong with it is what checks find out
            return None
        return named[0] if named else None

    def model(self) -> type[BaseModel] | None:
        """The model of its options, if it has one that can be imported."""
        spec = self.spec()
        if spec is None or spec.config is None:
            return None
        module, _, attribute = spec.config.partition(":")
        try:
            return cast("type[BaseModel]", getattr(import_module(module), attribute))
        except (ImportError, AttributeError):
            return None

    def package(self) -> str:
        """The import package of the entry point."""
        return self.subject.point.value.partition(":")[0].partition(".")[0]


async def _installed(suite: Suite) -> Installed:
    given = suite.backend()
    reference = await given if inspect.isawaitable(given) else given
    if not isinstance(reference, BackendReference):
        raise CannotTell("only what is installed has a distribution: return backend(name, ...)")
    for distribution in distributions():
        for point in distribution.entry_points:
            if point.group == GROUP and point.name == reference.name:
                return Installed(reference, point, distribution)
    raise CannotTell(f"no distribution registers {reference.name!r}")
